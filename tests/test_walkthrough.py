"""The walk-through W0 to W10 of the queue's first author, state by state.

His tick did one of the two rules at a time; ours does both, each committed by itself. Called apart, they show
each of his states: `(build, task, finished, busy)`.
"""

import os
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from orders import MINUTE, NOW, SITE, FakeLauncher, Launch, all_rows, claim, order_task, run_tick, succeed

from isobuild import tick
from isobuild.db import Database
from isobuild.domain import listing
from isobuild.errors import ReportRefused

ORDERS = (
    ("diky", "dikyos", "tealinux.d-os.iso"),
    ("setyo", "setyos", "tealinux.s-os.iso"),
    ("diky", "irfanos", "tealinux.i-os.iso"),
    ("dino", "dinos", "tealinux.din-os.iso"),
    ("setyo", "setyos2", "tealinux.s2-os.iso"),
)
Row = tuple[int, int, int, int]


@dataclass
class Walk:
    """One site, whose clock goes on a minute with each event."""

    database: Database
    launcher: FakeLauncher
    now: datetime = NOW
    done: set[int] = field(default_factory=set)

    def minute(self) -> datetime:
        self.now += MINUTE
        return self.now

    def order(self, number: int) -> None:
        user, name, iso = ORDERS[number - 1]
        assert order_task(self.database, name, self.minute(), user, iso=iso) == number

    def enqueue(self) -> int:
        return tick.enqueue(self.database, SITE, self.minute())

    def launch(self) -> int:
        """Rule 2; the runner that this starts takes its build, as this process."""
        launched = tick.launch(self.database, self.launcher, SITE, self.minute())
        for launch in self.launcher.launched[len(self.launcher.launched) - launched :]:
            claim(self.database, launch, os.getpid(), self.now)
        return launched

    def call_back(self, number: int) -> None:
        succeed(self.database, self.launcher.launched[number - 1], self.minute())

    def expect(self, ready: set[int], rows: list[Row], launched: list[int]) -> None:
        with self.database.read() as session:
            shown = listing.list_tasks(session)
            found = sorted(
                (build["id"], build["task_id"], int(build["finished"]), int(build["busy"]))
                for build in listing.list_builds(session)
            )
        assert {task["id"] for task in shown if task["state"] == "ready"} == ready
        assert {task["id"] for task in shown if task["download"]} == ready
        assert found == rows
        assert self.launcher.tasks == launched
        assert sum(busy for _, _, _, busy in found) <= 1
        assert sum(not finished for _, _, finished, _ in found) <= 1


@pytest.fixture
def walk(database: Database) -> Walk:
    return Walk(database, FakeLauncher(database))


def test_the_walk_through(walk: Walk) -> None:
    """W0, W1, W2, W3, W4, W5, W5b, W6, W7, W8, W9, W10: each of his states, and nothing else.

    S0.18, S0.19, S0.20, S0.23: what is ready can be downloaded; a busy server starts nothing; then the next one goes.
    """
    for number in (1, 2, 3):
        walk.order(number)
    walk.expect(set(), [], [])  # W0

    walk.order(4)
    walk.expect(set(), [], [])  # W1

    assert walk.enqueue() == 1
    walk.expect(set(), [(1, 1, 0, 0)], [])  # W2
    assert walk.enqueue() == 0
    walk.expect(set(), [(1, 1, 0, 0)], [])

    assert walk.launch() == 1
    walk.expect(set(), [(1, 1, 0, 1)], [1])  # W3
    assert_committed_at_launch(walk.launcher.launched[0])

    before = all_rows(walk.database)
    for _ in range(4):
        assert run_tick(walk.database, walk.launcher, walk.minute()).idle
    assert all_rows(walk.database) == before
    walk.expect(set(), [(1, 1, 0, 1)], [1])  # W4

    walk.call_back(1)
    walk.expect({1}, [(1, 1, 1, 0)], [1])  # W5
    before = all_rows(walk.database)
    with pytest.raises(ReportRefused, match="build 1 has ended already"):
        walk.call_back(1)
    assert all_rows(walk.database) == before  # W5b

    assert walk.enqueue() == 1
    walk.expect({1}, [(1, 1, 1, 0), (2, 2, 0, 0)], [1])  # W6
    assert walk.launch() == 1
    walk.expect({1}, [(1, 1, 1, 0), (2, 2, 0, 1)], [1, 2])  # W7

    rows: list[Row] = [(1, 1, 1, 0), (2, 2, 1, 0)]
    walk.call_back(2)
    walk.expect({1, 2}, rows, [1, 2])
    for number in (3, 4):
        assert walk.enqueue() == 1
        walk.expect(set(range(1, number)), [*rows, (number, number, 0, 0)], list(range(1, number)))
        assert walk.launch() == 1
        walk.expect(set(range(1, number)), [*rows, (number, number, 0, 1)], list(range(1, number + 1)))
        walk.call_back(number)
        rows.append((number, number, 1, 0))
    walk.expect({1, 2, 3, 4}, rows, [1, 2, 3, 4])  # W8

    for _ in range(4):
        assert run_tick(walk.database, walk.launcher, walk.minute()).idle
    walk.expect({1, 2, 3, 4}, rows, [1, 2, 3, 4])  # W9

    walk.order(5)
    assert walk.enqueue() == 1
    walk.expect({1, 2, 3, 4}, [*rows, (5, 5, 0, 0)], [1, 2, 3, 4])  # W10


def assert_committed_at_launch(launch: Launch) -> None:
    assert (launch.finished, launch.busy) == (False, True)
    assert launch.committed_token == launch.token


def test_tasks_that_arrive_during_a_build_wait(walk: Walk) -> None:
    """S0.19, S0.22: late ones come into the line, and a busy server starts none of them."""
    walk.order(1)
    assert walk.enqueue() == walk.launch() == 1
    for number in (2, 3, 4):
        walk.order(number)
        assert run_tick(walk.database, walk.launcher, walk.minute()).idle
        walk.expect(set(), [(1, 1, 0, 1)], [1])


def test_one_tick_does_both_rules_and_the_callback_neither(walk: Walk) -> None:
    """S0.24 decided: both rules in one tick, each committed. S0.25: the callback enqueues nothing."""
    walk.order(1)
    walk.order(2)
    done = run_tick(walk.database, walk.launcher, walk.now)
    assert (done.enqueued, done.launched) == (1, 1)
    assert_committed_at_launch(walk.launcher.launched[0])
    walk.call_back(1)
    walk.expect({1}, [(1, 1, 1, 0)], [1])


def test_two_tasks_of_one_user_never_confuse_their_callbacks(walk: Walk) -> None:
    """S0.1, S0.15, S0.16: a callback names its build, and not a user who may have several."""
    for number in (1, 2, 3):
        walk.order(number)
    for number in (1, 2):
        assert walk.enqueue() == walk.launch() == 1
        walk.call_back(number)
    assert walk.enqueue() == walk.launch() == 1
    first, third = walk.launcher.launched[0], walk.launcher.launched[2]
    before = all_rows(walk.database)
    for build, token in ((first.build, third.token), (third.build, first.token)):
        mixed = Launch(build, token, third.task, False, True, None)
        with pytest.raises(ReportRefused, match=f"the token is not the one of build {build}"):
            succeed(walk.database, mixed, walk.now)
    assert all_rows(walk.database) == before
    walk.call_back(3)
    walk.expect({1, 2, 3}, [(1, 1, 1, 0), (2, 2, 1, 0), (3, 3, 1, 0)], [1, 2, 3])
