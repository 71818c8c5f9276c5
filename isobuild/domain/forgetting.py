"""Rows that are kept no longer: tasks that ended long ago and have no ISO, their builds, and what is only history."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Text, delete, exists, func, insert, or_, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from isobuild.domain import history
from isobuild.domain.guard import change, rows
from isobuild.domain.history import By
from isobuild.domain.pruning import SOME
from isobuild.domain.states import WITHOUT_ISO, TaskState
from isobuild.domain.tables import Build, Dependency, Event, Fire, Runner, Schedule, Task

NOTES = 2000  # rows of history in one transaction
AGAIN = timedelta(days=1)
NAMING = (Task.options, Schedule.wish)  # where uploads are named


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The numbers of what went."""

    tasks: Sequence[int] = ()
    builds: Sequence[int] = ()


# tasks


def old(ended_before: datetime) -> list[Select[int]]:
    """The tasks that have no ISO, or none any more, since before that. Pinned ones are kept."""
    ended = select(Task.id).where(Task.state.in_(WITHOUT_ISO), ~Task.pinned)
    return [
        ended.where(Task.expires_at < ended_before),
        ended.where(Task.expires_at.is_(None), Task.finished_at < ended_before),
    ]


def forget(session: Session, ended_before: datetime, by: By) -> Forgotten:
    """Forget a portion of them, and their builds; the history stays."""
    found: list[int] = []
    for chosen in old(ended_before):
        found += session.scalars(chosen.limit(SOME - len(found)))
    return drop(session, found, ended_before + AGAIN, by)


def drop(session: Session, tasks: Collection[int], again: datetime, by: By) -> Forgotten:
    """Forget these tasks, if they have ended and are not pinned.

    What others depend on stays as long as they do: when one of them is tried again, it must still know what it needs.
    It is old `again` later, or each tick would find it first.
    """
    if not tasks:
        return Forgotten()
    held = select(Task.id, Task.state).where(Task.id.in_(tasks), Task.state.in_(WITHOUT_ISO), ~Task.pinned)
    ended = {task.id: task.state for task in session.execute(held.order_by(Task.id).with_for_update())}
    edges = select(Dependency.on_id, Dependency.task_id).where(Dependency.on_id.in_(ended))
    stay = needed([(edge.on_id, edge.task_id) for edge in session.execute(edges)], ended)
    change(session, Task, Task.id.in_(stay), expires_at=again)
    return _drop(session, {number: state for number, state in ended.items() if number not in stay}, by)


def needed(edges: Collection[tuple[int, int]], going: Collection[int]) -> set[int]:
    """Those of the tasks that others depend on which stay; an edge is a task, and one that depends on it."""
    stay: set[int] = set()
    while more := {on for on, task in edges if on in going and (task in stay or task not in going)} - stay:
        stay |= more
    return stay


def _drop(session: Session, ended: dict[int, TaskState], by: By) -> Forgotten:
    if not ended:
        return Forgotten()
    builds = session.scalars(select(Build.id).where(Build.task_id.in_(ended))).all()
    session.execute(delete(Task).where(Task.id.in_(ended)))  # their builds go with them
    last = {"build_id": None, "at": by.now, "who": by.who, "new": history.REMOVED, "why": "it ended long ago"}
    session.execute(insert(Event), [last | {"task_id": number, "old": state} for number, state in ended.items()])
    return Forgotten(list(ended), builds)


# history


def history_of(before: datetime) -> list[tuple[type[Event] | type[Runner] | type[Fire], Select[int]]]:
    """Changes of state before that, runners that ended, moments of schedules; the last one of each schedule stays."""
    newer = aliased(Fire)
    followed = exists().where(newer.schedule_id == Fire.schedule_id, newer.at > Fire.at)
    return [
        (Event, select(Event.id).where(Event.at < before)),
        (Runner, select(Runner.id).where(Runner.finished_at < before)),
        (Fire, select(Fire.id).where(Fire.at < before, Fire.fired_at < before, followed)),
    ]


def forget_history(session: Session, before: datetime) -> int:
    """Forget a portion of these; how many."""
    gone = 0
    for table, chosen in history_of(before):
        numbers = session.scalars(chosen.limit(NOTES - gone)).all()
        if table is Fire:
            _remember(session, numbers)
        gone += rows(session.execute(delete(table).where(table.id.in_(numbers)))) if numbers else 0
    return gone


def _remember(session: Session, fires: Sequence[int]) -> None:
    """These don't fire again, not even for a clock that was far ahead and goes back."""
    last = select(Fire.schedule_id, func.max(Fire.at)).where(Fire.id.in_(fires)).group_by(Fire.schedule_id)
    for schedule, at in session.execute(last).all():
        change(session, Schedule, Schedule.id == schedule, Schedule.since < at, since=at)


# uploads


def unnamed(session: Session, uploads: Collection[str]) -> set[str]:
    """Those of the uploads that no task and no schedule names."""
    return {upload for upload in uploads if not any(_names(session, column, upload) for column in NAMING)}


def _names(session: Session, column: InstrumentedAttribute[dict[str, Any]], upload: str) -> bool:
    found = select(column.class_.id).where(type_coerce(column, Text).contains(upload, autoescape=True)).limit(1)
    return session.scalar(found) is not None


# logs


def turn(session: Session, count: int, now: datetime) -> range:
    """The numbers of the builds whose logs are looked at in this minute: `count` of them, each minute others."""
    newest = session.scalar(select(func.max(Build.id))) or 0
    turns = (newest + count // 2) // count + 1  # some numbers more: of builds that are no more
    first = int(now.timestamp()) // 60 % turns * count
    return range(first, first + count)


def silent(session: Session, numbers: Collection[int], ended_before: datetime | None) -> set[int]:
    """Those of the builds whose logs are kept no longer: they ended before that, or are no more."""
    kept = select(Build.id).where(Build.id.between(min(numbers), max(numbers)))
    if ended_before:
        kept = kept.where(or_(Build.finished_at.is_(None), Build.finished_at >= ended_before))
    return set(numbers) - set(session.scalars(kept))
