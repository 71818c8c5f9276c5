"""Ticks, and whatever else, at the same moment, each in a process of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import get_context
from threading import Barrier
from typing import Any, TypeVar

from orders import FakeLauncher, Launch, run_tick

from isobuild.db import Database
from isobuild.domain.hosts import Host

T = TypeVar("T")
_START: list[Barrier] = []  # of this process


class Crowd:
    """Processes that act at once, as often as they are asked."""

    def __init__(self, pool: ProcessPoolExecutor, count: int) -> None:
        self.pool, self.count = pool, count

    def tick(self, url: str, now: datetime, *hosts: Host) -> list[Launch]:
        """One tick of each, all started together, in turn as these hosts; all the launches they made."""
        made = [self.pool.submit(_tick, url, hosts[number % len(hosts)], now) for number in range(self.count)]
        return [launch for ticked in made for launch in ticked.result(120)]

    def each(self, work: Callable[..., T], url: str, *facts: Any) -> list[T]:
        """What `work(database, number, *facts)` gave to each, all started together; `number` counts them from 0."""
        made = [self.pool.submit(_act, work, url, number, facts) for number in range(self.count)]
        return [acted.result(120) for acted in made]


@contextmanager
def crowd(count: int) -> Iterator[Crowd]:
    context = get_context("spawn")
    barrier = context.Barrier(count)
    with ProcessPoolExecutor(count, context, _keep, (barrier,)) as pool:
        yield Crowd(pool, count)


def _keep(barrier: Barrier) -> None:
    _START.append(barrier)


def _act(work: Callable[..., T], url: str, number: int, facts: tuple[Any, ...]) -> T:
    database = Database(url)
    with database.read() as session:  # connected before the start
        session.connection()
    _START[0].wait(60)
    try:
        return work(database, number, *facts)
    finally:
        database.dispose()


def _tick(url: str, host: Host, now: datetime) -> list[Launch]:
    database = Database(url)
    with database.read() as session:  # connected before the start
        session.connection()
    launcher = FakeLauncher(database)
    _START[0].wait(60)
    done = run_tick(database, launcher, now, host)
    database.dispose()
    assert done.launched == len(launcher.launched)
    return launcher.launched
