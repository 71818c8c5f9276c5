"""What is done to a full table: each act as isobuild does it, with its transactions, in milliseconds."""

import os
from collections.abc import Callable
from functools import partial

from sqlalchemy import select

from bench.figures import timed
from bench.peers.isobuild import DONE, AtTheDesk, Isobuild
from bench.population import BUSY, FREE, KEEP, NOW, QUEUES, UNASKED, Shelf
from isobuild.domain import builds, line, runners, taking, tasks, turns
from isobuild.domain.columns import AWAKE
from isobuild.domain.pruning import Keep
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Build, Task
from isobuild.tick import Site, tick

PAGE = 26  # tasks that the first page asks for
LANES = tuple(QUEUES)
WHO = "bench"


class NoLauncher:
    """Starts nothing: what starting costs is measured elsewhere."""

    def launch(self, build: int, token: str) -> None:
        raise AssertionError(build)


class Queue:
    """A full table, and what is done to it; each method gives the milliseconds of its one act."""

    def __init__(self, peer: AtTheDesk) -> None:
        self.peer = peer
        self.database = peer.database
        with self.database.read() as session:
            self.shelf = Shelf.of(session)
            waiting = select(Task.id).where(Task.state == TaskState.PENDING, Task.not_before == AWAKE)
            last = waiting.where(Task.queue == LANES[-1]).order_by(Task.rank.desc(), Task.id.desc())
            self.last = session.scalars(last.limit(1)).one()
        self.loop = self.database.write(runners.sit_down, os.getpid(), FREE, NOW)

    def tick_full(self) -> float:
        return self._tick(Site(host=BUSY))

    def tick_empty(self) -> float:
        return self._tick(Site(host=UNASKED))

    def tick_store(self) -> float:
        return self._tick(Site(host=UNASKED, places=[self.shelf]))

    def tick_keep(self) -> float:
        return self._tick(Site(host=UNASKED, keep=Keep(isos=KEEP, rows=KEEP, history=KEEP)))

    def order(self) -> float:
        return timed(self.peer.order)[0]

    def order_only(self) -> float:
        return timed(partial(Isobuild.order, self.peer))[0]

    def enqueue(self) -> float:
        took, enqueued = timed(lambda: self.database.write(turns.enqueue, FREE, NOW))
        self.database.write(tasks.cancel, self._open().task_id, WHO, NOW)
        return took if enqueued == 1 else float("nan")

    def finish(self) -> float:
        self.database.write(turns.enqueue, FREE, NOW)
        number = self._open().id
        token = self.database.write(builds.flag_busy, number, FREE, NOW) or ""
        return timed(lambda: self.database.write(builds.finish, number, token, DONE, NOW))[0]

    def take(self) -> float:
        took, taken = timed(lambda: self.database.write(taking.take, self.loop, FREE, None, 0, NOW))
        if taken is None:
            return float("nan")
        self.database.write(builds.finish, taken.build.id, taken.token, DONE, NOW)
        return took

    def cancel(self) -> float:
        with self.database.read() as session:
            task = line.first(session, FREE, (), NOW)
        number = task.id if task else 0
        return timed(lambda: self.database.write(tasks.cancel, number, WHO, NOW))[0]

    def show(self) -> float:
        return timed(lambda: self.peer.desk.task(self.last))[0]

    def page(self) -> float:
        return timed(lambda: self.peer.desk.tasks(limit=PAGE))[0]

    def stats(self) -> float:
        return timed(self.peer.desk.stats)[0]

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
    "idle tick, and ISOs, rows and history have their time": Queue.tick_keep,
    "a person orders, and is told when to expect it": Queue.order,
    "· the order's own transaction": Queue.order_only,
    "rule 1: the next task gets a build": Queue.enqueue,
    "a loop takes the next task, by both rules at once": Queue.take,
    "a waiting task is canceled": Queue.cancel,
    "the callback: a build is finished": Queue.finish,
    "a waiting task is shown, with its place and forecast": Queue.show,
    "the page's list of tasks": Queue.page,
    "whether any is left": Queue.left,
    "`isobuild stats`, which counts them all": Queue.stats,
}
