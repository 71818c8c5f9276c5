"""How long a person waits for the first process of the build that was ordered; and how long isobuild takes to start."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial

from bench.daemon import ISOBUILD, Daemon, Start
from bench.figures import interleaved, percentile, spread, table, timed

ORDERS = 20
PAUSE = 2.0  # seconds, in which the next spare runner gets ready
ROUNDS = 15
PYTHON = [sys.executable, "-I", "-c", "pass"]

LEGS: dict[str, Callable[[Start], float]] = {
    "order committed → first line of the script": lambda start: start.began - start.committed,
    "· committed → a tick begins (the nudge)": lambda start: start.ticked - start.committed,
    "· a tick begins → the runner has claimed": lambda start: start.claimed - start.ticked,
    "· claimed → first line of the script": lambda start: start.began - start.claimed,
}


def run() -> None:
    """Print what an order waits for, and what a process of isobuild takes to start."""
    with closing(Daemon()) as daemon:
        hurried = [_order(daemon, f"hurried-{number}", 0.0) for number in range(ORDERS)]
        calm = [_order(daemon, f"calm-{number}", PAUSE) for number in range(ORDERS)]
        commands = {"python -c pass": PYTHON, "isobuild --help": [*ISOBUILD, "--help"]}
        took = _time(commands | {"isobuild tick, idle": [*ISOBUILD, "tick"]}, daemon.environment)
    for starts, how in ((calm, f"{PAUSE:g} s between a build and the next order"), (hurried, "no pause between them")):
        print(f"{ORDERS} orders on SQLite, {how}; milliseconds\n")
        table(["", "p50", "p95", "longest"], [_spread(name, map(leg, starts)) for name, leg in LEGS.items()])
    print(f"A process from start to end, in turns, {ROUNDS} times each; milliseconds\n")
    plain = percentile([each[0] for each in took["python -c pass"]], 50)
    rows = ([name, *_medians(each), _medians(each)[0] / plain] for name, each in took.items())
    table(["", "p50", "of the processor", "times `python -c pass`"], rows)


def _order(daemon: Daemon, name: str, pause: float) -> Start:
    time.sleep(pause)
    return daemon.order(name)


def _spread(name: str, seconds: Iterator[float]) -> list[object]:
    return [name, *spread([1000 * second for second in seconds])]


def _medians(figures: Iterable[tuple[float, float]]) -> list[float]:
    return [percentile(column, 50) for column in zip(*figures, strict=True)]


def _time(commands: Mapping[str, list[str]], environment: Mapping[str, str]) -> dict[str, list[tuple[float, float]]]:
    return interleaved({name: partial(_call, command, environment) for name, command in commands.items()}, ROUNDS)


def _call(command: list[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Milliseconds of the wall clock, and of the processor, which a busy machine falsifies less."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call = partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL, env=environment)
    took, _ = timed(call)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
