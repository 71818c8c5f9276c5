"""What becomes of a task when its build has ended, and what a person can do about it."""

from datetime import timedelta
from typing import Any

import pytest
from orders import BY, HOST, MINUTE, NOW, SITE, all_rows, build_row, fail, order_task, start_build, succeed, task_row

from isobuild import tick
from isobuild.db import Database
from isobuild.domain import builds, pruning, tasks, turns
from isobuild.domain.builds import CANCELED, End
from isobuild.domain.states import BuildState, Cause, TaskState
from isobuild.errors import CannotCancel, CannotRemove, CannotRetry, NotFound

LATER = NOW + MINUTE
AGAIN = NOW + 2 * MINUTE  # after a back-off of a minute, however it is spread


# ends


def test_success_makes_it_ready(database: Database) -> None:
    """S0.3, S0.17: the callback makes it ready."""
    order_task(database, "tea")
    succeed(database, start_build(database), LATER)
    task, build = task_row(database, 1), build_row(database, 1)
    assert (task.state, task.finished_at, task.attempts, task.error) == (TaskState.READY, LATER, 0, None)
    assert (build.state, build.finished_at, build.percent) == (BuildState.SUCCEEDED, LATER, 100.0)
    assert (build.open_task, build.open_slot) == (None, None)


def test_a_failure_waits_its_back_off_and_comes_again_as_a_new_build(database: Database) -> None:
    """S1.11, S2.7, S2.C12, S4.5, S4.28: tried again later: a new attempt, whose time takes the place of the order's."""
    order_task(database, "tea", retry_delay=30)
    fail(database, start_build(database), LATER)
    task, build = task_row(database, 1), build_row(database, 1)
    assert (task.state, task.attempts, task.cause) == (TaskState.PENDING, 1, Cause.UPSTREAM)
    assert (task.error, task.finished_at) == ("The mirror is away.", None)
    until = LATER + tasks.delay(1, 30, tasks.spread(1, 1))
    assert task.not_before == until
    assert (build.state, build.cause, build.step) == (BuildState.FAILED, Cause.UPSTREAM, "bootstrap")
    assert (build.error, build.finished_at) == ("The mirror is away.", LATER)
    assert database.write(turns.enqueue, HOST, until - timedelta(microseconds=1)) == 0
    again = start_build(database, until)
    assert (again.build, again.task, build_row(database, 2).attempt) == (2, 1, 2)


@pytest.mark.parametrize("cause", [Cause.UPSTREAM, Cause.HOST, Cause.LOST, Cause.TIMEOUT])
def test_out_of_attempts_it_is_failed_with_the_last_reason(database: Database, cause: Cause) -> None:
    """S1.9, S2.6, S2.C5, S3.14, S4.34: as many failures as the order allows, and not that many more after the first."""
    order_task(database, "tea", max_attempts=2, retry_delay=60)
    fail(database, start_build(database))
    assert task_row(database, 1).state is TaskState.PENDING
    fail(database, start_build(database, AGAIN), LATER, cause)
    task = task_row(database, 1)
    assert (task.state, task.attempts, task.cause, task.finished_at) == (TaskState.FAILED, 2, cause, LATER)
    assert task.error == "The mirror is away."
    assert database.write(turns.enqueue, HOST, NOW + timedelta(days=9)) == 0


def test_an_order_that_cannot_be_built_is_failed_at_once(database: Database) -> None:
    order_task(database, "tea", max_attempts=5)
    fail(database, start_build(database), cause=Cause.REQUEST)
    task = task_row(database, 1)
    assert (task.state, task.attempts, task.cause) == (TaskState.FAILED, 1, Cause.REQUEST)


def test_success_gives_all_attempts_back(database: Database) -> None:
    """S1.10, S1.18: the count of failures is zero again after a success, and the error is gone."""
    order_task(database, "tea", retry_delay=60)
    fail(database, start_build(database))
    succeed(database, start_build(database, AGAIN), LATER)
    task = task_row(database, 1)
    assert (task.state, task.attempts, task.cause, task.error) == (TaskState.READY, 0, None, None)


def test_a_failure_does_not_hold_up_those_behind(database: Database) -> None:
    """S1.44: one that fails stops nobody else."""
    for number, name in enumerate(("first", "second")):
        order_task(database, name, NOW + number * MINUTE)
    fail(database, start_build(database), LATER)
    assert start_build(database, LATER).task == 2


# cancel


def test_a_waiting_task_is_canceled_at_once(database: Database) -> None:
    """S4.7 decided: also what only waits may be canceled."""
    order_task(database, "tea")
    assert database.write(tasks.cancel, 1, "ann", LATER) is TaskState.CANCELED
    assert (task_row(database, 1).state, task_row(database, 1).finished_at) == (TaskState.CANCELED, LATER)
    assert database.write(turns.enqueue, HOST, LATER) == 0


