"""Timings, and the Markdown tables they are shown in."""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """How many milliseconds the work took, and what it returned."""
    began = time.perf_counter()
    result = work()
    return 1000 * (time.perf_counter() - began), result


def interleaved(works: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """`rounds` figures of each work, taken in turns (A B C A B C …) so that a busy moment of the machine hits all.

    A first round warms up and is not counted.
    """
    taken: dict[str, list[T]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            figure = work()
            if turn:
                taken[name].append(figure)
    return taken


def percentile(figures: Sequence[float], percent: int) -> float:
    """The figure that `percent` of 100 are not above."""
    return statistics.quantiles(figures, n=100, method="inclusive")[percent - 1]


def spread(figures: Sequence[float]) -> list[float]:
    """The median, the 95th percentile and the largest."""
    return [percentile(figures, 50), percentile(figures, 95), max(figures)]


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table; its first column is words, the others are figures."""
    print(f"| {' | '.join(heads)} |")
    print(f"|---{'|---:' * (len(heads) - 1)}|")
    for row in rows:
        print(f"| {' | '.join(map(_cell, row))} |", flush=True)
    print()


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
