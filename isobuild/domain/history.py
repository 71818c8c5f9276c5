"""Every change of state of tasks and builds: from, to, when, by whom, and why."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import insert, literal, select
from sqlalchemy.orm import Session

from isobuild.domain.tables import LONGEST_REASON, Build, Event, Task

LONGEST = 4000  # characters of a text that any program may have said
WHO = 80
REMOVED = "removed"  # where the history of a task ends that is no more


@dataclass(frozen=True)
class By:
    """Who changes something, when (UTC), and why."""

    who: str
    now: datetime
    why: str | None = None

    def because(self, why: str | None) -> "By":
        """The same with a reason."""
        return replace(self, why=why)


def write(session: Session, row: type[Task] | type[Build], number: int, old: str | None, new: str, by: By) -> None:
    """Note that a row came from `old` (None: from nothing) to `new`."""
    facts = {"at": by.now, "who": by.who[:WHO], "old": old, "new": new, "why": by.why and clean(by.why)}
    if row is Task:
        session.execute(insert(Event).values(task_id=number, build_id=None, **facts))
        return
    values = (literal(value, getattr(Event, name).type) for name, value in facts.items())
    its_task = select(Build.task_id, Build.id, *values).where(Build.id == number)
    session.execute(insert(Event).from_select(["task_id", "build_id", *facts], its_task))


def clean(text: str) -> str:
    """What any program may have said, as every database takes it: no NUL, no lone surrogates, not too long."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")[:LONGEST]


def reason(given: str) -> str:
    """Why a person pauses something, as its column takes it."""
    return clean(given.strip())[:LONGEST_REASON]


def of(session: Session, task: int) -> list[Event]:
    """The history of a task and its builds, in its order; of a removed one too, until that is pruned."""
    return list(session.scalars(select(Event).where(Event.task_id == task).order_by(Event.id)))