def test_all_that_waits_of_a_recipe_is_canceled(database: Database) -> None:
    """S2.C9: of one queue or of all; what is being built goes on, and what is of another recipe waits on."""
    for name in ("built", "waits"):
        order_task(database, name)
    order_task(database, "low", queue="low")
    order_task(database, "other", recipe="script")
    order_task(database, "needs", after=[2])
    start_build(database)
    waiting = [database.write(tasks.waiting, "tiny", queue) for queue in ("low", None)]
    assert waiting == [[3], [5, 3, 2]]
    assert [database.write(tasks.cancel_waiting, each, "ann", LATER) for each in waiting] == [[3], [5, 2]]
    assert [task_row(database, number).state for number in range(1, 6)] == [
        TaskState.BUILDING, TaskState.CANCELED, TaskState.CANCELED, TaskState.PENDING, TaskState.CANCELED,
    ]  # fmt: skip
    assert database.write(tasks.cancel_waiting, [1, 2, 9], "ann", LATER) == []


@pytest.mark.parametrize(
    "work", [tasks.cancel, lambda session, number, *by: tasks.cancel_waiting(session, [number], *by)]
)
def test_a_task_that_waits_to_be_tried_again_is_canceled_with_no_reason_left(database: Database, work: Any) -> None:
    order_task(database, "tea")
    fail(database, start_build(database))
    assert database.write(work, 1, "ann", LATER)
    task = task_row(database, 1)
    assert (task.state, task.cause, task.error) == (TaskState.CANCELED, None, None)


def test_an_enqueued_build_is_canceled_with_its_task(database: Database) -> None:
    order_task(database, "tea")
    tick.enqueue(database, SITE, NOW)
    assert database.write(tasks.cancel, 1, "ann", LATER) is TaskState.CANCELED
    build = build_row(database, 1)
    assert (build.state, build.finished_at) == (BuildState.CANCELED, LATER)
    assert (build.open_task, build.open_slot) == (None, None)
    assert database.write(builds.pending_on, HOST) == []
    order_task(database, "next")
    assert start_build(database).task == 2


def test_of_a_running_build_its_runner_is_asked_to_stop(database: Database) -> None:
    order_task(database, "tea")
    launch = start_build(database)
    assert database.write(builds.asked, launch.build, launch.token) is None
    for _ in range(2):
        assert database.write(tasks.cancel, 1, "ann", LATER) is TaskState.BUILDING
    assert database.write(builds.asked, launch.build, launch.token) == "cancel"
    assert build_row(database, 1).state is BuildState.RUNNING
    database.write(builds.finish, launch.build, launch.token, CANCELED, LATER)
    assert (task_row(database, 1).state, build_row(database, 1).state) == (TaskState.CANCELED, BuildState.CANCELED)


def test_a_build_that_was_faster_than_its_cancel_succeeds(database: Database) -> None:
    order_task(database, "tea")
    launch = start_build(database)
    database.write(tasks.cancel, 1, "ann", LATER)
    succeed(database, launch, LATER)
    assert task_row(database, 1).state is TaskState.READY


def test_a_build_that_fails_after_its_cancel_is_not_tried_again(database: Database) -> None:
    order_task(database, "tea")
    launch = start_build(database)
    database.write(tasks.cancel, 1, "ann", LATER)
    fail(database, launch, LATER)
    assert task_row(database, 1).state is TaskState.CANCELED


@pytest.mark.parametrize("state", ["ready", "failed", "canceled", "expired"])
def test_what_has_ended_cannot_be_canceled(database: Database, state: str) -> None:
    _bring_to(database, state)
    before = all_rows(database)
    with pytest.raises(CannotCancel, match=f"^Task 1 is {state}: only a task that waits or is being built"):
        database.write(tasks.cancel, 1, "ann", LATER)
    assert all_rows(database) == before


# retry


@pytest.mark.parametrize("state", ["failed", "canceled", "expired"])
def test_retry_gives_a_fresh_start(database: Database, state: str) -> None:
    _bring_to(database, state)
    database.write(tasks.retry, 1, "ann", NOW)
    task = task_row(database, 1)
    assert (task.state, task.attempts, task.not_before, task.finished_at) == (TaskState.PENDING, 0, None, None)
    assert (task.cause, task.error) == (None, None)
    succeed(database, start_build(database, LATER), LATER)
    assert task_row(database, 1).state is TaskState.READY


