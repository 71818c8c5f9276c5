"""Taking a build in hand without a launch: a loop takes the next one, a person takes one out of turn."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain import batch, builds, line, queues, runners, standing, tasks, turns
from isobuild.domain.batch import Ordered
from isobuild.domain.guard import change
from isobuild.domain.history import By
from isobuild.domain.hosts import Host
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Build, Task
from isobuild.errors import CannotGo, LostSeat, NoSlot, NotFound


class Taken(NamedTuple):
    """A build that is its runner's, by its token."""

    build: Build
    task: Task
    token: str


class Flagged(NamedTuple):
    """A task, and its build with the token that claims it; there is no build if the task came to its end at once."""

    task: int
    build: int | None = None
    token: str = ""


# a loop


def take(session: Session, me: int, host: Host, attempts: int | None, memory: int, now: datetime) -> Taken | None:
    """The next build of the host's queues, claimed for runner `me`, which is a loop; None if there is none.

    It all is one transaction, with a heartbeat: a loop that was taken for lost takes nothing, and what a reaper finds
    is a build with its runner. `attempts` is the `max_attempts` that its task has from now on, `memory` what the loop
    used at most, in bytes. Raises LostSeat.
    """
    by = By(f"loop on {host.name}", now, "its turn has come")
    turns.enqueue(session, host, now, 1, by)
    for number in builds.pending_on(session, host, host.queues):
        token = builds.flag_busy(session, number, host, now, by.because("taken"))
        if token:
            return Taken(*_claim(session, number, token, me, host, attempts, memory, now), token)
    return None


def _claim(
    session: Session, number: int, token: str, me: int, host: Host, attempts: int | None, memory: int, now: datetime
) -> tuple[Build, Task]:
    if not runners.beat(session, me, host, memory, now):
        raise LostSeat(host=host.name)
    if attempts:
        its_task = select(Build.task_id).where(Build.id == number).scalar_subquery()
        change(session, Task, Task.id == its_task, max_attempts=attempts)
    session.expire_all()  # the rows have changed since the line was looked at
    return builds.claim(session, number, token, me, host, now)


# a person


def take_ahead(session: Session, recipe: str, host: Host, who: str, now: datetime) -> Flagged:
    """The next task of a recipe that may go, out of turn. Raises NotFound, NoSlot, CannotGo."""
    line.wake(session, now)
    task = line.first(session, host, (), now, Task.recipe == recipe)
    if task is None:
        hint = f"Order one that is built at once: isobuild run-task {recipe} --name NAME"
        raise NotFound(what="task that may go now, of recipe", given=recipe, hint=hint)
    return _go(session, task, host, who, now)


def order_ahead(session: Session, wish: Ordered, known: Sequence[str], host: Host, now: datetime) -> Flagged:
    """Order a task that goes at once, out of turn; else nothing is ordered.

    The same order may be answered already: then there is nothing to build. Raises what `orders.order` does, NoSlot,
    CannotGo.
    """
    (number,) = batch.order_all(session, [wish], known, host.rules, now)
    task = tasks.get(session, number)
    if task.state in {TaskState.PENDING, TaskState.BLOCKED}:
        return _go(session, task, host, wish.order.user, now)
    return Flagged(number)


def _go(session: Session, task: Task, host: Host, who: str, now: datetime) -> Flagged:
    if pause := queues.paused(session).get(task.queue):
        raise CannotGo(name=task.name, why=f"queue {task.queue} is paused: {pause.reason}")
    free = turns.free_slots(session, host)
    if not free:
        raise NoSlot(host=host.name, slots=host.slots)
    by = By(who, now, "out of turn")
    if not turns.open_build(session, task, host, free[0], now, by):
        stands = standing.of(session, [task.id], host, now).get(task.id)
        raise CannotGo(name=task.name, why=(stands and stands.why) or "another was quicker")
    build = session.scalars(select(Build.id).where(Build.open_task == task.id)).one()
    return Flagged(task.id, build, builds.flag_busy(session, build, host, now, by) or "")
