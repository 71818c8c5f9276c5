"""The queue's cost by the number of tasks in the table: 1 thousand, 100 thousand, 1 million, on three databases.

The databases of the three sizes stand side by side on one server and are asked in turns. All of it is in memory:
what grows is what the statements cost, not what the disk does.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

from bench.acts import ACTS, Queue
from bench.figures import interleaved, percentile, table
from bench.ground import Create, all_serving, folder, missing_is_said
from bench.peers.base import Peer, make
from bench.peers.isobuild import AtTheDesk

SIZES = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000}
ROUNDS = 15
#: whose claims are measured in the same turns as isobuild's on that database: a peer, and what it runs on
GUESTS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "SQLite": {"huey, SQLite": ("huey", "SQLite"), "celery, Redis": ("celery", "Redis")},
    "MariaDB": {},
    "PostgreSQL": {"procrastinate, PostgreSQL": ("procrastinate", "PostgreSQL")},
}
Sizes = Mapping[str, Callable[[], float]]  # size -> an act on the table of that size; the milliseconds it took


def run() -> None:
    """Print a table for each database there is, and one of the claims of all."""
    claims: list[list[object]] = []
    for engine, guests in GUESTS.items():
        with all_serving(sorted({engine, *(on for _, on in guests.values())}), durable=False) as engines:
            if engine in engines:
                claims += _measure(engine, engines)
    print(f"The next job is taken, beside other queues: milliseconds, medians of {ROUNDS}\n")
    table(["", *SIZES, "1M / 1k", "ratio at 1M"], claims)


def _measure(engine: str, engines: Mapping[str, Create]) -> list[list[object]]:
    with ExitStack() as stack:
        peers = {size: _filled(stack, "desk", engines[engine], size) for size in SIZES}
        queues = {size: Queue(peer) for size, peer in peers.items() if isinstance(peer, AtTheDesk)}
        print(f"{engine}: milliseconds by the number of tasks in the table, medians of {ROUNDS}\n", flush=True)
        acts = {name: {size: partial(act, queue) for size, queue in queues.items()} for name, act in ACTS.items()}
        figures = {name: _figures(sizes) for name, sizes in acts.items()}
        table(["", *SIZES, "1M / 1k"], ([name, *row] for name, row in figures.items()))
        steepest = sorted(figures, key=lambda name: figures[name][-1], reverse=True)[:2]
        print(f"The largest ratios: {', '.join(f'{figures[name][-1]:.3g} ({name})' for name in steepest)}\n")
        own = f"isobuild, {engine}"
        lanes: dict[str, Sizes] = {own: {size: peer.claim for size, peer in peers.items()}}
        return _claims(own, lanes | _guests(stack, engine, engines))


def _guests(stack: ExitStack, engine: str, engines: Mapping[str, Create]) -> dict[str, Sizes]:
    lanes: dict[str, Sizes] = {}
    for name, (kind, on) in GUESTS[engine].items():
        if on in engines:
            with missing_is_said(name):
                lanes[name] = {size: _filled(stack, kind, engines[on], size).claim for size in SIZES}
    return lanes


def _filled(stack: ExitStack, kind: str, create: Create, size: str) -> Peer:
    own = stack.enter_context(folder(durable=False))
    peer = make(kind, create(f"{kind}_{SIZES[size]}"), own, lambda: None)
    stack.callback(peer.close)
    peer.prepare()
    peer.fill(SIZES[size])
    return peer


def _figures(sizes: Sizes) -> list[float]:
    medians = [percentile(figures, 50) for figures in interleaved(sizes, ROUNDS).values()]
    return [*medians, medians[-1] / medians[0]]


def _claims(own: str, lanes: Mapping[str, Sizes]) -> list[list[object]]:
    """Everybody's claims, all in turns; at the end how the largest table's compares with isobuild's."""
    acts = {f"{name}/{size}": act for name, sizes in lanes.items() for size, act in sizes.items()}
    taken = interleaved(acts, ROUNDS)
    largest = list(SIZES)[-1]
    rows: list[list[object]] = []
    for name in lanes:
        medians = [percentile(taken[f"{name}/{size}"], 50) for size in SIZES]
        pairs = zip(taken[f"{name}/{largest}"], taken[f"{own}/{largest}"], strict=True)
        rows.append([name, *medians, medians[-1] / medians[0], percentile([each / base for each, base in pairs], 50)])
    return rows
