"""Tasks: what a person does with one, and what becomes of it when its build has ended."""

import random
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from isobuild.domain import dependencies, ends, history, orders
from isobuild.domain.columns import AWAKE
from isobuild.domain.guard import change, move
from isobuild.domain.history import By
from isobuild.domain.numbers import LARGEST
from isobuild.domain.states import OPEN, WITHOUT_ISO, BuildState, Cause, TaskState
from isobuild.domain.tables import Build, Task
from isobuild.errors import CannotCancel, CannotRelease, CannotRemove, CannotRetry, IsNeeded, NotFound

LONGEST_DELAY = timedelta(hours=1)
SPREAD = 0.25  # of a delay, at most, is added to it or taken away
MANY = 200  # tasks that one transaction cancels
#: what an open build holds
CLOSED: Mapping[str, None] = {"open_task": None, "open_slot": None, "open_limit": None}


def get(session: Session, number: int) -> Task:
    """The task; raises NotFound."""
    task = session.get(Task, number) if number <= LARGEST else None
    if task is None:
        raise NotFound(what="task", given=number, hint="'isobuild tasks' lists them.")
    return task


def any_left(session: Session, queues: Collection[str] | None = None) -> bool:
    """Whether any task waits or is being built; of these queues, if some are named."""
    chosen = select(Task.id) if queues is None else select(Task.id).where(Task.queue.in_(queues))
    return any(session.scalar(chosen.where(Task.state == state).limit(1)) for state in OPEN)


def oldest(session: Session) -> int | None:
    """The number of the first task there is."""
    return session.scalar(select(func.min(Task.id)))


# a person


def cancel(session: Session, number: int, who: str, now: datetime) -> TaskState:
    """A person said no: a waiting task is canceled at once; of a running build its runner is asked to stop.

    Returns the state in which the task is left (`building` while the runner stops). Raises NotFound, CannotCancel.
    """
    get(session, number)
    by = By(who, now, "canceled by a person")
    if _cancel_waiting(session, number, by):
        return TaskState.CANCELED
    open_build = _open_build(session, number)
    if open_build is None:
        session.expire_all()
        if (state := get(session, number).state) not in OPEN:
            raise CannotCancel(task=number, state=state)
    elif _close_pending(session, open_build, by):
        ends.end(session, number, TaskState.BUILDING, TaskState.CANCELED, by, error=None, cause=None)
        return TaskState.CANCELED
    elif change(session, Build, Build.id == open_build.id, Build.state == BuildState.RUNNING, stop="cancel"):
        return TaskState.BUILDING
    session.expire_all()  # it ended, or was launched, while we looked
    return cancel(session, number, who, now)


def waiting(session: Session, recipe: str, queue: str | None) -> list[int]:
    """What waits of a recipe, in one queue or in all. The newest first: who waits for another comes before that."""
    of_it = select(Task.id).where(Task.state.in_([TaskState.PENDING, TaskState.BLOCKED]), Task.recipe == recipe)
    return list(session.scalars((of_it.where(Task.queue == queue) if queue else of_it).order_by(Task.id.desc())))


def cancel_waiting(session: Session, numbers: Iterable[int], who: str, now: datetime) -> list[int]:
    """A person said no to these, `MANY` of them at most, as far as they wait still; those that did."""
    by = By(who, now, "canceled by a person")
    return [number for number in numbers if _cancel_waiting(session, number, by)]


def _cancel_waiting(session: Session, number: int, by: By) -> bool:
    return any(
        ends.end(session, number, old, TaskState.CANCELED, by, error=None, cause=None)
        for old in (TaskState.BLOCKED, TaskState.PENDING)  # in this order a task comes to them
    )


def release(session: Session, number: int, not_before: datetime | None, who: str, now: datetime) -> TaskState:
    """Give a build in hand back: its task waits for its turn again, or until `not_before`; no attempt is lost.

    Returns the state in which the task is left (`building` while the runner stops). Raises BadInput, NotFound,
    CannotRelease.
    """
    orders.check_moment("not_before", not_before, now)
    task = get(session, number)
    open_build = _open_build(session, number)
    if open_build is None or open_build.stop:
        raise CannotRelease(task=number, state="being stopped" if open_build else task.state)
    by = By(who, now, "released by a person")
    wake = {"not_before": not_before if not_before and not_before > now else AWAKE}
    if _close_pending(session, open_build, by):
        move(session, Task, number, TaskState.BUILDING, TaskState.PENDING, by, **wake)
        return TaskState.PENDING
    asked = Build.id == open_build.id, Build.state == BuildState.RUNNING, Build.stop.is_(None)
    if change(session, Build, *asked, stop="release"):
        change(session, Task, Task.id == number, Task.state == TaskState.BUILDING, **wake)
        return TaskState.BUILDING
    session.expire_all()
    return release(session, number, not_before, who, now)


def _open_build(session: Session, task: int) -> Build | None:
    return session.scalar(select(Build).where(Build.open_task == task))


