"""Fires: each orders one task, once, whatever ticks and whatever the clock does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fires import DAY, HOUR, THREE, add, fire, fires, ordered, row
from orders import HOST, MINUTE, NOW, FakeLauncher, all_rows, order_task, run_tick, task_row, url_of
from sqlalchemy import event
from sqlalchemy.orm import Session
from together import Crowd, crowd

from isobuild.db import Database
from isobuild.domain import firing, schedules, tags, tasks
from isobuild.domain.hosts import Host
from isobuild.domain.rules import Allowance, Rules
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Schedule


@pytest.fixture(scope="module")
def eight() -> Iterator[Crowd]:
    with crowd(8) as ready:
        yield ready


def test_until_a_fire_nothing_happens(database: Database) -> None:
    add(database)
    before = all_rows(database)
    assert run_tick(database, FakeLauncher(database), THREE - timedelta(microseconds=1)).idle
    assert all_rows(database) == before


def test_a_fire_orders_one_task_and_its_tick_launches_it(database: Database) -> None:
    """S3.9, S4.4, S4.23: a schedule makes a new task each time, tagged with its name; nothing is done twice."""
    add(database, options={"title": "Tea"}, queue="high", tags={"team": "kde"}, ttl=3600.0)
    launcher = FakeLauncher(database)
    done = run_tick(database, launcher, THREE)
    assert (done.fired, done.enqueued, done.launched) == (1, 1, 1)
    assert run_tick(database, launcher, THREE + MINUTE).idle
    task = task_row(database, 1)
    assert (task.name, task.iso, task.queue, task.ttl) == (
        "nightly-20261122-0300", "nightly-20261122-0300.iso", "high", 3600.0,
    )  # fmt: skip
    assert (task.recipe, task.options, task.fingerprint, task.created_at) == ("tiny", {"title": "Tea"}, None, THREE)
    with database.read() as session:
        assert tags.of(session, 1) == {1: {"team": "kde", "schedule": "nightly"}}
    (acted,) = fires(database)
    assert (acted.at, acted.fired_at, acted.task_id, acted.error) == (THREE, THREE, 1, None)


def test_each_fire_orders_one(database: Database) -> None:
    add(database, zone="Asia/Jakarta")
    for minutes in range(0, 3 * 24 * 60, 7):
        fire(database, NOW + minutes * MINUTE)
    assert ordered(database) == ["nightly-20261121-2000", "nightly-20261122-2000", "nightly-20261123-2000"]


def test_a_task_says_which_installation_ordered_it(database: Database) -> None:
    add(database)
    fire(database, THREE, replace(HOST, instance="7e57"))
    assert task_row(database, 1).instance == "7e57"


# missed fires


def test_of_missed_fires_the_latest_is_made_up_for(database: Database) -> None:
    """S3.10: one order for the latest missed fire, none for older ones."""
    add(database)
    assert fire(database, THREE + 5 * DAY + 7 * HOUR) == 1
    assert fire(database, THREE + 5 * DAY + 8 * HOUR) == 0
    (acted,) = fires(database)
    assert (acted.at, acted.fired_at) == (THREE + 5 * DAY, THREE + 5 * DAY + 7 * HOUR)
    assert ordered(database) == ["nightly-20261127-0300"]


@pytest.mark.parametrize(("late", "made"), [(3599, 1), (3600, 0)])
def test_a_fire_is_made_up_for_within_its_grace(database: Database, late: int, made: int) -> None:
    add(database, grace=3600)
    assert fire(database, THREE + timedelta(seconds=late)) == made
    assert fire(database, THREE + DAY) == 1


def test_fires_missed_while_it_was_paused_are_not_made_up_for(database: Database) -> None:
    add(database)
    database.write(schedules.pause, "nightly", "mirror down", NOW)
    assert fire(database, THREE) == 0
    assert row(database).next_at is None
    database.write(schedules.resume, "nightly", THREE + HOUR)
    assert fire(database, THREE + 2 * HOUR) == 0
    assert fire(database, THREE + DAY) == 1
    assert ordered(database) == ["nightly-20261123-0300"]


# the clock


def test_a_clock_that_was_years_ahead_loses_nothing_and_doubles_nothing(database: Database) -> None:
    add(database)
    fire(database, THREE)
    ahead = datetime(2031, 6, 1, 5, tzinfo=UTC)
    assert fire(database, ahead) == 1
    assert fire(database, THREE + DAY + HOUR) == 1  # back, within the grace of one that was missed
    assert fire(database, THREE + DAY + HOUR) == 0
    assert fire(database, THREE + 2 * DAY) == 1
    assert ordered(database) == [
        "nightly-20261122-0300", "nightly-20310601-0300", "nightly-20261123-0300", "nightly-20261124-0300",
    ]  # fmt: skip
    assert fire(database, ahead) == 0  # the same moment, come again


def test_a_clock_that_went_back_repeats_nothing(database: Database) -> None:
    add(database, line="0 * * * *")
    times = [NOW + HOUR, NOW + 2 * HOUR, NOW + HOUR, NOW, NOW + HOUR, NOW + 2 * HOUR, NOW + 3 * HOUR]
    assert [fire(database, at) for at in times] == [1, 1, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("what", ["added", "resumed"])
def test_added_while_the_clock_was_ahead_it_begins_when_that_is_over(database: Database, what: str) -> None:
    ahead = NOW + 1500 * DAY
    add(database, now=ahead if what == "added" else NOW)
    if what == "resumed":
        database.write(schedules.pause, "nightly", "", ahead)
        database.write(schedules.resume, "nightly", ahead)
    assert [fire(database, at) for at in (NOW, THREE - MINUTE, THREE, THREE + HOUR, THREE + DAY)] == [0, 0, 1, 0, 1]


def test_a_moment_of_1970_does_not_make_up_for_what_was_paused(database: Database) -> None:
    add(database)
    database.write(schedules.pause, "nightly", "", NOW)
    database.write(schedules.resume, "nightly", THREE + HOUR)
    assert fire(database, datetime(1970, 1, 1, tzinfo=UTC)) == 0  # a clock without a battery
    assert fire(database, THREE + 2 * HOUR) == 0


# refusals


def test_an_order_that_is_refused_is_told_and_the_others_go_on(database: Database) -> None:
    order_task(database, "taken-20261122-0300")
    for name in ("taken", "nightly"):
        add(database, name)
    assert fire(database, THREE) == 2
    (taken,) = fires(database, "taken")
    assert taken.task_id is None
    assert (taken.error or "").startswith("name: 'taken-20261122-0300' is the name of your task 1 already")
    assert ordered(database) == ["taken-20261122-0300", "nightly-20261122-0300"]
    assert fire(database, THREE + HOUR) == 0  # a refused fire is over
    assert fire(database, THREE + DAY) == 2
    assert [acted.task_id for acted in fires(database, "taken")] == [None, 3]


def test_a_fire_of_a_queue_that_another_host_serves_waits_for_that(database: Database) -> None:
    add(database, queue="low")
    assert fire(database, THREE, replace(HOST, queues=("high",))) == 1
    assert (task_row(database, 1).queue, task_row(database, 1).state) == ("low", TaskState.PENDING)


def test_without_overlapping_a_fire_that_finds_another_orders_nothing(database: Database) -> None:
    """S2.14, S2.15: a schedule goes with a queue and no overlap; what is refused costs its user nothing."""
    host = replace(HOST, rules=Rules(orders=Allowance(2, timedelta(days=300))))
    add(database, without_overlapping=True, queue="low")
    fire(database, THREE, host)
    fire(database, THREE + DAY, host)
    assert [acted.task_id for acted in fires(database)] == [1, None]
    assert (fires(database)[1].error or "").startswith("Task 1 is the same and has not ended")
    database.write(tasks.cancel, 1, "ann", THREE + DAY)
    fire(database, THREE + 2 * DAY, host)
    assert [(acted.task_id, acted.error is None) for acted in fires(database)] == [(1, True), (None, False), (2, True)]


def test_a_user_who_may_order_no_more_is_told_in_the_fire(database: Database) -> None:
    host = replace(HOST, rules=Rules(orders=Allowance(1, timedelta(days=30))))
    add(database)
    fire(database, THREE, host)
    fire(database, THREE + DAY, host)
    assert (fires(database)[1].error or "").startswith("diky has ordered as many ISOs as anybody may here")


def test_what_another_release_wrote_hurts_nobody_else(database: Database) -> None:
    for name in ("strange", "lost", "nightly"):
        add(database, name)
    database.write(_write_anew)
    assert fire(database, THREE) == 2
    assert "colour" in (fires(database, "strange")[0].error or "")
    lost = row(database, "lost")
    assert lost.paused_at == THREE
    assert (lost.reason or "").startswith("on oven: zone: 'Mars/Olympus_Mons' can't be used: ")
    assert ordered(database) == ["nightly-20261122-0300"]


def _write_anew(session: Session) -> None:
    strange = schedules.get(session, "strange")
    strange.wish = strange.wish | {"colour": "red"}
    schedules.get(session, "lost").zone = "Mars/Olympus_Mons"


# at once


def _fire_and_die(session: Session, number: int) -> None:
    assert firing.fire(session, number, HOST, THREE)
    raise KeyboardInterrupt


def test_the_fire_and_its_task_are_there_together_or_not_at_all(database: Database) -> None:
    add(database)
    before = all_rows(database)
    with pytest.raises(KeyboardInterrupt):
        database.write(_fire_and_die, row(database).id)
    assert all_rows(database) == before
    assert fire(database, THREE) == 1


def test_eight_ticks_at_once_order_one_for_each_fire(database: Database, eight: Crowd) -> None:
    """S2.C6, S3.10: whatever instances tick, one order for one fire."""
    for name in ("nightly", "morning", "evening"):
        add(database, name)
    for day in range(4):
        hosts = [Host(f"oven{number}", slots=0) for number in range(8)]
        assert eight.tick(url_of(database), THREE + day * DAY, *hosts) == []
    for name in ("nightly", "morning", "evening"):
        assert [(acted.at, acted.error) for acted in fires(database, name)] == [
            (THREE + n * DAY, None) for n in range(4)
        ]
    assert sorted(ordered(database)) == sorted(
        f"{name}-202611{22 + day}-0300" for name in ("nightly", "morning", "evening") for day in range(4)
    )
    assert len({acted.task_id for name in ("nightly", "morning", "evening") for acted in fires(database, name)}) == 12


@pytest.mark.parametrize("change", [(schedules.remove, "nightly"), (schedules.pause, "nightly", "", THREE)])
def test_a_schedule_that_is_removed_or_paused_meanwhile_orders_nothing(
    database: Database, change: tuple[Any, ...]
) -> None:
    add(database)
    (number,) = database.write(firing.due, THREE)
    database.write(*change)
    assert database.write(firing.fire, number, HOST, THREE) is False
    assert database.write(firing.due, THREE) == database.write(firing.due, NOW - DAY) == []
    assert ordered(database) == []


def test_a_thousand_schedules_cost_an_idle_tick_one_statement(database: Database) -> None:
    add(database)
    database.write(_multiply, row(database), 1000)
    sent: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: sent.append(statement))
    assert fire(database, THREE - MINUTE) == 0
    assert [statement.split()[0] for statement in sent if not statement.startswith("BEGIN")] == ["SELECT"]


def _multiply(session: Session, one: Schedule, number: int) -> None:
    facts = {name: getattr(one, name) for name in Schedule.__table__.c.keys() if name not in {"id", "name"}}  # noqa: SIM118
    session.add_all(Schedule(name=f"s{each}", **facts) for each in range(number))
