"""Schedules: what may be one, what a person does with it, and what is seen of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fires import DAY, HOUR, THREE, add, fire, fires, ordered, row
from orders import BY, HOST, MINUTE, NOW, FakeLauncher, all_rows, claim, run_tick, start_build, succeed, task_row

from isobuild.db import Database
from isobuild.domain import batch, builds, pruning, schedules, tags, tasks
from isobuild.domain.batch import Ordered
from isobuild.domain.builds import End
from isobuild.domain.listing import Shown
from isobuild.domain.orders import Order
from isobuild.domain.states import BuildState
from isobuild.errors import BadInput, NameTaken, NotFound, ScheduleRuns, ScheduleTaken
from isobuild.store.local import Stored


def show(database: Database, now: datetime = NOW, name: str = "nightly") -> Shown:
    with database.read() as session:
        return schedules.show(session, name, now)


def listed(database: Database) -> list[Shown]:
    with database.read() as session:
        return schedules.list_schedules(session)


# what may be one

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a name": ({"name": "a b"}, "name: 'a b' can't be a name"),
    "a long name": ({"name": "x" * 41}, f"name: '{'x' * 41}' can't be used: at most 40 characters"),
    "a line": ({"line": "0 3 * *"}, "cron: '0 3 * *' can't be used: five fields"),
    "a day that is none": ({"line": "0 0 31 2 *"}, "cron: '0 0 31 2 *' can't be used: it never fires"),
    "days that never meet": ({"line": "* * */20 * 1L"}, "cron: '* * */20 * 1L' can't be used: it never fires"),
    "a zone": ({"zone": "Mars"}, "zone: 'Mars' can't be used: a name of the time zone database"),
    "no grace": ({"grace": 59.0}, "grace: 59.0 can't be used: from 60 seconds to 366 days of them"),
    "a grace that is no number": ({"grace": float("nan")}, "grace: nan can't be used"),
    "a user": ({"user": "a/b"}, "user: 'a/b' can't be a name"),
    "a queue": ({"queue": "vip"}, "queue: there is no queue 'vip'; there are: high, default, low"),
    "a priority": ({"priority": 1001}, "priority: 1001 can't be used"),
    "a limit": ({"time_limit": 0}, "time_limit: 0 can't be used"),
    "its own tag": ({"tags": {"schedule": "x"}}, "tags: 'schedule' can't be used: any other tag"),
    "too many tags": ({"tags": {f"t{n}": "" for n in range(50)}}, "tags: '51 tags' can't be used: at most 50"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_can_not_be_a_schedule_is_refused_when_it_is_added(database: Database, what: str) -> None:
    said, words = BAD[what]
    before = all_rows(database)
    with pytest.raises(BadInput) as refused:
        add(database, **said)
    assert str(refused.value).startswith(words)
    assert all_rows(database) == before


def test_a_name_is_taken_once(database: Database) -> None:
    add(database)
    with pytest.raises(ScheduleTaken, match=r"^name: there is a schedule 'nightly' already"):
        add(database, line="@hourly")
    assert row(database).cron == "0 3 * * *"


def test_what_an_order_has_of_its_own_is_not_kept(database: Database) -> None:
    add(database, not_after=NOW + MINUTE, fingerprint="f" * 64)
    fire(database, THREE)
    task = task_row(database, 1)
    assert (task.not_after, task.fingerprint, task.name) == (None, None, "nightly-20261122-0300")


# what a person does


def test_a_pause_says_why_and_a_resumed_one_goes_on(database: Database) -> None:
    add(database)
    database.write(schedules.pause, "nightly", "mirror down", NOW)
    database.write(schedules.pause, "nightly", "the mirror moves", NOW + HOUR)
    paused = show(database)
    assert (paused["paused_at"], paused["reason"]) == ("2026-11-21T08:00:00.123456Z", "the mirror moves")
    assert (paused["next_at"], paused["next"]) == (None, [])
    database.write(schedules.resume, "nightly", NOW + 2 * HOUR)
    shown = show(database)
    assert (shown["paused_at"], shown["reason"], shown["since"]) == (None, None, "2026-11-21T09:00:00.123456Z")
    assert shown["next_at"] == "2026-11-22T03:00:00Z"
    with pytest.raises(ScheduleRuns, match=r"^Schedule nightly is not paused\.$"):
        database.write(schedules.resume, "nightly", NOW + 3 * HOUR)


def test_a_reason_is_kept_as_every_database_takes_it(database: Database) -> None:
    """As it may come from a terminal: half a character, and any length."""
    add(database)
    for said, kept in ((" mirror\udcff down ", "mirror? down"), ("x\0" * 999, "x\N{REPLACEMENT CHARACTER}" * 200)):
        database.write(schedules.pause, "nightly", said, NOW)
        assert show(database)["reason"] == kept


def test_a_removed_one_leaves_its_tasks_and_its_name(database: Database) -> None:
    add(database)
    fire(database, THREE)
    database.write(schedules.remove, "nightly")
    assert ordered(database) == ["nightly-20261122-0300"]
    assert fire(database, THREE + DAY) == 0
    add(database, now=THREE + DAY)
    assert (fires(database), show(database)["fired_at"]) == ([], None)


def test_a_run_neither_swallows_nor_doubles_a_fire(database: Database) -> None:
    """S2.18: run one now, by name."""
    add(database, tags={"team": "kde"})
    missed = THREE + timedelta(seconds=30)
    assert database.write(schedules.run, "nightly", HOST, missed) == 1
    assert [fire(database, at) for at in (missed, missed + HOUR, THREE + DAY)] == [1, 0, 1]
    assert ordered(database) == ["nightly-20261122-030030", "nightly-20261122-0300", "nightly-20261123-0300"]
    with database.read() as session:
        assert tags.of(session, 1)[1] == {"team": "kde", "schedule": "nightly"}
    with pytest.raises(NameTaken):
        database.write(schedules.run, "nightly", HOST, missed)


def test_a_paused_one_can_be_run(database: Database) -> None:
    add(database)
    database.write(schedules.pause, "nightly", "", NOW)
    assert database.write(schedules.run, "nightly", HOST, NOW) == 1


@pytest.mark.parametrize(
    "change",
    [
        (schedules.pause, "none", "", NOW), (schedules.resume, "none", NOW), (schedules.remove, "none"),
        (schedules.run, "none", HOST, NOW),
    ],
    ids=["pause", "resume", "remove", "run"],
)  # fmt: skip
def test_one_that_there_is_not(database: Database, change: tuple[Any, ...]) -> None:
    add(database)
    with pytest.raises(NotFound, match=r"^There is no schedule 'none'\. 'isobuild schedule list' lists them\.$"):
        database.write(*change)


# what is seen


def test_everything_of_a_schedule_is_shown_and_plain(database: Database) -> None:
    add(database, zone="Europe/Berlin", line="30 2 * * *", options={"title": "Tea"}, priority=3)
    shown = show(database, datetime(2027, 3, 26, 12, tzinfo=UTC))
    assert shown["order"] == {
        "user": "diky", "recipe": "tiny", "options": {"title": "Tea"}, "iso": "", "queue": "default", "priority": 3,
        "without_overlapping": False, "tags": {}, "max_attempts": 5, "retry_delay": 30.0, "time_limit": 7200.0,
        "soft_limit": None, "boot_test": None, "ttl": None, "write_last_exec": False, "weight": 0,
    }  # fmt: skip
    assert shown["next"] == [
        {"at": "2027-03-27T01:30:00Z", "local": "2027-03-27T02:30:00+01:00"},
        {"at": "2027-03-28T01:00:00Z", "local": "2027-03-28T03:00:00+02:00"},  # the hour that is left out
        {"at": "2027-03-29T00:30:00Z", "local": "2027-03-29T02:30:00+02:00"},
        {"at": "2027-03-30T00:30:00Z", "local": "2027-03-30T02:30:00+02:00"},
        {"at": "2027-03-31T00:30:00Z", "local": "2027-03-31T02:30:00+02:00"},
    ]
    facts = {key: shown[key] for key in shown if key not in {"order", "next"}}
    assert facts == {
        "name": "nightly", "cron": "30 2 * * *", "zone": "Europe/Berlin", "grace": 86400.0, "recipe": "tiny",
        "user": "diky", "paused_at": None, "reason": None, "since": "2026-11-21T07:00:00.123456Z",
        "next_at": "2026-11-22T01:30:00Z", "fired_at": None, "task": None, "error": None, "succeeded_at": None,
        "fires": [],
    }  # fmt: skip
    assert json.loads(json.dumps(shown)) == shown


def test_the_list_has_the_last_fire_of_each(database: Database) -> None:
    for name in ("nightly", "hourly"):
        add(database, name, "@hourly" if name == "hourly" else "0 3 * * *", without_overlapping=True)
    assert [(each["name"], each["fired_at"]) for each in listed(database)] == [("hourly", None), ("nightly", None)]
    fire(database, THREE + MINUTE)
    fire(database, THREE + HOUR)
    hourly, nightly = listed(database)
    assert (nightly["fired_at"], nightly["task"], nightly["error"]) == ("2026-11-22T03:01:00Z", 1, None)
    assert (hourly["fired_at"], hourly["task"]) == ("2026-11-22T04:00:00Z", None)
    assert hourly["error"].startswith("Task 1 is the same")
    assert [each["at"] for each in show(database, name="hourly")["fires"]] == [
        "2026-11-22T04:00:00Z", "2026-11-22T03:00:00Z",
    ]  # fmt: skip


def test_it_tells_when_it_fired_and_when_that_came_to_something(database: Database) -> None:
    """S3.10, S3.15: ordered, started and finished are times apart, and whether it ever succeeded is known."""
    add(database)
    fire(database, THREE + MINUTE)
    launch = start_build(database, THREE + 2 * MINUTE)
    claim(database, launch, 1, THREE + 3 * MINUTE)
    (only,) = show(database)["fires"]
    assert only == {
        "at": "2026-11-22T03:00:00Z", "fired_at": "2026-11-22T03:01:00Z", "task": 1, "state": "building",
        "finished_at": None, "error": None,
    }  # fmt: skip
    assert show(database)["succeeded_at"] is None
    succeed(database, launch, THREE + HOUR)
    fire(database, THREE + DAY)
    shown = show(database)
    assert (shown["fired_at"], shown["succeeded_at"]) == ("2026-11-23T03:00:00Z", "2026-11-22T04:00:00Z")
    assert [each["state"] for each in shown["fires"]] == ["pending", "ready"]
    database.write(pruning.expire, THREE + DAY, BY)
    assert show(database)["succeeded_at"] == "2026-11-22T04:00:00Z"


@pytest.mark.parametrize("noted", [True, False])
def test_the_last_execution_outlives_its_task_if_that_is_wanted(database: Database, noted: bool) -> None:
    """S3.6, S3.8, S3.12: with write_last_exec success is recorded, in the transaction that makes the task ready."""
    add(database, write_last_exec=noted)
    launcher = FakeLauncher(database)
    run_tick(database, launcher, THREE)
    succeed(database, launcher.launched[0], THREE + HOUR)
    assert bool(all_rows(database)["last_executions"]) is noted
    database.write(tasks.remove, 1, "ann", THREE + DAY)
    assert show(database)["succeeded_at"] == ("2026-11-22T04:00:00Z" if noted else None)


def test_a_scheduled_task_finds_who_else_is_to_be_ordered_for(database: Database) -> None:
    """S3.11, S4.23: one fire's task says in its results for whom; each of them gets a task, all or none."""
    add(database, "editions")
    launcher = FakeLauncher(database)
    run_tick(database, launcher, THREE)
    file = Stored(name="list.iso", size=1, sha256="5a" * 32)
    found = End(state=BuildState.SUCCEEDED, files={"iso": file}, results={"editions": ["kde", "xfce", "lxqt"]})
    database.write(builds.finish, launcher.launched[0].build, launcher.launched[0].token, found, THREE)
    with database.read() as session:
        results = builds.get(session, 1).results or {}
    wishes = [
        Ordered(Order(user="diky", name=f"tea-{edition}", recipe="tiny", tags={"edition": edition}), (1,))
        for edition in results["editions"]
    ]
    assert database.write(batch.order_all, wishes, HOST.queues, HOST.rules, THREE) == [2, 3, 4]
    assert ordered(database)[1:] == ["tea-kde", "tea-xfce", "tea-lxqt"]
