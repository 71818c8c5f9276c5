"""How large an ISO will be, by those of its recipe that were built before: how much of their packages' size they had.

Those most like it count: with the same choices, of about as many packages.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import quantiles
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain.states import BuildState
from isobuild.domain.tables import Artifact, Build, Task

RECENT = 200  # builds of a recipe that are looked at
NEAR = 20  # of these, the most alike
UNSURE = 0.25  # of a size, by which one may be wrong that is told by a single build
#: of the packages' size, where nothing was built yet: an ISO of the smallest system, a usual one, a kernel twice
GUESS = (0.4, 1.5, 2.5)


@dataclass(frozen=True, slots=True)
class Made:
    """An ISO that was built: what was chosen, the bytes of its packages (and of an ISO below), and its own."""

    options: Mapping[str, Any]
    packages: int
    iso: int


@dataclass(frozen=True, slots=True)
class Interval:
    """One time in ten it is less than `low`, one in ten more than `high`; `builds` told so, none if it is a guess."""

    low: float
    likely: float
    high: float
    builds: int


def made(session: Session, recipe: str) -> list[Made]:
    """The last ISOs of a recipe, the newest first."""
    chosen = (
        select(Task.options, Build.stages, Artifact.size)
        .join(Task, Task.id == Build.task_id)
        .join(Artifact, (Artifact.task_id == Task.id) & (Artifact.build_id == Build.id))
        .where(Build.recipe == recipe, Build.state == BuildState.SUCCEEDED, Artifact.kind == "iso")
        .order_by(Build.id.desc())
        .limit(RECENT)
    )
    rows = session.execute(chosen).all()
    return [Made(options, (stages or {}).get("size", 0), size) for options, stages, size in rows]


def estimate(
    past: Sequence[Made], options: Mapping[str, Any], packages: int, choices: Collection[str], base: int = 0
) -> Interval | None:
    """The bytes of an ISO with these options and so many bytes of packages; None if nothing is known of such.

    `choices` names those of the options that have few values, such as how it is compressed; `base` are the bytes of an
    ISO that it is made of.
    """
    if whole := packages + base:
        told = [each for each in past if each.packages]
        near = _nearest(told, options, whole, choices)
        if found := around([each.iso / each.packages for each in near]):
            return Interval(found.low * whole, found.likely * whole, found.high * whole, found.builds)
        low, likely, high = (base + part * packages for part in GUESS)
        return Interval(low, likely, high, 0)
    return around([float(each.iso) for each in _nearest(past, options, 0, choices)])


def around(values: Sequence[float]) -> Interval | None:
    """Between what the next one is expected to be; the fewer there are, the wider."""
    if not values:
        return None
    cuts = quantiles([*values, *values], n=10, method="inclusive")  # which needs two
    wide = 1 + UNSURE / sqrt(len(values))
    return Interval(cuts[0] / wide, cuts[4], cuts[8] * wide, len(values))


def _nearest(
    past: Sequence[Made], options: Mapping[str, Any], packages: int, choices: Collection[str]
) -> Sequence[Made]:
    def distance(each: Made) -> tuple[int, float]:
        others = sum(each.options.get(name) != options.get(name) for name in choices)
        return others, abs(log((each.packages + 1) / (packages + 1)))

    return sorted(past, key=distance)[:NEAR]