def _close_pending(session: Session, build: Build, by: By) -> bool:
    closed = {"error": by.why, "finished_at": by.now, **CLOSED}
    return move(session, Build, build.id, BuildState.PENDING, BuildState.CANCELED, by, **closed)


def retry(session: Session, number: int, who: str, now: datetime) -> None:
    """Let a task that failed, was canceled or has expired be built again, with all its attempts.

    It waits for those of its dependencies that are not ready. Raises NotFound, CannotRetry, Overlaps.
    """
    task = get(session, number)
    if task.without_overlapping and task.state not in OPEN:
        orders.check_alone(session, task.key)
    waits = dependencies.recount(session, number)
    fresh: dict[str, Any] = dict.fromkeys(("not_after", "cause", "error", "finished_at", "signal", "expires_at"))
    fresh |= {"attempts": 0, "not_before": AWAKE, "promised_from": None, "promised_until": None}
    fresh |= {"updates": None, "updates_at": None}
    fresh |= {"waits": waits, "open_key": task.key if task.without_overlapping else None}
    new = TaskState.BLOCKED if waits else TaskState.PENDING
    by = By(who, now, "retried by a person")
    try:
        with session.begin_nested():
            moved = any(move(session, Task, number, old, new, by, **fresh) for old in WITHOUT_ISO)
    except IntegrityError:
        orders.check_alone(session, task.key)
        raise
    if not moved:
        raise CannotRetry(task=number, state=task.state)


def pin(session: Session, number: int, pinned: bool) -> None:
    """Keep a task and its ISO whatever is pruned, or no longer. Raises NotFound."""
    get(session, number)
    change(session, Task, Task.id == number, pinned=pinned)


def remove(session: Session, number: int, who: str, now: datetime) -> None:
    """Forget a task and its builds; the history stays. Raises NotFound, CannotRemove while it has an open build,
    IsNeeded while another depends on it and is not ready: tried again, that would not know what it needs.
    """
    get(session, number)
    session.execute(select(Task.id).where(Task.id == number).with_for_update())  # as whoever orders what depends on it
    if needed := dependencies.needed_by(session, number):
        raise IsNeeded(task=number, others=", ".join(map(str, needed[:10])))
    for old in (TaskState.PENDING, TaskState.BLOCKED):  # those that follow it must know
        ends.end(session, number, old, TaskState.CANCELED, By(who, now, "removed"))
    state = session.scalar(select(Task.state).where(Task.id == number).with_for_update())
    if state is TaskState.BUILDING:
        build = session.scalar(select(Build.id).where(Build.open_task == number))
        raise CannotRemove(task=number, build=build, state=state)
    if state is not None:  # somebody else removed it at the same moment
        session.execute(delete(Task).where(Task.id == number))  # its builds go with it
        history.write(session, Task, number, state, history.REMOVED, By(who, now, "removed by a person"))


# what its build's end makes of it


def settle(
    session: Session, number: int, end: BuildState, cause: Cause | None, error: str | None, by: By, again: bool = False
) -> None:
    """The task of a build that has just ended in `end`: ready, canceled, failed, or waiting to be tried again.

    `again`: the build was given back, so that the task goes on waiting, from `not_before` on.
    """
    done: dict[str, Any] = {"cause": cause, "error": error}
    if end is BuildState.SUCCEEDED:
        ends.end(session, number, TaskState.BUILDING, TaskState.READY, by, attempts=0, **done)
    elif end is BuildState.CANCELED and again:
        move(session, Task, number, TaskState.BUILDING, TaskState.PENDING, by, **done)
    elif end is BuildState.CANCELED:
        ends.end(session, number, TaskState.BUILDING, TaskState.CANCELED, by, **done)
    else:
        _fail(session, get(session, number), by, **done)


def _fail(session: Session, task: Task, by: By, **done: Any) -> None:
    failed = task.attempts + 1
    if done["cause"] is Cause.REQUEST or failed >= task.max_attempts:
        ends.end(session, task.id, TaskState.BUILDING, TaskState.FAILED, by, attempts=failed, **done)
    else:
        later = by.now + delay(failed, task.retry_delay, spread(task.id, failed))
        move(
            session, Task, task.id, TaskState.BUILDING, TaskState.PENDING, by, attempts=failed, not_before=later, **done
        )


def delay(failed: int, first: float, spread: float = 0.0) -> timedelta:
    """The wait after the `failed`th failure: `first` seconds, doubled each time, an hour at most (or `first`).

    `spread`, from -1 to 1, makes it up to a quarter shorter or longer.
    """
    longest = max(LONGEST_DELAY, timedelta(seconds=first))
    return min(timedelta(seconds=first * 2.0 ** min(failed - 1, 30)), longest) * (1 + SPREAD * spread)


def spread(task: int, failed: int) -> float:
    """From -1 to 1, by chance but the same each time: tasks that failed together do not come back together."""
    return random.Random(f"{task}/{failed}").uniform(-1, 1)  # noqa: S311 (spread, not secret)
