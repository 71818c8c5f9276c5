"""What a site says about whose turn it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class Allowance:
    """A token bucket's measure: it holds `depth` tokens, and an empty one is full again after `period`."""

    depth: float
    period: timedelta

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.depth / self.period.total_seconds()

    def __str__(self) -> str:
        unit = next((unit for unit in reversed(UNITS) if self.period % UNITS[unit] == timedelta(0)), "second")
        count = self.period / UNITS[unit]
        return f"{self.depth:g} per {unit}" if count == 1 else f"{self.depth:g} per {count:g} {unit}s"


@dataclass(frozen=True, slots=True)
class Rules:
    """Without any, tasks go by queue, priority and age alone."""

    fair: bool = False  # among equals, whoever had the fewest builds lately goes first
    recipe_limits: Mapping[str, int] = field(default_factory=dict)  # builds at a time, on all hosts
    orders: Allowance | None = None  # what each user may order
    buckets: Mapping[str, Allowance] = field(default_factory=dict)
    draws: Mapping[str, str] = field(default_factory=dict)  # the bucket that each build of a recipe takes a token from
