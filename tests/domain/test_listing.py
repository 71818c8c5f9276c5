"""What people see of tasks and builds."""

import json
from datetime import timedelta
from typing import Any

import pytest
from orders import BY, MINUTE, NOW, Launch, fail, order_task, start_build, succeed

from isobuild.db import Database
from isobuild.domain import builds, listing, pruning, tasks
from isobuild.domain.states import BuildState, Cause, TaskState
from isobuild.errors import NotFound


def shown(database: Database, number: int) -> dict[str, Any]:
    with database.read() as session:
        return listing.show_task(session, number)


def numbers(database: Database, **chosen: Any) -> list[int]:
    with database.read() as session:
        return [task["id"] for task in listing.list_tasks(session, **chosen)]


def build_numbers(database: Database, **chosen: Any) -> list[int]:
    with database.read() as session:
        return [build["id"] for build in listing.list_builds(session, **chosen)]


@pytest.fixture
def four(database: Database) -> list[Launch]:
    """Tasks 1 ready, 2 failed, 3 building, 4 pending; the launches of the first three."""
    for number, user in enumerate(("diky", "setyo", "diky", "dino")):
        order_task(database, f"os{number}", NOW + number * MINUTE, user=user)
    ready = start_build(database)
    succeed(database, ready, NOW + MINUTE)
    failed = start_build(database)
    fail(database, failed, NOW + MINUTE, Cause.REQUEST)
    return [ready, failed, start_build(database, NOW + MINUTE)]


def test_a_waiting_task(database: Database) -> None:
    order_task(database, "first")
    order_task(database, "tea", options={"size": 1}, priority=-3, not_before=NOW + MINUTE, user="setyo")
    assert shown(database, 2) == {
        "id": 2, "name": "tea", "user": "setyo", "recipe": "tiny", "options": {"size": 1}, "iso": "tea.iso",
        "state": "pending", "queue": "default", "priority": -3, "attempts": 0, "max_attempts": 5,
        "cause": None, "error": None, "created_at": "2026-11-21T07:00:00.123456Z",
        "not_before": "2026-11-21T07:01:00.123456Z", "finished_at": None, "build": None, "percent": None,
        "step": None, "stopping": False, "size": None, "sha256": None, "download": None, "files": [], "after": [],
        "tags": {}, "follows": None, "not_after": None, "on_dependency_failure": "fail", "pinned": False, "ttl": None,
        "time_limit": 7200.0, "soft_limit": None, "without_overlapping": False, "boot_test": None, "verified": None,
        "proof": None, "updates": None,
    }  # fmt: skip


def test_a_task_that_is_being_built(database: Database, four: list[Launch]) -> None:
    database.write(builds.progress, four[2].build, four[2].token, 32.8, "squash")
    task = shown(database, 3)
    assert (task["state"], task["build"], task["percent"], task["step"]) == ("building", 3, 32.8, "squash")
    assert (task["stopping"], task["download"]) == (False, None)
    database.write(tasks.cancel, 3, "ann", NOW)
    assert shown(database, 3)["stopping"] is True


def test_a_ready_task_can_be_downloaded_until_it_expires(database: Database, four: list[Launch]) -> None:
    task = shown(database, 1)
    assert (task["state"], task["size"], task["sha256"]) == ("ready", 700 << 20, "5a" * 32)
    assert (task["download"], task["percent"]) == ("/download/1/os0.iso", 100.0)
    database.write(pruning.expire, NOW + timedelta(days=1), BY)
    task = shown(database, 1)
    assert (task["state"], task["size"], task["sha256"], task["download"]) == ("expired", None, None, None)


def test_a_failed_task_says_why(database: Database, four: list[Launch]) -> None:
    task = shown(database, 2)
    assert (task["state"], task["cause"], task["error"]) == ("failed", "request", "The mirror is away.")
    assert (task["attempts"], task["finished_at"]) == (1, "2026-11-21T07:01:00.123456Z")
    assert shown(database, 2)["stopping"] is False


def test_a_task_shows_its_newest_build(database: Database) -> None:
    """S1.8, S1.43: the last one tells; there never are two at a time."""
    order_task(database, "tea")
    fail(database, start_build(database))
    start_build(database, NOW + 60 * MINUTE)
    assert shown(database, 1)["build"] == 2


def test_tasks_are_listed_newest_first_and_chosen(database: Database, four: list[Launch]) -> None:
    """S0.C11: all tasks, or those of one user, the newest first."""
    assert numbers(database) == [4, 3, 2, 1]
    assert numbers(database, user="diky") == [3, 1]
    assert numbers(database, user="nobody") == []
    assert numbers(database, state=TaskState.BUILDING) == [3]
    assert numbers(database, state=TaskState.EXPIRED) == []
    assert numbers(database, user="diky", state=TaskState.READY) == [1]


def test_pages_go_by_number(database: Database, four: list[Launch]) -> None:
    assert numbers(database, limit=2) == [4, 3]
    order_task(database, "new")  # arrives between two pages
    assert numbers(database, limit=2, before=3) == [2, 1]
    assert numbers(database, before=1) == []


def test_builds_are_listed_newest_first_and_chosen(database: Database, four: list[Launch]) -> None:
    assert build_numbers(database) == [3, 2, 1]
    assert build_numbers(database, limit=1) == [3]
    assert build_numbers(database, task=2) == [2]
    assert build_numbers(database, state=BuildState.SUCCEEDED) == [1]


def test_a_build_keeps_its_token_and_its_process_to_itself(database: Database, four: list[Launch]) -> None:
    """S4.29: what is given out is made for whoever asks, and not the row."""
    with database.read() as session:
        build = listing.show_build(builds.get(session, 3))
    assert build == {
        "id": 3, "task_id": 3, "state": "running", "finished": False, "busy": True, "attempt": 1, "host": "oven",
        "slot": 0, "percent": 0.0, "step": None, "stopping": False, "cause": None, "error": None,
        "created_at": "2026-11-21T07:01:00.123456Z", "started_at": "2026-11-21T07:01:00.123456Z",
        "finished_at": None, "exit_status": None, "tail": None, "results": None, "proof": None,
            "stages": None,
    }  # fmt: skip
    assert four[2].token not in json.dumps(build)


def test_everything_that_is_shown_is_plain(database: Database, four: list[Launch]) -> None:
    """S4.29: plain values."""
    with database.read() as session:
        everything = listing.list_tasks(session), listing.list_builds(session)
    assert json.loads(json.dumps(everything)) == list(everything)


def test_nothing_at_all(database: Database) -> None:
    assert numbers(database) == build_numbers(database) == []
    with pytest.raises(NotFound, match=r"^There is no task 1"):
        shown(database, 1)
