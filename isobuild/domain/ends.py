"""How a task comes to its end, and what that means to those that wait for it."""

from collections import deque
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from isobuild.domain import dependencies, executions, pruning, sharing
from isobuild.domain.guard import move
from isobuild.domain.history import By
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Task

SIGNALS = {TaskState.READY: "ready", TaskState.FAILED: "failed"}


def end(
    session: Session,
    number: int,
    old: TaskState,
    new: TaskState,
    by: By,
    *also: ColumnElement[bool],
    **values: Any,
) -> bool:
    """Take a task from `old` to its end `new`, if it still is `old`; whether it was.

    Whoever waits for it goes on, fails with it, or has the same ISO; and so on with those that wait for these.
    """
    if not _move(session, number, old, new, by, *also, **values):
        return False
    tell(session, number, new, by)
    return True


def tell(session: Session, number: int, state: TaskState, by: By) -> None:
    """Let those that wait for a task, which has just come to `state`, do what that makes them do."""
    ended = deque([(number, state)])
    while ended:
        one, became = ended.popleft()
        if became is TaskState.READY:
            executions.record(session, one, by.now)
        for fate in (*dependencies.tell(session, one, became, by), *sharing.tell(session, one, became, by)):
            why = by.because(fate.why)
            if _move(session, fate.task, TaskState.BLOCKED, fate.state, why, cause=fate.cause, error=fate.error):
                ended.append((fate.task, fate.state))
                if fate.state is TaskState.READY:
                    sharing.copy(session, one, session.get_one(Task, fate.task), by.now)


def _move(
    session: Session, number: int, old: TaskState, new: TaskState, by: By, *also: ColumnElement[bool], **values: Any
) -> bool:
    left = {"finished_at": by.now, "open_key": None, "follows": None, "signal": SIGNALS.get(new)}
    if new is TaskState.READY:
        ttl = session.scalar(select(Task.ttl).where(Task.id == number))
        values["expires_at"] = pruning.expires_at(ttl, by.now)
    return move(session, Task, number, old, new, by, *also, **left, **values)