@pytest.mark.parametrize("state", ["pending", "building", "ready"])
def test_what_goes_on_or_is_ready_cannot_be_retried(database: Database, state: str) -> None:
    _bring_to(database, state)
    before = all_rows(database)
    with pytest.raises(CannotRetry, match=f"^Task 1 is {state}: only a task that failed, was canceled or has expired"):
        database.write(tasks.retry, 1, "ann", NOW)
    assert all_rows(database) == before


# remove


@pytest.mark.parametrize("state", ["pending", "ready", "failed", "canceled", "expired"])
def test_remove_forgets_the_task_with_all_it_has(database: Database, state: str) -> None:
    """S2.C9: what waits can be forgotten, and what has ended."""
    _bring_to(database, state)
    database.write(tasks.remove, 1, "ann", NOW)
    rows = all_rows(database)
    assert (rows["tasks"], rows["builds"], rows["artifacts"]) == ([], [], [])
    assert order_task(database, "tea") == 2


def test_remove_leaves_the_others(database: Database) -> None:
    for name in ("one", "two"):
        order_task(database, name)
        succeed(database, start_build(database))
    before = all_rows(database)
    database.write(tasks.remove, 1, "ann", NOW)
    after = all_rows(database)
    assert all(after[table] == before[table][1:] for table in ("tasks", "builds", "artifacts"))


@pytest.mark.parametrize("rule", ["enqueued", "launched"])
def test_a_task_with_an_open_build_is_not_removed(database: Database, rule: str) -> None:
    """S0.C8, S2.C9: not under its build; cancel it first."""
    order_task(database, "tea")
    tick.enqueue(database, SITE, NOW)
    if rule == "launched":
        start_build(database)
    before = all_rows(database)
    with pytest.raises(CannotRemove, match=r"^Task 1 has an open build, number 1: cancel it first"):
        database.write(tasks.remove, 1, "ann", NOW)
    assert all_rows(database) == before


def test_an_unknown_task_is_said(database: Database) -> None:
    for act in (tasks.retry, tasks.remove):
        with pytest.raises(NotFound, match=r"^There is no task 9"):
            database.write(act, 9, "ann", NOW)
    with pytest.raises(NotFound, match=r"^There is no task 9"):
        database.write(tasks.cancel, 9, "ann", NOW)


# expire


def test_only_what_was_ready_for_longer_expires_and_its_artifact_goes(database: Database) -> None:
    for number, name in enumerate(("old", "new")):
        order_task(database, name)
        succeed(database, start_build(database), NOW + number * MINUTE)
    assert database.write(pruning.expire, NOW, BY) == {}
    assert database.write(pruning.expire, LATER, BY) == {1: 1}
    assert [task_row(database, number).state for number in (1, 2)] == [TaskState.EXPIRED, TaskState.READY]
    assert [row[1] for row in all_rows(database)["artifacts"]] == [2]
    assert database.write(pruning.expire, LATER, BY) == {}


def test_an_expired_task_is_built_again_with_a_new_artifact(database: Database) -> None:
    _bring_to(database, "expired")
    database.write(tasks.retry, 1, "ann", NOW)
    succeed(database, start_build(database, LATER), LATER)
    assert [row[2] for row in all_rows(database)["artifacts"]] == [2]


def _bring_to(database: Database, state: str) -> None:
    order_task(database, "tea")
    if state == "canceled":
        database.write(tasks.cancel, 1, "ann", NOW)
    elif state != "pending":
        launch = start_build(database)
        if state == "failed":
            fail(database, launch, cause=Cause.REQUEST)
        elif state != "building":
            succeed(database, launch)
    if state == "expired":
        database.write(pruning.expire, LATER, BY)
    assert task_row(database, 1).state == state


def test_a_failure_says_its_own_end() -> None:
    from isobuild.errors import NoRoom, StepFailed, TimedOut

    assert End.of(TimedOut(limit=7, step="squash")) == End(
        state=BuildState.TIMED_OUT,
        cause=Cause.TIMEOUT,
        error="The build took longer than its limit of 7 s, in step squash.",
    )
    assert End.of(NoRoom(path="/x", free="1", needed="2")).cause is Cause.HOST
    failed = End.of(StepFailed(step="x", status=1, tail="y"))
    assert (failed.state, failed.cause) == (BuildState.FAILED, Cause.REQUEST)


@pytest.mark.parametrize(
    ("state", "left"),
    [
        ("pending", True), ("building", True), ("ready", False), ("failed", False), ("canceled", False),
        ("expired", False),
    ],
)  # fmt: skip
def test_whether_anything_is_left_to_do(database: Database, state: str, left: bool) -> None:
    assert database.write(tasks.any_left) is False
    _bring_to(database, state)
    assert database.write(tasks.any_left) is left
