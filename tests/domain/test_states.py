"""The two lives: what is an end, what is busy; and that no sequence of actions leaves them."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orders import BY, MINUTE, NOW, FakeLauncher, claim, fail, order_task, run_tick, succeed
from sqlalchemy import select

from isobuild.db import Database
from isobuild.domain import pruning, tasks, turns
from isobuild.domain.guard import change
from isobuild.domain.hosts import Host
from isobuild.domain.states import BUILD_MOVES, MOVES, TASK_MOVES, BuildState, TaskState
from isobuild.domain.tables import Build, Task
from isobuild.errors import LostBuild, NotFound, Refused

Row = tuple[type[Task] | type[Build], int]


@pytest.mark.parametrize(
    ("state", "finished", "busy"),
    [
        ("pending", False, False),
        ("running", False, True),
        ("succeeded", True, False),
        ("failed", True, False),
        ("timed_out", True, False),
        ("canceled", True, False),
    ],
)
def test_finished_and_busy_are_derived(state: str, finished: bool, busy: bool) -> None:
    """S0.4, S0.6, S0.7, S1.16: his two columns, of each state that a build may have."""
    assert (BuildState(state).finished, BuildState(state).busy) == (finished, busy)


def test_a_build_makes_a_task_ready_and_those_that_are_the_same() -> None:
    """S0.3: nothing but a build's success makes a task ready."""
    assert {old for old, new in TASK_MOVES.items() if TaskState.READY in new} == {TaskState.BUILDING, TaskState.BLOCKED}


def test_nothing_leaves_the_end_of_a_build_and_every_end_can_be_reached() -> None:
    """S1.16, S4.7: the ends are final."""
    ends = {state for state in BuildState if state.finished}
    assert ends.isdisjoint(BUILD_MOVES)
    assert ends <= set().union(*BUILD_MOVES.values())


def test_every_state_of_a_task_has_a_way_on_and_a_person_may_always_retry() -> None:
    """S0.26: whatever goes wrong, there is a way on."""
    assert set(TASK_MOVES) == set(TaskState)
    for state in (TaskState.FAILED, TaskState.CANCELED, TaskState.EXPIRED):
        assert TASK_MOVES[state] == {TaskState.PENDING, TaskState.BLOCKED}


@pytest.mark.parametrize("state", [state for state in TaskState if state is not TaskState.PENDING])
def test_only_a_task_that_waits_gets_a_build(database: Database, state: TaskState) -> None:
    """S1.40, S1.41: none that has a build, was canceled or failed for good; and what is done is not done again."""
    order_task(database, "tea")
    database.write(lambda session: change(session, Task, Task.id == 1, state=state))
    assert database.write(turns.enqueue, Host("oven", slots=9), NOW) == 0


class Life:
    """A site to which anything may happen, in any order; what is refused is refused."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.launcher = FakeLauncher(database)
        self.now = NOW
        self.names = 0

    def order(self) -> None:
        self.names += 1
        order_task(self.database, f"os{self.names}", self.now, retry_delay=60, max_attempts=2)

    def tick(self) -> None:
        run_tick(self.database, self.launcher, self.now)

    def wait(self) -> None:
        self.now += 2 * MINUTE

    def claim(self) -> None:
        last = self.launcher.launched[-1]
        claim(self.database, last, os.getpid(), self.now)

    def succeed(self) -> None:
        succeed(self.database, self.launcher.launched[-1], self.now)

    def fail(self) -> None:
        fail(self.database, self.launcher.launched[-1], self.now)

    def fail_the_first(self) -> None:
        fail(self.database, self.launcher.launched[0], self.now)

    def cancel(self) -> None:
        self.database.write(tasks.cancel, max(1, self.names), "ann", self.now)

    def retry(self) -> None:
        self.database.write(tasks.retry, 1, "ann", NOW)

    def remove(self) -> None:
        self.database.write(tasks.remove, 1, "ann", NOW)

    def expire(self) -> None:
        self.database.write(pruning.expire, self.now - timedelta(minutes=3), BY)

    def states(self) -> dict[Row, Any]:
        with self.database.read() as session:
            states: dict[Row, Any] = {(Task, task.id): task.state for task in session.scalars(select(Task))}
            return states | {(Build, build.id): build.state for build in session.scalars(select(Build))}

    def check(self) -> None:
        with self.database.read() as session:
            open_builds = [build for build in session.scalars(select(Build)) if not build.finished]
            building = {task.id for task in session.scalars(select(Task)) if task.state is TaskState.BUILDING}
        assert len(open_builds) <= 1
        assert {build.task_id for build in open_builds} == {build.open_task for build in open_builds} == building


ACTIONS: list[Callable[[Life], None]] = [
    Life.order, Life.tick, Life.wait, Life.claim, Life.succeed, Life.fail, Life.fail_the_first, Life.cancel,
    Life.retry, Life.remove, Life.expire,
]  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(st.sampled_from(ACTIONS), max_size=25))
def test_whatever_happens_stays_within_the_moves(database: Database, actions: list[Callable[[Life], None]]) -> None:
    """S0.20, S0.26: failed, canceled, removed, in any order: at most one open build, and its task knows it."""
    _forget_all(database)
    life = Life(database)
    for action in [Life.order, *actions]:
        before = life.states()
        try:
            action(life)
        except (Refused, NotFound, LostBuild, IndexError):  # an IndexError: nothing was launched yet
            assert life.states() == before
        life.check()
        if action is not Life.tick:  # a tick may make several moves of one row
            _check_moves(before, life.states())


def _check_moves(before: dict[Row, Any], after: dict[Row, Any]) -> None:
    for row, old in before.items():
        new = after.get(row, old)
        assert new is old or new in MOVES[type(old)][old]


def _forget_all(database: Database) -> None:
    with database.writer.begin() as connection:
        for table in ("artifacts", "builds", "runners", "history", "tasks", "users", "sqlite_sequence"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
