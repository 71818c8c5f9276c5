"""What the state machine chooses from, and how it looks at what came of each act."""

from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from isobuild.db import Database
from isobuild.domain import keys
from isobuild.domain.builds import RELEASED, End
from isobuild.domain.pruning import Keep
from isobuild.domain.states import AfterFailure, BuildState, Cause, TaskState
from isobuild.domain.tables import Task
from proof.grounds import DAY, Carrier, Grounds, Station
from proof.laws import Whole, broken

T = TypeVar("T")
QUEUES = ("high", "default", "low")
RETRIABLE = (TaskState.FAILED, TaskState.CANCELED, TaskState.EXPIRED)
KEEPS = (
    Keep(),
    Keep(isos=timedelta(minutes=1), rows=DAY),
    Keep(isos=DAY, rows=timedelta(minutes=1), history=timedelta(hours=1)),
)
CRONS = ("*/10 * * * *", "0 * * * *", "0 3 * * *")

RARE = 28
any_one = st.integers(0, 30)  # of those that are there; from RARE on it may be one that does not fit
which = st.integers(0, 1)  # of the two hosts
seconds = st.sampled_from([0, 1, 30, 61, 600, 3600, 4000, 86400, 3 * 86400])
times = st.none() | st.sampled_from([-60, 1, 300, 7200, 2 * 86400])  # seconds from now
SUCCESS = End(state=BuildState.SUCCEEDED)
failures = st.builds(
    lambda cause: End(state=BuildState.FAILED, cause=cause, error=f"It is the {cause}'s fault.", step="bootstrap"),
    st.sampled_from([Cause.REQUEST, Cause.UPSTREAM, Cause.HOST]),
)
TIMED_OUT = End(state=BuildState.TIMED_OUT, cause=Cause.TIMEOUT, error="It took too long.")
ends = st.sampled_from([SUCCESS, TIMED_OUT, RELEASED]) | failures


@st.composite
def wishes(draw: st.DrawFn) -> dict[str, Any]:
    """What an order says besides its name and its times."""
    recipe, options = draw(st.sampled_from(["plain", "narrow", "thirsty"])), {"n": draw(st.integers(0, 1))}
    return {
        "recipe": recipe,
        "options": options,
        "user": draw(st.sampled_from(["ann", "bob"])),
        "queue": draw(st.sampled_from(QUEUES)),
        "priority": draw(st.integers(-1, 1)),
        "on_dependency_failure": draw(st.sampled_from(AfterFailure)),
        "without_overlapping": draw(st.integers(0, 5)) == 5,
        "fingerprint": keys.key(recipe, options) if draw(st.integers(0, 3)) else None,
        "max_attempts": draw(st.integers(1, 3)),
        "retry_delay": draw(st.sampled_from([0.0, 30.0, 4000.0])),
        "ttl": draw(st.sampled_from([None, None, -1, 0, 60.0])),
        "write_last_exec": draw(st.booleans()),
    }


some = st.lists(st.tuples(wishes(), st.lists(any_one, max_size=2)), min_size=2, max_size=5)


class Choices(RuleBasedStateMachine):
    """The site and its rows: `world` is how they were after the last act."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.grounds = Grounds(database)
        self.count = 0
        self.world: Whole = self.grounds.look()

    @invariant()
    def laws_hold(self) -> None:
        self.world = self.grounds.look()
        assert broken(self.world) == []
        for fire in self.world.fires:
            assert self.grounds.fires.setdefault((fire.schedule_id, fire.at), fire.id) == fire.id, "it fired twice"

    def station(self, which: int) -> Station:
        """One of the hosts that are up."""
        up = [station for station in self.grounds.stations if station.up]
        return up[which % len(up)]

    def task(self, any_one: int, *states: TaskState) -> Task:
        """One of the tasks in these states; now and then, one in any state."""
        found = [task for _, task in sorted(self.world.tasks.items())]
        fit = [task for task in found if task.state in states]
        return one(fit if fit and any_one < RARE else found, any_one)

    def are(self, *states: TaskState) -> bool:
        """Whether there are tasks in these states."""
        return any(task.state in states for task in self.world.tasks.values())

    @property
    def living(self) -> list[Carrier]:
        return [carrier for carrier in self.grounds.carriers if carrier.alive]

    def now(self, after: int | None, station: Station) -> Any:
        return None if after is None else self.grounds.clock(station) + timedelta(seconds=after)


def one(found: list[T], number: int) -> T:
    """One of them."""
    return found[number % len(found)]
