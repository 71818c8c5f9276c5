"""Forecasts: when a waiting task's ISO will be there, from how long builds like it took.

The line is played through many times, each build as long as one of the past that was like it, drawn by chance (a
bootstrap: Efron 1979). What most of the plays agree on is told, and it is counted how often that came true.
"""

import heapq
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from isobuild.domain.guard import change
from isobuild.domain.hosts import Host
from isobuild.domain.states import BuildState, TaskState
from isobuild.domain.tables import Build, Task

RECENT = 200  # builds of a recipe that are looked at
NEAR = 20  # of these, the nearest in weight
PLAYS = 60
FARTHEST = 300  # tasks of the line that are played
LAST = 10_000  # orders, of which it is counted whether the forecast came true
WITHIN = 0.8  # of all truths are meant to fall between `earliest` and `latest`


@dataclass(frozen=True, slots=True)
class Forecast:
    """When something is expected: one time in ten before `earliest`, one in ten after `latest`."""

    earliest: datetime
    likely: datetime
    latest: datetime


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often what was told when a task was ordered came true."""

    told: int
    kept: int


class Past:
    """How long builds took, in seconds, by recipe and weight; read once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._builds: dict[str, list[tuple[int, float]]] = {}

    def like(self, recipe: str, weight: int) -> list[float]:
        """The durations of the builds that were most like this one; of any recipe if there is none of this."""
        return self._nearest(recipe, weight) or self._nearest("", weight)

    def of(self, recipe: str) -> list[float]:
        """The durations of the last builds of a recipe."""
        return [seconds for _, seconds in self._of(recipe)]

    def _nearest(self, recipe: str, weight: int) -> list[float]:
        near = sorted(self._of(recipe), key=lambda build: abs(build[0] - weight))
        return [seconds for _, seconds in near[:NEAR]]

    def _of(self, recipe: str) -> list[tuple[int, float]]:
        if recipe not in self._builds:
            done = select(Build.weight, Build.started_at, Build.finished_at, Build.state).order_by(Build.id.desc())
            this = Build.recipe == recipe, Build.state == BuildState.SUCCEEDED
            rows = self.session.execute((done.where(*this) if recipe else done).limit(RECENT)).all()
            took = ((row.weight, row.started_at, row.finished_at) for row in rows if row.state is BuildState.SUCCEEDED)
            self._builds[recipe] = [(weight, (end - start).total_seconds()) for weight, start, end in took]
        return self._builds[recipe]


def forecast(past: Past, line: Sequence[int], host: Host, now: datetime) -> dict[int, Forecast]:
    """When the ISOs of those in the line, and of those being built, will be there; without a past, of none.

    `line` holds the numbers of the tasks that may go, in their order.
    """
    session, chosen = past.session, list(line[:FARTHEST])
    rows = {task.id: task for task in session.scalars(select(Task).where(Task.id.in_(chosen)))}
    waiting = [(number, past.like(rows[number].recipe, rows[number].weight)) for number in chosen if number in rows]
    busy = [(build, past.like(build.recipe, build.weight)) for build in _open(session)]
    if not all(durations for _, durations in (*waiting, *busy)):
        return {}
    slots = max(_slots(session), host.slots, 1)
    chance = random.Random(1)  # noqa: S311 (the same data, the same forecast)
    plays = [_play(chance, waiting, busy, slots, now) for _ in range(PLAYS)]
    return {number: _sum_up([play[number] for play in plays], now) for number in (plays[0] if plays else ())}


def _open(session: Session) -> list[Build]:
    states = [BuildState.PENDING, BuildState.RUNNING]
    return list(session.scalars(select(Build).where(Build.state.in_(states)).order_by(Build.id)))


def _slots(session: Session) -> int:
    """In how many slots, of all hosts, there were builds lately."""
    lately = select(Build.host, Build.slot).order_by(Build.id.desc()).limit(RECENT).subquery()
    pairs = select(lately.c.host, lately.c.slot).distinct().subquery()
    return session.scalar(select(func.count()).select_from(pairs)) or 0


def _play(
    chance: random.Random,
    waiting: Iterable[tuple[int, list[float]]],
    busy: Iterable[tuple[Build, list[float]]],
    slots: int,
    now: datetime,
) -> dict[int, float]:
    """The seconds from now on after which each of them is done, this time."""
    ends = {build.task_id: _left(chance, durations, _age(build, now)) for build, durations in busy}
    free = [*ends.values(), *[0.0] * max(0, slots - len(ends))]
    heapq.heapify(free)
    for number, durations in waiting:
        ends[number] = heapq.heappop(free) + chance.choice(durations)
        heapq.heappush(free, ends[number])
    return ends


def _age(build: Build, now: datetime) -> float:
    return max(0.0, (now - (build.started_at or now)).total_seconds())


def _left(chance: random.Random, durations: Sequence[float], age: float) -> float:
    """What is left of a build that has taken `age` seconds already."""
    longer = [seconds for seconds in durations if seconds > age]
    return chance.choice(longer) - age if longer else age * 0.1


def _sum_up(seconds: list[float], now: datetime) -> Forecast:
    return Forecast(*(now + each for each in _cuts(seconds)))


def _cuts(seconds: Sequence[float]) -> list[timedelta]:
    cuts = quantiles(seconds, n=10, method="inclusive")
    return [timedelta(seconds=cuts[place]) for place in (0, 4, 8)]


def after(durations: Sequence[float], *starts: Forecast) -> Forecast:
    """When something is done that begins after all of these, if it takes as long as one of `durations`, in seconds."""
    soon, likely, late = _cuts([*durations, *durations])  # quantiles needs two
    return Forecast(
        max(start.earliest for start in starts) + soon,
        max(start.likely for start in starts) + likely,
        max(start.latest for start in starts) + late,
    )


def at(moment: datetime) -> Forecast:
    """What is sure to be then."""
    return Forecast(moment, moment, moment)


def promise(session: Session, told: Mapping[int, Forecast]) -> None:
    """Keep what was told when tasks were ordered, to be held against the truth."""
    for number, eta in told.items():
        change(session, Task, Task.id == number, promised_from=eta.earliest, promised_until=eta.latest)


def calibration(session: Session) -> Calibration:
    """How often it came true, of the last orders; what was tried again by a person, or given up, does not count."""
    newest = session.scalar(select(func.max(Task.id))) or 0
    ready = Task.promised_from.is_not(None), Task.state.in_([TaskState.READY, TaskState.EXPIRED])
    within = Task.finished_at >= Task.promised_from, Task.finished_at <= Task.promised_until
    count = select(func.count()).select_from(Task).where(Task.id > newest - LAST, *ready)
    return Calibration(session.scalar(count) or 0, session.scalar(count.where(*within)) or 0)


def durations(session: Session) -> Mapping[str, Sequence[float]]:
    """How long the last builds of each recipe took, in seconds, shortest first."""
    past = Past(session)
    recipes = session.scalars(select(Build.recipe).where(Build.state == BuildState.SUCCEEDED).distinct()).all()
    return {recipe: sorted(past.of(recipe)) for recipe in sorted(recipes)}
