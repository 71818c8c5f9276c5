"""From an order to the first process of its build, on three databases: what a build is that a peer's job is not."""

import time
from contextlib import ExitStack, closing
from functools import partial
from itertools import count

from bench.daemon import Daemon
from bench.figures import interleaved, spread, table
from bench.ground import all_serving

ENGINES = ("SQLite", "PostgreSQL", "MariaDB")
ORDERS = 20
PAUSE = 0.7  # seconds: with the turns of the others, time enough for the next spare runner to get ready


def run() -> None:
    """Print the table, of those that are installed."""
    print(f"From an order to the first line of its script, in milliseconds; {ORDERS} orders each\n", flush=True)
    with all_serving(ENGINES, durable=True) as engines, ExitStack() as stack:
        urls = {engine: create("first") if engine != "SQLite" else "" for engine, create in engines.items()}
        daemons = {engine: stack.enter_context(closing(Daemon(url))) for engine, url in urls.items()}
        names = map("first-{}".format, count())
        taken = interleaved({engine: partial(_wait, daemon, names) for engine, daemon in daemons.items()}, ORDERS)
    table(["", "p50", "p95", "longest"], [[f"isobuild, {engine}", *spread(taken[engine])] for engine in taken])


def _wait(daemon: Daemon, names: "map[str]") -> float:
    time.sleep(PAUSE)
    return daemon.order(next(names)).wait
