"""Rows go when they are old: tasks without an ISO, history, runners, fires, and with them the logs."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from fires import DAY, THREE, add, fire, fires, ordered, row
from orders import BY, MINUTE, NOW, all_rows, fail, order_task, replay, start_build, succeed, task_row

from isobuild.db import Database
from isobuild.domain import forgetting, history, pruning, runners, tasks
from isobuild.domain.hosts import Host
from isobuild.domain.states import AfterFailure, Cause, TaskState
from isobuild.errors import NotFound

LATER = NOW + timedelta(days=30)


def forget(database: Database, before: datetime = LATER) -> list[int]:
    """The tasks that are forgotten, of those that ended before that."""
    return sorted(database.write(forgetting.forget, before, BY).tasks)


def make(database: Database, name: str, state: TaskState = TaskState.FAILED, **wish: Any) -> int:
    """A task in that state; its number."""
    number = order_task(database, name, **wish)
    if state is TaskState.CANCELED:
        database.write(tasks.cancel, number, "ann", NOW)
    elif state is TaskState.FAILED:
        fail(database, start_build(database), cause=Cause.REQUEST)
    elif state is not TaskState.PENDING:
        succeed(database, start_build(database))
    if state is TaskState.EXPIRED:
        database.write(pruning.take, [number], BY)
    assert task_row(database, number).state is state
    return number


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.CANCELED, TaskState.EXPIRED])
def test_a_task_that_ended_long_ago_is_forgotten_with_its_builds(database: Database, state: TaskState) -> None:
    """S4.26: removal by time; its history says so, and stays until it is old itself."""
    make(database, "tea", state, tags={"team": "kde"})
    assert forget(database, NOW) == []
    assert forget(database, NOW + timedelta(microseconds=1)) == [1]
    left = {table for table, rows in all_rows(database).items() if rows}
    assert left == {"users", "history"}
    with database.read() as session:
        events = history.of(session, 1)
    assert (events[-1].old, events[-1].new, events[-1].why) == (state, "removed", "it ended long ago")
    assert replay(events)[None] == "removed"
    with pytest.raises(NotFound):
        database.write(tasks.retry, 1, "ann", NOW)


def test_what_has_an_iso_or_is_open_or_pinned_is_never_forgotten(database: Database) -> None:
    make(database, "ready", TaskState.READY)
    database.write(tasks.pin, make(database, "pinned"), True)
    make(database, "open", TaskState.PENDING)
    make(database, "old", TaskState.CANCELED)
    assert forget(database, NOW + 36500 * DAY) == [4]


def test_an_expired_task_counts_from_when_its_iso_went(database: Database) -> None:
    make(database, "tea", TaskState.READY)
    database.write(pruning.expire, LATER, history.By("tick", LATER))
    assert forget(database, LATER) == []
    assert forget(database, LATER + MINUTE) == [1]


def test_a_task_that_was_tried_again_counts_from_its_new_end(database: Database) -> None:
    make(database, "tea", TaskState.EXPIRED)
    database.write(tasks.retry, 1, "ann", LATER)
    database.write(tasks.cancel, 1, "ann", LATER)
    assert forget(database, LATER) == []
    assert forget(database, LATER + MINUTE) == [1]


def test_what_an_open_task_waits_for_stays(database: Database) -> None:
    """S4.16: one that waits until its base was tried again still finds it."""
    make(database, "base")
    order_task(database, "flavour", after=[1], on_dependency_failure=AfterFailure.WAIT)
    assert forget(database) == []
    database.write(tasks.retry, 1, "ann", LATER)
    succeed(database, start_build(database, LATER), LATER)
    assert task_row(database, 2).state is TaskState.PENDING


def test_what_an_ended_task_depends_on_stays_as_long_as_that(database: Database) -> None:
    """S4.16: when a flavour is tried again, it must still know that it needs its base."""
    make(database, "base", TaskState.READY)
    make(database, "flavour", TaskState.READY, after=[1])
    database.write(pruning.take, [1], BY)
    assert forget(database) == []
    database.write(pruning.take, [2], BY)
    database.write(tasks.retry, 2, "ann", NOW)
    assert task_row(database, 2).state is TaskState.BLOCKED
    database.write(tasks.cancel, 2, "ann", NOW)
    assert forget(database) == [2]  # the base was looked at, and comes a day later
    assert forget(database, LATER + DAY) == []
    assert forget(database, LATER + DAY + MINUTE) == [1]


def test_a_chain_goes_together(database: Database) -> None:
    make(database, "base", TaskState.EXPIRED)
    for number in (2, 3):
        make(database, f"os{number}", TaskState.CANCELED, after=[number - 1], on_dependency_failure=AfterFailure.RUN)
    assert forget(database) == [1, 2, 3]


def test_a_chain_stays_as_long_as_its_last_task(database: Database) -> None:
    for number, after in enumerate(((), [1], [2]), 1):
        make(database, f"os{number}", TaskState.READY, after=after)
    for number in (1, 2):
        database.write(pruning.take, [number], BY)
    assert forget(database) == []


def test_what_stays_does_not_hold_up_the_others(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "SOME", 2)
    for number in (1, 2, 3):
        make(database, f"base{number}")
        order_task(database, f"flavour{number}", after=[2 * number - 1], on_dependency_failure=AfterFailure.WAIT)
    for name in ("one", "two"):
        make(database, name)
    gone = [number for _ in range(5) for number in forget(database)]
    assert sorted(gone) == [7, 8]


def test_a_portion_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "SOME", 2)
    monkeypatch.setattr(forgetting, "NOTES", 3)
    for number in range(5):
        make(database, f"os{number}", TaskState.CANCELED)
    assert [len(forget(database)) for _ in range(4)] == [2, 2, 1, 0]
    assert [database.write(forgetting.forget_history, LATER) for _ in range(6)] == [3, 3, 3, 3, 3, 0]


# history


def test_history_goes_when_it_is_old(database: Database) -> None:
    """S4.24: the full log is kept for as long as the site says."""
    make(database, "tea", TaskState.CANCELED)
    make(database, "mint", TaskState.PENDING, now=NOW + MINUTE)
    assert database.write(forgetting.forget_history, NOW) == 0
    assert database.write(forgetting.forget_history, NOW + MINUTE) == 2
    assert [row[1] for row in all_rows(database)["history"]] == [2]


def test_runners_go_when_they_ended_long_ago(database: Database) -> None:
    host = Host("oven", slots=3)
    numbers = [database.write(runners.register, "run", 1, host, NOW) for _ in range(3)]
    database.write(runners.end, numbers[0], 0, NOW)
    database.write(runners.end, numbers[1], 0, LATER)
    assert database.write(forgetting.forget_history, LATER) == 1
    assert [row[0] for row in all_rows(database)["runners"]] == numbers[1:]


def test_old_fires_go_and_the_last_one_of_each_schedule_stays(database: Database) -> None:
    for name in ("nightly", "daily"):
        add(database, name)
    for day in range(3):
        fire(database, THREE + day * DAY)
    assert database.write(forgetting.forget_history, THREE) == 0
    assert database.write(forgetting.forget_history, THREE + 9 * DAY) == 6 + 2 * 2  # with the tasks' first events
    for name in ("nightly", "daily"):
        assert [fired.at for fired in fires(database, name)] == [THREE + 2 * DAY]


def test_no_fire_that_was_forgotten_comes_again(database: Database) -> None:
    """S3.10: nothing is done twice, though the clock was a year ahead, and what it thought old is no more."""
    add(database, grace=7 * 86400)
    for day in range(3):
        fire(database, THREE + day * DAY)
    ahead = THREE + 365 * DAY
    fire(database, ahead)
    assert database.write(forgetting.forget_history, ahead) > 0
    assert [fired.at for fired in fires(database)] == [ahead]
    before = ordered(database)
    assert fire(database, THREE + 2 * DAY + MINUTE) == 0
    assert ordered(database) == before
    assert fire(database, THREE + 3 * DAY) == 1
    assert row(database).since == THREE + 2 * DAY


# logs


def test_whose_logs_are_kept(database: Database) -> None:
    make(database, "failed")
    order_task(database, "running", NOW)
    start_build(database)
    assert database.write(forgetting.silent, range(5), None) == {0, 3, 4}
    assert database.write(forgetting.silent, range(1, 3), NOW) == set()
    assert database.write(forgetting.silent, range(1, 3), LATER) == {1}


@pytest.mark.parametrize("newest", [0, 1, 9, 10, 35])
def test_the_logs_of_all_builds_have_their_turn(database: Database, newest: int) -> None:
    for number in range(newest):
        make(database, f"os{number}")
    turns = [database.write(forgetting.turn, 10, NOW + minute * MINUTE) for minute in range(newest // 10 + 2)]
    assert {number for some in turns for number in some} >= set(range(newest + 5))
    assert {len(some) for some in turns} == {10}
