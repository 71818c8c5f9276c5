"""Queues that are paused: nothing goes from them, and people see why."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from isobuild.domain import history
from isobuild.domain.columns import AWAKE
from isobuild.domain.guard import change, rows
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Pause, Task
from isobuild.errors import BadInput, NotPaused, UnknownQueue

MANY = 1000  # tasks of a queue that are counted


class Queue(NamedTuple):
    """A queue: how many tasks in it may go now (MANY for that many or more), and why it is paused, if it is."""

    name: str
    waiting: int
    pause: Pause | None


def look(session: Session, known: Sequence[str]) -> list[Queue]:
    """The queues in their order; after them, paused ones that the settings no longer name."""
    held = paused(session)
    names = [*known, *sorted(held.keys() - set(known))]
    return [Queue(name, _waiting(session, name), held.get(name)) for name in names]


def _waiting(session: Session, queue: str) -> int:
    ready = Task.state == TaskState.PENDING, Task.not_before == AWAKE, Task.queue == queue
    some = select(Task.id).where(*ready).limit(MANY).subquery()
    return session.scalars(select(func.count()).select_from(some)).one()


def paused(session: Session) -> dict[str, Pause]:
    """The paused queues by their names."""
    return {pause.queue: pause for pause in session.scalars(select(Pause))}


def check(queue: str, known: Sequence[str]) -> None:
    """Raise UnknownQueue if it is none of these."""
    if queue not in known:
        raise UnknownQueue(field="queue", given=queue, allowed=", ".join(known))


def pause(session: Session, queue: str, reason: str, known: Sequence[str], who: str, now: datetime) -> None:
    """Let nothing go from a queue until it is resumed; a second pause gives it another reason.

    Builds in hand go on. Raises UnknownQueue, and BadInput without a reason.
    """
    check(queue, known)
    if not reason.strip():
        raise BadInput(field="reason", given=reason, allowed="why, in a few words: whoever waits will read them")
    facts = {"at": now, "who": who[:80], "reason": history.reason(reason)}
    if change(session, Pause, Pause.queue == queue, **facts):
        return
    try:
        with session.begin_nested():
            session.add(Pause(queue=queue, **facts))
    except IntegrityError:  # somebody else paused it at the same moment
        change(session, Pause, Pause.queue == queue, **facts)


def resume(session: Session, queue: str, known: Sequence[str]) -> None:
    """Let tasks go from a queue again, even from one that is no more. Raises UnknownQueue, NotPaused."""
    paused = delete(Pause).where(Pause.queue == queue)
    if not queue.isprintable() or not rows(session.execute(paused)):  # no database could hold such a name
        check(queue, known)
        raise NotPaused(queue=queue)
