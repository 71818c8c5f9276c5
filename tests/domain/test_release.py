"""Release: a build in hand is given back, and its task waits for its turn again."""

from datetime import timedelta

import pytest
from orders import (
    HOST,
    MINUTE,
    NOW,
    SITE,
    all_rows,
    build_row,
    fail,
    order_task,
    start_build,
    succeed,
    task_row,
)  # fmt: skip

from isobuild import tick
from isobuild.db import Database
from isobuild.domain import builds, history, tasks, turns
from isobuild.domain.builds import RELEASED
from isobuild.domain.states import BuildState, TaskState
from isobuild.errors import CannotRelease, NotFound

LATER = NOW + MINUTE
HOUR = timedelta(hours=1)


def test_a_running_build_goes_back_to_pending_without_losing_an_attempt(database: Database) -> None:
    """S4.27: back to pending, only from active."""
    order_task(database, "tea", max_attempts=1)
    launch = start_build(database)
    assert database.write(tasks.release, 1, None, "ann", LATER) is TaskState.BUILDING
    assert database.write(builds.asked, launch.build, launch.token) == "release"
    database.write(builds.finish, launch.build, launch.token, RELEASED, LATER)
    task, build = task_row(database, 1), build_row(database, 1)
    assert (task.state, task.attempts, task.not_before) == (TaskState.PENDING, 0, None)
    assert (build.state, build.error, build.open_task, build.open_slot) == (
        BuildState.CANCELED, "released by a person", None, None,
    )  # fmt: skip
    again = start_build(database, LATER)
    assert (again.build, again.task) == (2, 1)


def test_it_may_come_again_at_a_later_time(database: Database) -> None:
    """S4.28: the time of the next attempt takes the place of the order's."""
    order_task(database, "tea")
    launch = start_build(database)
    database.write(tasks.release, 1, NOW + HOUR, "ann", LATER)
    database.write(builds.finish, launch.build, launch.token, RELEASED, LATER)
    assert task_row(database, 1).not_before == NOW + HOUR
    assert database.write(turns.enqueue, HOST, NOW + HOUR - MINUTE) == 0
    assert start_build(database, NOW + HOUR).task == 1


def test_a_build_that_was_not_launched_yet_is_given_back_at_once(database: Database) -> None:
    order_task(database, "tea")
    tick.enqueue(database, SITE, NOW)
    assert database.write(tasks.release, 1, NOW + HOUR, "ann", LATER) is TaskState.PENDING
    assert (build_row(database, 1).state, task_row(database, 1).not_before) == (BuildState.CANCELED, NOW + HOUR)
    with database.read() as session:
        last = history.of(session, 1)[-2:]
    assert [(event.build_id, event.new, event.who, event.why) for event in last] == [
        (1, "canceled", "ann", "released by a person"), (None, "pending", "ann", "released by a person"),
    ]  # fmt: skip


def test_a_build_that_ends_before_it_was_asked_is_what_it_is(database: Database) -> None:
    order_task(database, "tea")
    launch = start_build(database)
    database.write(tasks.release, 1, NOW + HOUR, "ann", LATER)
    succeed(database, launch, LATER)
    assert task_row(database, 1).state is TaskState.READY


def test_a_build_that_fails_when_it_is_asked_was_given_back(database: Database) -> None:
    order_task(database, "tea", max_attempts=1)
    launch = start_build(database)
    database.write(tasks.release, 1, None, "ann", LATER)
    fail(database, launch, LATER)
    assert (task_row(database, 1).state, task_row(database, 1).attempts) == (TaskState.PENDING, 0)


def test_a_cancel_is_stronger(database: Database) -> None:
    order_task(database, "tea")
    launch = start_build(database)
    database.write(tasks.release, 1, None, "ann", LATER)
    database.write(tasks.cancel, 1, "ann", LATER)
    with pytest.raises(CannotRelease, match=r"^Task 1 is being stopped: only a build in hand can be given back.$"):
        database.write(tasks.release, 1, None, "ann", LATER)
    fail(database, launch, LATER)
    assert task_row(database, 1).state is TaskState.CANCELED


@pytest.mark.parametrize("state", ["pending", "ready", "canceled"])
def test_what_is_not_being_built_cannot_be_given_back(database: Database, state: str) -> None:
    """S4.27: only from active."""
    order_task(database, "tea")
    if state == "ready":
        succeed(database, start_build(database))
    elif state == "canceled":
        database.write(tasks.cancel, 1, "ann", NOW)
    before = all_rows(database)
    with pytest.raises(CannotRelease, match=f"^Task 1 is {state}: only a build in hand can be given back"):
        database.write(tasks.release, 1, None, "ann", NOW)
    with pytest.raises(NotFound, match=r"^There is no task 9"):
        database.write(tasks.release, 9, None, "ann", NOW)
    assert all_rows(database) == before
