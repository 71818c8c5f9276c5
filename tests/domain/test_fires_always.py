"""Any sequence of clock steps, ticks, pauses and runs: the fires that are due are ordered, each once."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import count

from fires import add, fire, fires, ordered
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orders import HOST, MINUTE, NOW, task_row

from isobuild.db import Database
from isobuild.domain import schedules
from isobuild.errors import NameTaken

PERIODS = {"*/10 * * * *": 10, "0 * * * *": 60, "0 */6 * * *": 360, "@daily": 1440}  # minutes, from midnight UTC on
STEPS = st.integers(-4000, 4000) | st.integers(-30, 90) | st.sampled_from([-3_000_000, 3_000_000])  # minutes
ACTS = STEPS | st.sampled_from(["tick", "tick", "tick", "pause", "resume", "run"])
NUMBERS = count()


class Expected:
    """What should have been fired, worked out in the plainest way."""

    def __init__(self, line: str, grace: float) -> None:
        self.period, self.grace = PERIODS[line] * MINUTE, timedelta(seconds=grace)
        self.fired: set[datetime] = set()
        self.since = self.looked = NOW
        self.paused = False

    def latest(self, now: datetime) -> datetime:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + (now - midnight) // self.period * self.period

    def begin(self, now: datetime) -> datetime:
        """After this a fire counts; a clock that was ahead when it began begins when it is seen to be so no longer."""
        return max(now - self.grace, self.since if self.since <= now else min(self.looked, now))

    def tick(self, now: datetime) -> bool:
        """Whether this tick orders: the latest fire has not, nor any between that and now."""
        if self.paused:
            return False
        latest, begin = self.latest(now), self.begin(now)
        self.looked = now
        if latest <= begin or any(latest <= at <= now for at in self.fired):
            return False
        self.fired.add(latest)
        return True


@contextmanager
def schedule(database: Database, line: str, grace: float) -> Iterator[str]:
    """A schedule of this example's own; its name."""
    name = f"s{next(NUMBERS)}"
    add(database, name, line, grace=grace)
    try:
        yield name
    finally:
        database.write(schedules.remove, name)


def act(database: Database, name: str, what: str, expected: Expected, now: datetime) -> int:
    """Do one thing, here and in what is expected; how many runs that were."""
    if what == "tick":
        assert fire(database, now) == expected.tick(now)
    elif what == "pause":
        database.write(schedules.pause, name, "", now)
        expected.paused = True
    elif what == "resume" and expected.paused:
        database.write(schedules.resume, name, now)
        expected.since, expected.looked, expected.paused = now, now, False
    elif what == "run":
        with suppress(NameTaken):  # in a second that came again
            database.write(schedules.run, name, HOST, now)
            return 1
    return 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    line=st.sampled_from(sorted(PERIODS)), grace=st.sampled_from([60.0, 3600.0, 86400.0, 30 * 86400.0]),
    acts=st.lists(ACTS, min_size=5, max_size=40),
)  # fmt: skip
def test_whatever_happens_the_fires_that_are_due_are_ordered(
    database: Database, line: str, grace: float, acts: list[int | str]
) -> None:
    """S3.9, S3.10: clock steps, ticks, pauses, in any order: none is lost, none doubled."""
    now, runs, expected = NOW, 0, Expected(line, grace)
    with schedule(database, line, grace) as name:
        for what in acts:
            now += timedelta(seconds=1)
            if isinstance(what, int):
                now += what * MINUTE
            else:
                runs += act(database, name, what, expected, now)
        acted = fires(database, name)
    assert [each.at for each in acted] == sorted(expected.fired)
    made = [f"{name}-{each.at:%Y%m%d-%H%M}" for each in acted]
    assert [task_row(database, each.task_id or 0).name for each in acted] == made
    assert len([each for each in ordered(database) if each.startswith(f"{name}-")]) == len(made) + runs
