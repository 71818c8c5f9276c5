"""Schedules on the command line."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sites import ISO, Site

from cli.conftest import Call
from isobuild.domain.guard import change
from isobuild.domain.tables import Schedule

ADD = ("schedule", "add", "nightly", "0 3 * * *", "script", "--script", "first.sh")


@pytest.fixture(autouse=True)
def script(site: Site) -> None:
    site.write_script("first.sh", ISO)


def shown(call: Call, name: str = "nightly") -> Any:
    return json.loads(call("schedule", "show", name, "--json").out)


def test_a_schedule_is_added_with_all_that_an_order_has(call: Call) -> None:
    said = call(
        *ADD, "--zone", "Asia/Jakarta", "--grace", 7200, "--queue", "low", "--priority", 4, "--tag", "team=kde",
        "--without-overlapping", "--ttl", 3600, "--no-boot-test", "--write-last-exec", "--user", "bob",
        "--arguments", "x,y",
    )  # fmt: skip
    assert (said.code, said.out) == (0, "")
    assert said.err.startswith("It orders at ")
    assert said.err.count("03:00 (+07:00)") == 2
    schedule = shown(call)
    assert {key: schedule[key] for key in ("name", "cron", "zone", "grace", "recipe", "user", "paused_at")} == {
        "name": "nightly", "cron": "0 3 * * *", "zone": "Asia/Jakarta", "grace": 7200.0, "recipe": "script",
        "user": "bob", "paused_at": None,
    }  # fmt: skip
    order = schedule["order"]
    assert order["options"] == {"script": "first.sh", "arguments": ["x", "y"], "settings": {}}
    assert (order["queue"], order["priority"], order["tags"], order["ttl"]) == ("low", 4, {"team": "kde"}, 3600.0)
    assert (order["without_overlapping"], order["write_last_exec"], order["max_attempts"]) == (True, True, 5)
    assert order["boot_test"] is False
    assert [fire["local"][10:] for fire in schedule["next"]] == ["T03:00:00+07:00"] * 5


BAD = {
    "a recipe": (["0 3 * * *", "tinny"], "recipe: there is no recipe 'tinny'"),
    "an option": (["0 3 * * *", "script", "--script", "no.sh"], "script: "),
    "a queue": (["0 3 * * *", "script", "--script", "first.sh", "--queue", "vip"], "queue: there is no queue 'vip'"),
    "a line": (["0 0 31 2 *", "script", "--script", "first.sh"], "cron: '0 0 31 2 *' can't be used: it never fires"),
    "a zone": (["@daily", "script", "--script", "first.sh", "--zone", "Mars"], "zone: 'Mars' can't be used"),
    "a grace": (["@daily", "script", "--script", "first.sh", "--grace", "1"], "grace: 1.0 can't be used"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_schedule_is_one_sentence_and_changes_nothing(call: Call, what: str) -> None:
    arguments, sentence = BAD[what]
    said = call("schedule", "add", "x", *arguments)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith(f"isobuild: {sentence}")
    assert json.loads(call("schedule", "list", "--json").out) == []


def test_a_name_that_is_taken(call: Call) -> None:
    call(*ADD)
    said = call(*ADD)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "name: there is a schedule 'nightly' already" in said.err


def test_paused_resumed_run_and_removed(call: Call, site: Site) -> None:
    call(*ADD)
    assert call("schedule", "pause", "nightly", "--reason", "mirror down").code == 0
    assert "paused: mirror down" in call("schedule", "list").out
    assert (shown(call)["reason"], shown(call)["next"]) == ("mirror down", [])
    assert "orders again, at " in call("schedule", "resume", "nightly").err
    said = call("schedule", "resume", "nightly")
    assert (said.code, said.err) == (3, "isobuild: Schedule nightly is not paused.\n")
    said = call("schedule", "run", "nightly")
    assert (said.code, said.out) == (0, "1\n")
    assert site.task()["name"].startswith("nightly-")
    assert call("schedule", "remove", "nightly").code == 0
    assert "No schedule. Add one" in call("schedule", "list").err
    for command in ("show", "pause", "resume", "run", "remove"):
        said = call("schedule", command, "nightly")
        assert (said.code, said.out) == (4, "")
        assert said.err == "isobuild: There is no schedule 'nightly'. 'isobuild schedule list' lists them.\n"
    assert site.count() == 1


def test_a_fire_becomes_an_iso(call: Call, site: Site) -> None:
    """S3.9: the tick queries the database for what is due, and orders it."""
    call("schedule", "add", "often", "* * * * *", "script", "--script", "first.sh")
    ago = datetime.now(UTC) - timedelta(minutes=10)
    site.db.write(_add_earlier, ago)
    assert call("tick").out == "fired 1, enqueued 1, launched 1\n"
    site.built()
    (fire, *others) = shown(call, "often")["fires"]
    assert (fire["task"], fire["state"], others) == (1, "ready", [])
    assert shown(call, "often")["succeeded_at"] == site.task()["finished_at"]
    assert site.task()["tags"] == {"schedule": "often"}
    said = call("schedule", "show", "often").out
    assert [line.split()[-2:] for line in said.splitlines() if "ready" in line] == [["1", "ready"]]
    assert said.count("fires at ") == 5


def _add_earlier(session: Any, ago: datetime) -> None:
    change(session, Schedule, Schedule.name == "often", since=ago, seen_at=ago, next_at=ago)


@pytest.mark.parametrize("at", ["2031-12-24 18:00:00", "2031-12-24T18:00:00+01:00", "1956157200", "+90m"])
def test_one_order_at_a_time(call: Call, site: Site, at: str) -> None:
    """S2.15: one shot, as text in local time, ISO 8601, seconds since 1970 or from now; with queue and no overlap."""
    before = datetime.now(UTC)
    wish = ("--queue", "high", "--without-overlapping", "--at", at)
    assert call("order", "script", "--script", "first.sh", "--name", "once", *wish).code == 0
    task = site.task()
    times = {
        "2031-12-24 18:00:00": datetime(2031, 12, 24, 18).astimezone(UTC),
        "2031-12-24T18:00:00+01:00": datetime(2031, 12, 24, 17, tzinfo=UTC),
        "1956157200": datetime(2031, 12, 27, 17, tzinfo=UTC),
    }
    waits = datetime.fromisoformat(task["not_before"])
    if at in times:
        assert waits == times[at]
    else:
        assert before <= waits - timedelta(minutes=90) <= datetime.now(UTC)
    assert (task["queue"], task["without_overlapping"], call("tick").out) == ("high", True, "idle\n")
