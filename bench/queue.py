"""The queue's cost by the number of tasks in the table: 1 thousand, 100 thousand, 1 million, on three databases.

The databases of the three sizes stand side by side on one server and are asked in turns. All of it is in memory:
what grows is what the statements cost, not what the disk does.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from servers import MEMORY, Databases, Files, MariaDb, PostgreSql
from sqlalchemy import select

from bench.figures import interleaved, percentile, table, timed
from bench.population import BUSY, FREE, KEEP, NOW, QUEUES, UNASKED, Shelf, fill
from isobuild import schema
from isobuild.db import Database
from isobuild.domain import builds, listing, tasks
from isobuild.domain.builds import End
from isobuild.domain.states import BuildState, TaskState
from isobuild.domain.tables import AWAKE, Build, Task
from isobuild.store.local import Stored
from isobuild.tick import Site, tick

SIZES = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000}
ROUNDS = 25
PAGE = 26  # tasks that the first page asks for
LANES = tuple(QUEUES)
DONE = End(state=BuildState.SUCCEEDED, file=Stored("image.iso", 200 << 20, "0" * 64))


class NoLauncher:
    """Starts nothing: what starting costs is measured elsewhere."""

    def launch(self, build: int, token: str) -> None:
        raise AssertionError(build)


class Queue:
    """A full table, and what is done to it; each method gives the milliseconds of its one act."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.names = map("bench-{}".format, count())
        with database.read() as session:
            self.shelf = Shelf.of(session)
            waiting = select(Task.id).where(Task.state == TaskState.PENDING, Task.not_before == AWAKE)
            last = waiting.where(Task.queue == LANES[-1]).order_by(Task.rank.desc(), Task.id.desc())
            self.last = session.scalars(last.limit(1)).one()

    def tick_full(self) -> float:
        return self._tick(Site(host=BUSY))

    def tick_empty(self) -> float:
        return self._tick(Site(host=UNASKED))

    def tick_store(self) -> float:
        return self._tick(Site(host=UNASKED, places=[self.shelf]))

    def tick_keep(self) -> float:
        return self._tick(Site(host=UNASKED, keep=KEEP))

    def order(self) -> float:
        wish = tasks.Order(user="user-0", name=next(self.names), recipe="tiny")
        return timed(lambda: self.database.write(tasks.order, wish, LANES, NOW))[0]

    def enqueue(self) -> float:
        took, enqueued = timed(lambda: self.database.write(builds.enqueue, FREE, NOW))
        self.database.write(tasks.cancel, self._open().task_id, NOW)
        return took if enqueued == 1 else float("nan")

    def finish(self) -> float:
        self.database.write(builds.enqueue, FREE, NOW)
        number = self._open().id
        token = self.database.write(builds.flag_busy, number, FREE, NOW) or ""
        return timed(lambda: self.database.write(builds.finish, number, token, DONE, NOW))[0]

    def cancel(self) -> float:
        with self.database.read() as session:
            number = tasks.eligible(session, LANES, 1)[0].id
        return timed(lambda: self.database.write(tasks.cancel, number, NOW))[0]

    def show(self) -> float:
        with self.database.read() as session:
            return timed(lambda: listing.show_task(session, self.last, LANES))[0]

    def page(self) -> float:
        with self.database.read() as session:
            return timed(lambda: listing.list_tasks(session, LANES, limit=PAGE))[0]

    def left(self) -> float:
        with self.database.read() as session:
            return timed(lambda: tasks.any_left(session))[0]

    def _tick(self, site: Site) -> float:
        took, ticked = timed(lambda: tick(self.database, NoLauncher(), site, NOW))
        return took if ticked.idle else float("nan")

    def _open(self) -> Build:
        with self.database.read() as session:
            return session.scalars(select(Build).where(Build.open_slot == f"{FREE.name}/0")).one()


ACTS: dict[str, Callable[[Queue], float]] = {
    "idle tick, no slot is free": Queue.tick_full,
    "idle tick, nothing waits in its queues": Queue.tick_empty,
    "idle tick, and 500 ISOs in the store": Queue.tick_store,
    "idle tick, and ISOs expire (`keep_days`)": Queue.tick_keep,
    "a person orders": Queue.order,
    "rule 1: the next task gets a build": Queue.enqueue,
    "a waiting task is canceled": Queue.cancel,
    "the callback: a build is finished": Queue.finish,
    "a waiting task is shown, with its place": Queue.show,
    "the page's list of tasks": Queue.page,
    "whether any is left": Queue.left,
}


def run() -> None:
    """Print a table for each database there is."""
    for name, kind in {"SQLite": _files, "MariaDB": _mariadb, "PostgreSQL": _postgresql}.items():
        print(f"{name}: milliseconds by the number of tasks in the table, medians of {ROUNDS}\n", flush=True)
        try:
            with kind() as databases:
                _measure(databases)
        except FileNotFoundError as missing:
            print(f"not measured: {missing} is not installed\n")


def _measure(databases: Databases) -> None:
    with ExitStack() as stack:
        queues = {size: stack.enter_context(_filled(databases, size)) for size in SIZES}
        table(["", *SIZES, "1M / 1k"], (_row(name, act, queues) for name, act in ACTS.items()))


def _row(name: str, act: Callable[[Queue], float], queues: dict[str, Queue]) -> list[object]:
    taken = interleaved({size: partial(act, queue) for size, queue in queues.items()}, ROUNDS)
    medians = [percentile(figures, 50) for figures in taken.values()]
    return [name, *medians, medians[-1] / medians[0]]


@contextmanager
def _filled(databases: Databases, size: str) -> Iterator[Queue]:
    database = Database(databases.create(f"tasks_{SIZES[size]}"))
    schema.upgrade(database)
    fill(database, SIZES[size])
    yield Queue(database)
    database.dispose()


@contextmanager
def _files() -> Iterator[Databases]:
    with tempfile.TemporaryDirectory(prefix="isobuild-bench-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Files(Path(folder))


def _mariadb() -> closing[MariaDb]:
    return closing(MariaDb())


def _postgresql() -> closing[PostgreSql]:
    return closing(PostgreSql())
