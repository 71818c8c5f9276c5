"""The history: every move has its row, and all of them together are the present."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orders import BY, MINUTE, NOW, FakeLauncher, fail, order_task, replay, run_tick, start_build, succeed
from sqlalchemy import select

from isobuild.db import Database
from isobuild.domain import builds, history, pruning, tasks
from isobuild.domain.builds import RELEASED
from isobuild.domain.columns import Base
from isobuild.domain.history import By
from isobuild.domain.states import BuildState, Cause
from isobuild.domain.tables import Build, Event, Task
from isobuild.errors import BadInput, NotFound, Refused

LATER = NOW + MINUTE


def events(database: Database, task: int = 1) -> list[tuple[Any, ...]]:
    """The history of a task: build, old, new, who, why."""
    with database.read() as session:
        return [(e.build_id, e.old, e.new, e.who, e.why) for e in history.of(session, task)]


def test_the_whole_life_of_a_task_is_written_down(database: Database) -> None:
    """S1.36, S4.8, S4.24: the full log: pending, active, pending again, active, completed; with when, who and why."""
    order_task(database, "tea", user="ann")
    fail(database, start_build(database), LATER)
    succeed(database, start_build(database, LATER + timedelta(hours=1)), LATER + timedelta(hours=2))
    database.write(pruning.expire, NOW + timedelta(days=9), By("ann", NOW + timedelta(days=9)))
    why = "The mirror is away."
    assert events(database) == [
        (None, None, "pending", "ann", "ordered"),
        (None, "pending", "building", "tick on oven", "its turn has come"),
        (1, None, "pending", "tick on oven", "its turn has come"),
        (1, "pending", "running", "tick on oven", "launched"),
        (1, "running", "failed", "runner on oven", why),
        (None, "building", "pending", "runner on oven", why),
        (None, "pending", "building", "tick on oven", "its turn has come"),
        (2, None, "pending", "tick on oven", "its turn has come"),
        (2, "pending", "running", "tick on oven", "launched"),
        (2, "running", "succeeded", "runner on oven", None),
        (None, "building", "ready", "runner on oven", None),
        (None, "ready", "expired", "ann", "the time of its ISO is over"),
    ]
    with database.read() as session:
        times = [event.at for event in history.of(session, 1)]
    assert times == sorted(times)
    assert (times[0], times[4], times[-2]) == (NOW, LATER, LATER + timedelta(hours=2))


@pytest.mark.parametrize("state", ["pending", "ready", "failed"])
def test_the_history_outlives_its_task_and_says_who_removed_that(database: Database, state: str) -> None:
    order_task(database, "tea")
    if state != "pending":
        launch = start_build(database)
        succeed(database, launch) if state == "ready" else fail(database, launch, cause=Cause.REQUEST)
    before = events(database)
    database.write(tasks.remove, 1, "bob", LATER)
    after = events(database)
    assert after[: len(before)] == before
    assert after[-1][2:] == ("removed", "bob", "removed by a person")
    with database.read() as session:
        assert replay(history.of(session, 1))[None] == history.REMOVED


def test_what_is_refused_leaves_no_trace(database: Database) -> None:
    order_task(database, "tea")
    launch = start_build(database)
    before = events(database)
    for work in (tasks.remove, tasks.retry):
        with pytest.raises(Refused):
            database.write(work, 1, "ann", NOW)
    with pytest.raises(Refused):
        database.write(builds.finish, launch.build, "no token", RELEASED, NOW)
    assert events(database) == before


def test_what_any_program_said_can_be_written(database: Database) -> None:
    order_task(database, "tea")
    launch = start_build(database)
    said = builds.End(state=BuildState.FAILED, cause=Cause.HOST, error="a\0b\udcff" + "x" * 5000)
    database.write(builds.finish, launch.build, launch.token, said, NOW)
    why = events(database)[-1][4]
    assert why.startswith("a\N{REPLACEMENT CHARACTER}b?xxx")
    assert len(why) == history.LONGEST


def test_a_history_with_a_gap_is_noticed() -> None:
    first = Event(id=1, task_id=1, build_id=None, at=NOW, who="ann", old=None, new="pending")
    other = Event(id=2, task_id=1, build_id=None, at=NOW, who="ann", old="building", new="ready")
    with pytest.raises(ValueError, match="event 2 begins at building, and what it changes is pending"):
        replay([first, other])


class Site:
    """A site to which anything happens."""

    def __init__(self, database: Database) -> None:
        self.database, self.launcher, self.now = database, FakeLauncher(database), NOW
        self.tasks: list[int] = []

    def order(self) -> None:
        """One after another, one that is the same, one that goes for itself, and so on."""
        place = len(self.tasks)
        wish = {"after": self.tasks[-1:]} if place % 3 == 1 else {"fingerprint": "f"} if place % 3 == 2 else {}
        limits: dict[str, Any] = {"max_attempts": 2, "not_after": self.now + timedelta(hours=1)}
        self.tasks.append(order_task(self.database, f"os{place}", self.now, **limits, **wish))

    def tick(self) -> None:
        self.now += timedelta(minutes=15)
        run_tick(self.database, self.launcher, self.now)

    def succeed(self) -> None:
        succeed(self.database, self.launcher.launched[-1], self.now)

    def fail(self) -> None:
        fail(self.database, self.launcher.launched[-1], self.now)

    def cancel(self) -> None:
        self.database.write(tasks.cancel, self.tasks[-1], "ann", self.now)

    def release(self) -> None:
        self.database.write(tasks.release, self.launcher.launched[-1].task, None, "ann", self.now)

    def retry(self) -> None:
        self.database.write(tasks.retry, self.tasks[0], "ann", self.now)

    def remove(self) -> None:
        self.database.write(tasks.remove, self.tasks[-1], "ann", self.now)

    def expire(self) -> None:
        self.database.write(pruning.expire, self.now, BY)


ACTIONS: list[Callable[[Site], None]] = [
    Site.order, Site.tick, Site.succeed, Site.fail, Site.cancel, Site.release, Site.retry, Site.remove, Site.expire,
]  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(st.sampled_from(ACTIONS), max_size=25))
def test_the_history_replays_to_the_present(database: Database, actions: list[Callable[[Site], None]]) -> None:
    with database.writer.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    site = Site(database)
    for action in [Site.order, *actions]:
        with suppress(Refused, NotFound, BadInput, IndexError):  # an IndexError: nothing was launched yet
            action(site)
    assert replayed(database) == present(database)


def present(database: Database) -> dict[tuple[int, int | None], str]:
    """The states of all there is, by the numbers of task and build."""
    with database.read() as session:
        found: dict[tuple[int, int | None], str] = {(row.id, None): row.state for row in session.scalars(select(Task))}
        return found | {(row.task_id, row.id): row.state for row in session.scalars(select(Build))}


def replayed(database: Database) -> dict[tuple[int, int | None], str]:
    """The same, as the history tells it."""
    found: dict[tuple[int, int | None], str] = {}
    with database.read() as session:
        for task in session.scalars(select(Event.task_id).distinct()).all():
            states = replay(history.of(session, task))
            if states[None] != history.REMOVED:
                found |= {(task, build): state for build, state in states.items()}
    return found
