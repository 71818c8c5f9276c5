"""Newer versions of what ready ISOs have, as they were found: `count` of them, `security` among these, and `packages`,
each with its `name`, `old` and `new` version and whether it is for `security`; `why` says what could not be told.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain import tasks
from isobuild.domain.guard import change
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Artifact, Task

MANY = 200  # tasks that are looked at in one transaction
ROOM = 60_000  # bytes of what is kept of a task: MariaDB's texts have 64 KiB
Updates = Mapping[str, Any]
UNKNOWN: Updates = {"count": 0, "security": 0, "packages": []}


@dataclass(frozen=True, slots=True)
class Listed:
    """A ready task, and where its manifest is in the store: the build, and the file."""

    task: int
    recipe: str
    options: Mapping[str, Any]
    manifest: tuple[int, str]


def due(session: Session, after: int, before: datetime, owned: Collection[int]) -> tuple[list[Listed], int | None]:
    """Of a portion of the ready tasks after this one, those that were not looked at since `before`, and whose manifest
    is in a folder of these builds; and the last of the portion, None if there was none.
    """
    chosen = (
        select(Task.id, Task.recipe, Task.options, Task.updates_at, Artifact.build_id, Artifact.file)
        .join(Artifact, Artifact.task_id == Task.id)
        .where(Task.id > after, Task.state == TaskState.READY, Artifact.kind == "manifest")
        .order_by(Task.id)
    )
    rows = session.execute(chosen.limit(MANY)).all()
    found = [
        Listed(number, recipe, options, (build, file))
        for number, recipe, options, at, build, file in rows
        if build in owned and (at is None or at < before)
    ]
    return found, rows[-1][0] if rows else None


def stale(session: Session) -> list[int]:
    """The ready tasks that have updates, the newest first."""
    told = Task.state == TaskState.READY, Task.updates_at.is_not(None)
    rows = session.execute(select(Task.id, Task.updates).where(*told).order_by(Task.id.desc()))
    return [number for number, updates in rows if updates and updates["count"]]


def note(
    session: Session, number: int, found: Sequence[Mapping[str, Any]], now: datetime, why: str | None = None
) -> bool:
    """Keep what was found for a task, those for security first, and why that is not all; whether it is ready still."""
    packages = sorted(found, key=lambda each: (not each["security"], each["name"]))
    facts = {"count": len(packages), "security": sum(each["security"] for each in packages), "why": why}
    while len(json.dumps(packages)) > ROOM:
        packages = packages[: len(packages) * 3 // 4]
    return _keep(session, number, facts | {"packages": packages}, now)


def complain(session: Session, number: int, why: str, now: datetime) -> bool:
    """Keep why nothing could be found; what was found before stays."""
    before = session.scalar(select(Task.updates).where(Task.id == number)) or UNKNOWN
    return _keep(session, number, {**before, "why": why}, now)


def _keep(session: Session, number: int, facts: Updates, now: datetime) -> bool:
    ready = Task.id == number, Task.state == TaskState.READY
    return bool(change(session, Task, *ready, updates=facts, updates_at=now))


def show(session: Session, number: int) -> dict[str, Any] | None:
    """Those of a task, each package of them; None if nobody has looked, or it is not ready. Raises NotFound."""
    task = tasks.get(session, number)
    if task.state is not TaskState.READY or task.updates is None or task.updates_at is None:
        return None
    return {**task.updates, "at": task.updates_at.isoformat().replace("+00:00", "Z")}


def words(updates: Updates) -> str:
    """What was found, and what could not be told; empty if there are none."""
    return "; ".join(each for each in (mark(updates), updates["why"]) if each)


def mark(updates: Updates | None) -> str:
    """The words that people see beside `ready`; empty if there are none."""
    if not updates or not updates["count"]:
        return ""
    counted = f"{updates['count']} update{'s' if updates['count'] > 1 else ''}"
    return f"{counted}, {updates['security']} for security" if updates["security"] else counted
