"""The line: which task goes next, and what leaves it by itself."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, literal, select
from sqlalchemy.orm import Session, aliased

from isobuild.domain import ends, fairness, queues
from isobuild.domain.columns import AWAKE, WakeTime
from isobuild.domain.guard import change
from isobuild.domain.history import By
from isobuild.domain.hosts import Host
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Task

FAR = 1000  # places in the line that are looked at
MANY = 200  # tasks that one transaction drops


def wake(session: Session, now: datetime) -> int:
    """Put the tasks whose time has come among those that may go now."""
    asleep = Task.state == TaskState.PENDING, Task.not_before > literal(AWAKE, WakeTime()), Task.not_before <= now
    return change(session, Task, *asleep, not_before=AWAKE)


def drop_late(session: Session, by: By) -> int:
    """Cancel tasks that waited until they were no longer wanted; how many. There may be more: call it until it is 0."""
    return sum(_drop(session, old, by) for old in (TaskState.PENDING, TaskState.BLOCKED))


def _drop(session: Session, old: TaskState, by: By) -> int:
    first = aliased(Task)
    is_built = select(first.id).where(first.id == Task.follows, first.state == TaskState.BUILDING)
    late = select(Task.id, Task.not_after, Task.error).where(Task.state == old, Task.not_after <= by.now)
    if old is TaskState.BLOCKED:
        late = late.where(~is_built.exists())
    dropped = 0
    for number, until, error in session.execute(late.order_by(Task.not_after).limit(MANY)).all():
        why = f"too late: it was wanted until {until:%Y-%m-%d %H:%M:%S} UTC, and was not built by then"
        why += f". Its last attempt: {error}" if error else ""
        dropped += ends.end(session, number, old, TaskState.CANCELED, by.because(why), error=why, cause=None)
    return dropped


def first(
    session: Session, host: Host, full: Collection[str], now: datetime, *also: ColumnElement[bool]
) -> Task | None:
    """The next task that may go: queue by queue, higher priority first, then as they were ordered.

    `full` are the recipes of which no more may be built now: as many tasks of these as stand in front are walked past.
    `also` must hold. Paused queues are left out.
    """
    paused = queues.paused(session)
    for queue in host.queues:
        if queue not in paused:
            ready = [*_ready(queue), *also, *([Task.recipe.not_in(full)] if full else ())]
            found = _fairest(session, ready, now) if host.rules.fair else _oldest(session, ready)
            if found:
                return found
    return None


def _ready(queue: str) -> list[ColumnElement[bool]]:
    return [Task.state == TaskState.PENDING, Task.not_before == AWAKE, Task.queue == queue]


def _oldest(session: Session, ready: Sequence[ColumnElement[bool]]) -> Task | None:
    oldest = select(Task).where(*ready).order_by(Task.rank, Task.created_at, Task.id).limit(1)
    return session.scalar(oldest.execution_options(populate_existing=True))


def _fairest(session: Session, ready: Sequence[ColumnElement[bool]], now: datetime) -> Task | None:
    rank = session.scalar(select(Task.rank).where(*ready).order_by(Task.rank).limit(1))
    return None if rank is None else fairness.next_of(session, ready, rank, now)


# looking


def line_up(session: Session, queues: Sequence[str], fair_at: datetime | None = None) -> dict[int, int]:
    """How many tasks go before each of those that may go now: a look at the first `FAR` of them, however many wait.

    `fair_at` is now, if the site is fair; then whoever is served makes room for the others in what follows.
    """
    found: list[int] = []
    extra: Counter[int] = Counter()
    for queue in queues:  # one at a time: so the index is read in its order
        ready, room = _ready(queue), FAR - len(found)
        if room > 0 and fair_at:
            found += fairness.line_up(session, ready, room, extra, fair_at)
        elif room > 0:
            some = select(Task.id).where(*ready).order_by(Task.rank, Task.created_at, Task.id)
            found += session.scalars(some.limit(room))
    return {number: place for place, number in enumerate(found[:FAR])}
