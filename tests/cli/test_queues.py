"""Queues, limits, the history, and giving a build back, on the command line."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sites import GATED, Site

from cli.conftest import Call
from isobuild.domain import turns
from isobuild.site import host


def shown(call: Call, *arguments: object) -> Any:
    said = call(*arguments, "--json")
    assert (said.code, said.err) == (0, "")
    return json.loads(said.out)


# queues


def test_a_queue_is_paused_with_a_reason_and_resumed(call: Call, site: Site) -> None:
    site.order()
    said = call("queue", "pause", "default", "--reason", "the mirror is down")
    assert (said.code, said.out) == (0, "")
    assert said.err == (
        "Nothing goes from queue default now; builds in hand go on. To open it: isobuild queue resume default\n"
    )
    names = [(queue["name"], queue["waiting"], queue["reason"]) for queue in shown(call, "queue", "list")]
    assert names == [("high", 0, None), ("default", 1, "the mirror is down"), ("low", 0, None)]
    assert "the mirror is down" in call("queue", "list").out
    assert call("tick").out == "idle\n"
    assert call("queue", "resume", "default").err == "Tasks go from queue default again.\n"
    assert call("tick").out == "enqueued 1, launched 1\n"
    assert site.built()["state"] == "succeeded"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("pause", "vip", "--reason", "x"), 2, "queue: there is no queue 'vip'; there are: high, default, low."),
        (("pause", "low"), 2, "reason: '' can't be used: why, in a few words: whoever waits will read them."),
        (("resume", "low"), 3, "Queue low is not paused."),
    ],
)
def test_what_cannot_be_is_said(call: Call, site: Site, arguments: tuple[str, ...], code: int, words: str) -> None:
    said = call("queue", *arguments)
    assert (said.code, said.out, said.err) == (code, "", f"isobuild: {words}\n")


# limits


def test_what_is_left_of_the_limits(call: Call, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(call, "limits") == []
    assert "No limit." in call("limits").err
    monkeypatch.setenv("ISOBUILD_BUCKETS", "mirror=10 per hour, cpu=2 per day")
    monkeypatch.setenv("ISOBUILD_DRAWS", "script=mirror")
    monkeypatch.setenv("ISOBUILD_RECIPE_LIMITS", "script=2, tiny=1")
    monkeypatch.setenv("ISOBUILD_ORDERS_PER_USER", "1 per 2 hours")
    site.write_script("make.sh", GATED)
    assert call("order", "script", "--name", "one", "--script", "make.sh", "--user", "ann").code == 0
    said = call("order", "script", "--name", "two", "--script", "make.sh", "--user", "ann")
    assert said.code == 3
    assert "ann has ordered as many ISOs as anybody may here, 1 per 2 hours. Come again at 20" in said.err
    assert call("order", "script", "--name", "two", "--script", "make.sh", "--user", "bob").code == 0
    before = datetime.now(UTC)
    call("tick")
    mirror, cpu, orders, script, tiny = shown(call, "limits")
    assert (mirror["kind"], mirror["name"], mirror["of"]) == ("bucket", "mirror", "10 per hour")
    assert 9 <= mirror["left"] < 10
    full = datetime.fromisoformat(mirror["full_at"])
    assert before < full < before + timedelta(minutes=8)
    assert cpu == {"kind": "bucket", "name": "cpu", "left": 2, "of": "2 per day", "full_at": None}
    assert (orders["kind"], orders["left"], orders["full_at"]) == ("orders", 1, None)
    assert script == {"kind": "builds", "name": "script", "left": 1, "of": "2 at a time", "full_at": None}
    assert (tiny["name"], tiny["left"]) == ("tiny", 1)
    table = call("limits").out
    assert all(words in table for words in ("bucket mirror", "orders of ", "builds of tiny", "1 per 2 hours"))


# history


def test_the_history_of_a_task_and_of_a_removed_one(call: Call, site: Site) -> None:
    """S4.24: every change of state with from, to, when, who and why."""
    site.order()
    site.carry()
    found = shown(call, "history", 1)
    assert [(event["build"], event["from"], event["to"]) for event in found] == [
        (None, None, "pending"), (None, "pending", "building"), (1, None, "pending"), (1, "pending", "running"),
        (1, "running", "succeeded"), (None, "building", "ready"),
    ]  # fmt: skip
    assert (found[0]["who"], found[0]["why"]) == ("ann", "ordered")
    assert all(event["at"].endswith("Z") for event in found)
    assert "build 1" in call("history", 1).out
    call("remove", 1)
    assert [event["to"] for event in shown(call, "history", 1)][-2:] == ["ready", "removed"]
    said = call("history", 2)
    assert (said.code, said.err) == (4, "isobuild: There is no task 2. 'isobuild tasks' lists them.\n")


# release


def test_a_running_build_is_given_back_until_a_later_time(call: Call, site: Site) -> None:
    """S4.27: a running build goes back to pending, with a later time if that is wanted."""
    site.order(text=GATED)
    call("tick")
    said = call("release", 1, "--at", "+2h")
    assert (said.code, said.out) == (0, "")
    assert "its build stops within seconds" in said.err
    assert site.built()["state"] == "canceled"
    task = site.task()
    assert (task["state"], task["attempts"]) == ("pending", 0)
    later = datetime.fromisoformat(task["not_before"]) - datetime.now(UTC)
    assert timedelta(hours=1, minutes=50) < later < timedelta(hours=2)
    assert call("tick").out == "idle\n"


def test_what_is_not_built_cannot_be_given_back(call: Call, site: Site) -> None:
    site.order()
    said = call("release", 1)
    assert (said.code, said.err) == (3, "isobuild: Task 1 is pending: only a build in hand can be given back.\n")
    said = call("release", 1, "--at", "soon")
    assert (said.code, said.err.partition(":")[2].startswith(" at: 'soon' can't be used: a time such as")) == (2, True)
    assert call("release", 9).code == 4


def test_a_build_that_waits_for_its_launch_is_given_back_at_once(call: Call, site: Site) -> None:
    site.order()
    site.db.write(turns.enqueue, host(site.settings()), datetime.now(UTC))
    assert call("release", 1).err == "Task 1 waits for its turn again.\n"
    assert site.in_state("pending")
