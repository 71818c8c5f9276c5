"""Signals: that a task is ready, or has failed, waits here until the site's hooks were told."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain.guard import change
from isobuild.domain.tables import Task

MATTERS = timedelta(days=1)  # so long; hooks that are added later are not told what was before
MANY = 100


def due(session: Session, now: datetime) -> list[tuple[int, str]]:
    """The tasks whose end is still to be told, the oldest first, and which end that is: "ready" or "failed"."""
    lately = Task.signal.in_(["ready", "failed"]), Task.finished_at > now - MATTERS
    waiting = select(Task.id, Task.signal).where(*lately).order_by(Task.id).limit(MANY)
    return [(number, signal) for number, signal in session.execute(waiting) if signal]


def forget(session: Session, now: datetime) -> None:
    """Let a portion go of what matters no longer: there was no hook that was to be told."""
    late = Task.signal.is_not(None), Task.finished_at <= now - MATTERS
    if old := session.scalars(select(Task.id).where(*late).limit(MANY)).all():
        change(session, Task, Task.id.in_(old), *late, signal=None)


def told(session: Session, number: int, signal: str) -> None:
    """Note that it was told."""
    change(session, Task, Task.id == number, Task.signal == signal, signal=None)
