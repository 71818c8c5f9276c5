"""Tasks: order, eligible, cancel, retry, remove; and what becomes of one when its build has ended."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from isobuild.domain.guard import change, move, rows
from isobuild.domain.states import BuildState, Cause, TaskState
from isobuild.domain.tables import AWAKE, Artifact, Build, Task, User, WakeTime
from isobuild.errors import (
    BadInput,
    CannotCancel,
    CannotRemove,
    CannotRetry,
    InvalidName,
    NameTaken,
    NotFound,
    UnknownQueue,
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)
ALLOWED = "1 to 64 letters, digits and . _ + -, the first a letter or digit"
PRIORITIES = range(-1000, 1001)
FAR = 1000  # places in the line that are counted
LONGEST_DELAY = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a person asks for. `options` are the recipe's, checked by the recipe before."""

    user: str
    name: str
    recipe: str
    options: Mapping[str, Any] = field(default_factory=dict)
    iso: str = ""  # file name; empty: the name with .iso
    queue: str = "default"
    priority: int = 0
    not_before: datetime | None = None
    max_attempts: int = 5
    retry_delay: float = 30.0  # seconds
    time_limit: float = 7200.0  # seconds


def order(session: Session, wish: Order, queues: Sequence[str], now: datetime) -> Task:
    """Add a task.

    Raises InvalidName, NameTaken, UnknownQueue, BadInput; then nothing is added.
    """
    check_name("name", wish.name)
    iso = wish.iso or f"{wish.name}.iso"
    _check_iso(iso)
    if wish.queue not in queues:
        raise UnknownQueue(field="queue", given=wish.queue, allowed=", ".join(queues))
    if wish.priority not in PRIORITIES:
        raise BadInput(field="priority", given=wish.priority, allowed="a whole number from -1000 to 1000")
    user = _user(session, wish.user, now)
    _check_free(session, user, wish.name)
    sleeps = wish.not_before is not None and wish.not_before > now
    task = Task(
        user_id=user.id, name=wish.name, iso=iso, recipe=wish.recipe, options=dict(wish.options), queue=wish.queue,
        rank=-wish.priority, not_before=wish.not_before if sleeps else AWAKE, max_attempts=wish.max_attempts,
        retry_delay=wish.retry_delay, time_limit=wish.time_limit, created_at=now,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(task)
    except IntegrityError:  # somebody else took the name since it was looked up
        _check_free(session, user, wish.name)
        raise
    return task


def check_name(what: str, given: str) -> None:
    """Raise InvalidName unless `given` may be the name of a task, a user, a file."""
    if not given:
        raise InvalidName(field=what, given=given, allowed=f"it is empty; {ALLOWED}")
    if len(given) > 64:
        raise InvalidName(field=what, given=f"{given[:20]}…", allowed=f"it has {len(given)} characters; {ALLOWED}")
    if not NAME.fullmatch(given):
        raise InvalidName(field=what, given=given, allowed=ALLOWED)


def _check_iso(iso: str) -> None:
    stem, dot, suffix = iso.rpartition(".")
    if not dot or suffix != "iso":
        raise InvalidName(field="iso", given=iso[:80], allowed=f"a file name that ends in .iso; before it {ALLOWED}")
    check_name("iso", stem)


def _check_free(session: Session, user: User, name: str) -> None:
    taken = session.scalar(select(Task.id).where(Task.user_id == user.id, Task.name == name))
    if taken is not None:
        raise NameTaken(field="name", given=name, task=taken)


def _user(session: Session, name: str, now: datetime) -> User:
    check_name("user", name)
    known = select(User).where(User.name == name)
    user = session.scalar(known)
    if user is None:
        try:
            with session.begin_nested():
                session.add(user := User(name=name, created_at=now))
        except IntegrityError:  # two first orders of one user
            user = session.scalars(known).one()
    return user


def get(session: Session, number: int) -> Task:
    """The task; raises NotFound."""
    task = session.get(Task, number)
    if task is None:
        raise NotFound(what="task", given=number, hint="'isobuild tasks' lists them.")
    return task


def any_left(session: Session) -> bool:
    """Whether any task waits or is being built."""
    states = (TaskState.BUILDING, TaskState.PENDING, TaskState.BLOCKED)
    return any(session.scalar(select(Task.id).where(Task.state == state).limit(1)) for state in states)


def oldest(session: Session) -> int | None:
    """The number of the first task there is."""
    return session.scalar(select(func.min(Task.id)))


# rule 1


def wake(session: Session, now: datetime) -> int:
    """Put the tasks whose time has come among those that may go now."""
    asleep = Task.state == TaskState.PENDING, Task.not_before > literal(AWAKE, WakeTime()), Task.not_before <= now
    return change(session, Task, *asleep, not_before=AWAKE)


def eligible(session: Session, queues: Sequence[str], limit: int) -> list[Task]:
    """The next tasks that may go: queue by queue, higher priority first, then as they were ordered."""
    return _walk(session, queues, limit, Task)


def _walk(session: Session, queues: Sequence[str], limit: int, what: Any) -> list[Any]:
    found: list[Any] = []
    for queue in queues:  # one at a time: so the index is read in its order
        if len(found) == limit:
            break
        ready = Task.state == TaskState.PENDING, Task.not_before == AWAKE, Task.queue == queue
        first = select(what).where(*ready).order_by(Task.rank, Task.created_at, Task.id).limit(limit - len(found))
        found += session.scalars(first)
    return found


def line_up(session: Session, queues: Sequence[str]) -> dict[int, int]:
    """How many tasks go before each of those that may go now: a look at the first `FAR` of them, however many wait."""
    return {number: place for place, number in enumerate(_walk(session, queues, FAR, Task.id))}


# a person


def cancel(session: Session, number: int, now: datetime) -> TaskState:
    """A person said no: a waiting task is canceled at once; of a running build its runner is asked to stop.

    Returns the state in which the task is left (`building` while the runner stops). Raises NotFound, CannotCancel.
    """
    task = get(session, number)
    for old in (TaskState.PENDING, TaskState.BLOCKED):
        if move(session, Task, number, old, TaskState.CANCELED, finished_at=now, error=None, cause=None):
            return TaskState.CANCELED
    open_build = session.scalar(select(Build).where(Build.open_task == number))
    if open_build is None:
        raise CannotCancel(task=number, state=task.state)
    ended = move(
        session, Build, open_build.id, BuildState.PENDING, BuildState.CANCELED,
        finished_at=now, open_task=None, open_slot=None,
    )  # fmt: skip
    if ended:
        move(session, Task, number, TaskState.BUILDING, TaskState.CANCELED, finished_at=now, error=None, cause=None)
        return TaskState.CANCELED
    if change(session, Build, Build.id == open_build.id, Build.state == BuildState.RUNNING, stop="cancel"):
        return TaskState.BUILDING
    session.expire_all()  # it ended, or was launched, while we looked
    return cancel(session, number, now)


def retry(session: Session, number: int) -> None:
    """Let a task that failed, was canceled or has expired be built again, with all its attempts.

    Raises NotFound, CannotRetry.
    """
    task = get(session, number)
    fresh = {"attempts": 0, "not_before": AWAKE, "cause": None, "error": None, "finished_at": None}
    retriable = (TaskState.FAILED, TaskState.CANCELED, TaskState.EXPIRED)
    if not any(move(session, Task, number, old, TaskState.PENDING, **fresh) for old in retriable):
        raise CannotRetry(task=number, state=task.state)


def remove(session: Session, number: int) -> None:
    """Forget a task and its builds. Raises NotFound, CannotRemove while it has an open build."""
    get(session, number)
    idle = delete(Task).where(Task.id == number, Task.state != TaskState.BUILDING)  # its builds go with it
    if not rows(session.execute(idle)):
        raise CannotRemove(task=number, build=session.scalar(select(Build.id).where(Build.open_task == number)))


# what its build's end makes of it


def settle(
    session: Session, number: int, end: BuildState, cause: Cause | None, error: str | None, now: datetime
) -> None:
    """The task of a build that has just ended in `end`: ready, canceled, failed, or waiting to be tried again."""
    done: dict[str, Any] = {"finished_at": now, "cause": cause, "error": error}
    if end is BuildState.SUCCEEDED:
        move(session, Task, number, TaskState.BUILDING, TaskState.READY, attempts=0, **done)
    elif end is BuildState.CANCELED:
        move(session, Task, number, TaskState.BUILDING, TaskState.CANCELED, **done)
    else:
        task = get(session, number)
        failed = task.attempts + 1
        if cause is Cause.REQUEST or failed >= task.max_attempts:
            move(session, Task, number, TaskState.BUILDING, TaskState.FAILED, attempts=failed, **done)
        else:
            done |= {"finished_at": None, "not_before": now + delay(failed, task.retry_delay)}
            move(session, Task, number, TaskState.BUILDING, TaskState.PENDING, attempts=failed, **done)


def delay(failed: int, first: float) -> timedelta:
    """The wait after the `failed`th failure: `first` seconds, doubled each time, an hour at most (or `first`)."""
    longest = max(LONGEST_DELAY, timedelta(seconds=first))
    return min(timedelta(seconds=first * 2.0 ** min(failed - 1, 30)), longest)


def expire(session: Session, ended_before: datetime) -> int:
    """Ready tasks older than that keep their record, but no longer their ISO."""
    old = select(Artifact.task_id).where(Artifact.created_at < ended_before)  # which only ready ones have
    numbers = session.scalars(old).all()
    expired = [number for number in numbers if move(session, Task, number, TaskState.READY, TaskState.EXPIRED)]
    session.execute(delete(Artifact).where(Artifact.task_id.in_(expired)))
    return len(expired)
