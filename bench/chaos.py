"""Chaos: quick builds by the hundred, while something is killed at random every second; and what came of it."""

import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from servers import Files, MariaDb, PostgreSql, Server
from sqlalchemy import func, select

from bench.figures import percentile, table
from bench.ground import folder
from bench.monkey import Monkey
from bench.plant import Plant
from bench.verdict import Verdict, judge
from isobuild import schema
from isobuild.db import Database
from isobuild.domain.states import OPEN
from isobuild.domain.tables import Task

ENGINES = ("SQLite", "MariaDB", "PostgreSQL")
SEED = 1
SECONDS = 240.0  # in which things are killed, on each database
MOST = 2000  # orders on each
WAITING = 50  # orders that wait, while there are more
PAUSE = (0.2, 1.2)  # seconds between two deeds
LOOK = 0.1  # seconds between two looks
PATIENCE = 120.0  # seconds for what is left to be built in peace


@dataclass(frozen=True)
class Ordeal:
    """How long things are killed, of how many orders at most, by which seed, while builds run as which user."""

    seconds: float = SECONDS
    most: int = MOST
    seed: int = SEED
    user: str = "nobody"


@dataclass(frozen=True)
class Outcome:
    """What was done to a plant, what came of it, and after how many seconds."""

    deeds: Counter[str]
    verdict: Verdict
    seconds: float


def run() -> None:
    """Print what came of it on each database."""
    outcomes = {}
    for engine in ENGINES:
        try:
            with serving(engine) as (url, server):
                outcomes[engine] = survive(url, server, Ordeal())
        except FileNotFoundError as missing:
            print(f"not tried on {engine}: {missing} is not installed\n")
    _print(outcomes)


def _print(outcomes: dict[str, Outcome]) -> None:
    deeds = sorted({name for outcome in outcomes.values() for name in outcome.deeds})
    print("What was killed, and how often; a database was killed or stopped, or its lock held, for up to 2 s\n")
    table(["", *deeds, "in all"], ([name, *_deeds(outcome, deeds)] for name, outcome in outcomes.items()))
    print("What came of it: tasks ordered, builds that took, seconds in all; and what must be 0\n")
    heads = ["", "tasks", "builds", "s", "lost", "doubled", "stuck", "left over"]
    table(heads, ([name, *_found(outcome)] for name, outcome in outcomes.items()))
    print("Seconds from a kill to the next start of that task's build\n")
    heads = ["", "builds killed", "p50", "longest"]
    table(heads, ([name, *_recovery(outcome.verdict)] for name, outcome in outcomes.items()))


def _deeds(outcome: Outcome, names: Sequence[str]) -> list[object]:
    return [*(outcome.deeds[name] for name in names), outcome.deeds.total()]


def _found(outcome: Outcome) -> list[object]:
    verdict = outcome.verdict
    wrong = [len(each) for each in (verdict.lost, verdict.doubled, verdict.stuck, verdict.left)]
    return [verdict.tasks, verdict.builds, outcome.seconds, *wrong]


def _recovery(verdict: Verdict) -> list[object]:
    took = verdict.recoveries
    return [len(took), percentile(took, 50) if len(took) > 1 else math.nan, max(took, default=math.nan)]


@contextmanager
def serving(engine: str) -> Iterator[tuple[str, Server | None]]:
    """The URL of an empty database, which keeps what is committed, and its server if it has one.

    Raises FileNotFoundError when that isn't installed.
    """
    if engine == "SQLite":
        with folder(durable=True) as place:
            yield Files(place).create("chaos"), None
    else:
        with closing({"MariaDB": MariaDb, "PostgreSQL": PostgreSql}[engine](durable=True)) as server:
            yield server.create("chaos"), server


def survive(url: str, server: Server | None, ordeal: Ordeal) -> Outcome:
    """Build while things are killed, then in peace what is left; what came of it."""
    schema.upgrade(Database(url))
    with closing(Plant(url, ordeal.user)) as plant:
        monkey, began = Monkey(plant, server, ordeal.seed), time.monotonic()
        _rage(plant, monkey, ordeal, began + ordeal.seconds)
        over = time.monotonic() + PATIENCE
        while _open(plant) and time.monotonic() < over:
            plant.keep_up()
            time.sleep(LOOK)
        took = time.monotonic() - began
        plant.shut_down()
        return Outcome(monkey.count, judge(plant, monkey.hits), took)


def _rage(plant: Plant, monkey: Monkey, ordeal: Ordeal, over: float) -> None:
    chance, ordered, due = random.Random(ordeal.seed), 0, 0.0
    while time.monotonic() < over:
        plant.keep_up()
        if ordered < ordeal.most and _open(plant) < WAITING:
            plant.order(range(ordered, ordered := min(ordered + WAITING, ordeal.most)))
        if time.monotonic() > due:
            monkey.act()
            due = time.monotonic() + chance.uniform(*PAUSE)
        time.sleep(LOOK)


def _open(plant: Plant) -> int:
    with plant.database.read() as session:
        return session.scalar(select(func.count()).select_from(Task).where(Task.state.in_(OPEN))) or 0
