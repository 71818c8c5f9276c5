"""isobuild's queue beside others: orders a second, and how long an order waits for its job to be entered.

All of them keep what is ordered on a disk, with the durability that each has by its defaults, and are asked in turns.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.figures import interleaved, percentile, spread, table, timed
from bench.ground import Create, all_serving, folder, missing_is_said
from bench.peers.base import Peer, make
from bench.peers.worker import Worker

#: who is measured, on what, and whose figures its own are a ratio of
LANES = {
    "isobuild, SQLite": ("isobuild", "SQLite", "isobuild, SQLite"),
    "isobuild, SQLite, at the desk": ("desk", "SQLite", "isobuild, SQLite"),
    "huey, SQLite": ("huey", "SQLite", "isobuild, SQLite"),
    "celery, Redis": ("celery", "Redis", "isobuild, SQLite"),
    "isobuild, PostgreSQL": ("isobuild", "PostgreSQL", "isobuild, PostgreSQL"),
    "isobuild, PostgreSQL, at the desk": ("desk", "PostgreSQL", "isobuild, PostgreSQL"),
    "procrastinate, PostgreSQL": ("procrastinate", "PostgreSQL", "isobuild, PostgreSQL"),
    "isobuild, MariaDB": ("isobuild", "MariaDB", "isobuild, MariaDB"),
    "isobuild, MariaDB, at the desk": ("desk", "MariaDB", "isobuild, MariaDB"),
}
ENGINES = ("SQLite", "PostgreSQL", "MariaDB", "Redis")
ROUNDS = 5
FEW, MANY = 200, 500  # orders one by one, and at once, of one round
FEW_AT_THE_DESK = 20
DISPATCHES = 60
PAUSES = 0.05, 0.15  # seconds before an order, by chance: no poll is met on purpose


@dataclass(frozen=True)
class Lane:
    """A peer that is measured, and where its workers find it."""

    kind: str
    peer: Peer
    work: Callable[[], Worker]


def run() -> None:
    """Print both tables, of those that are installed."""
    with all_serving(ENGINES, durable=True) as engines:
        with _lanes(engines, "ordered") as lanes:
            _print_orders(lanes)
        with _lanes(engines, "dispatched", without="desk") as lanes:
            _print_dispatch(lanes)


@contextmanager
def _lanes(engines: Mapping[str, Create], database: str, without: str = "") -> Iterator[dict[str, Lane]]:
    with ExitStack() as stack:
        lanes: dict[str, Lane] = {}
        for name, (kind, engine, _) in LANES.items():
            if engine in engines and kind != without:
                with missing_is_said(name):
                    own = stack.enter_context(folder(durable=True))
                    lanes[name] = _lane(kind, engines[engine](f"{kind}_{database}"), own)
                    stack.callback(lanes[name].peer.close)
        yield lanes


def _lane(kind: str, url: str, own: Path) -> Lane:
    peer = make(kind, url, own, lambda: None)
    peer.prepare()
    return Lane(kind, peer, partial(Worker, kind, url, own))


def _print_orders(lanes: Mapping[str, Lane]) -> None:
    print(f"Orders a second: one by one, and {MANY} at once; medians of {ROUNDS} rounds\n", flush=True)
    singly = interleaved({name: partial(_order_singly, lane) for name, lane in lanes.items()}, ROUNDS)
    at_once = interleaved({name: partial(_order_at_once, lane.peer) for name, lane in lanes.items()}, ROUNDS)
    rows = ([name, *_with_ratio(name, singly), *_with_ratio(name, at_once)] for name in lanes)
    table(["", "one by one", "ratio", "at once", "ratio"], rows)


def _order_singly(lane: Lane) -> float:
    count = FEW_AT_THE_DESK if lane.kind == "desk" else FEW
    took, _ = timed(lambda: _order_few(lane.peer, count))
    return 1000 * count / took


def _order_few(peer: Peer, count: int) -> None:
    for _ in range(count):
        peer.order()


def _order_at_once(peer: Peer) -> float:
    took, done = timed(lambda: peer.order_many(MANY))
    return 1000 * MANY / took if done else float("nan")


def _with_ratio(name: str, figures: Mapping[str, Sequence[float]]) -> list[float]:
    """The median, and the median of its ratios to the same rounds of isobuild on the same database."""
    pairs = zip(figures[name], figures[LANES[name][2]], strict=True)
    return [percentile(figures[name], 50), percentile([figure / base for figure, base in pairs], 50)]


def _print_dispatch(lanes: Mapping[str, Lane]) -> None:
    print(f"From an order to its job, one worker waiting, in milliseconds; {DISPATCHES} orders each\n", flush=True)
    with ExitStack() as stack:
        workers = {name: stack.enter_context(closing(lane.work())) for name, lane in lanes.items()}
        waits = {name: partial(_dispatch, lane.peer, workers[name]) for name, lane in lanes.items()}
        taken = interleaved(waits, DISPATCHES)  # the first, not counted, waits for the workers to have started
    rows = ([name, *spread(taken[name]), _with_ratio(name, taken)[1]] for name in lanes)
    table(["", "p50", "p95", "longest", "ratio"], rows)


def _dispatch(peer: Peer, worker: Worker) -> float:
    time.sleep(random.uniform(*PAUSES))
    peer.order()
    ordered = time.monotonic()
    return 1000 * (worker.entered() - ordered)
