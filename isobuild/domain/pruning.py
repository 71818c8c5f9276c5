"""ISOs that are kept no longer: their time is over, or their room is needed. Their tasks keep their record.

Never goes what is pinned, nor what an open task depends on.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, delete, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from isobuild.domain import signals
from isobuild.domain.guard import move
from isobuild.domain.history import By
from isobuild.domain.states import OPEN, TaskState
from isobuild.domain.tables import Artifact, Build, Dependency, Event, Task

SOME = 100  # tasks in one transaction
OVER = "the time of its ISO is over"
NEEDED = "the room of its ISO was needed"
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Keep:
    """How long a site keeps what has come to its end; None: for good."""

    isos: timedelta | None = None  # of tasks that were ordered without a ttl
    rows: timedelta | None = None  # of tasks without an ISO, and their builds
    logs: timedelta | None = None
    uploads: timedelta | None = None  # that no task names
    history: timedelta | None = None  # and fires, and runners
    room: int = 0  # bytes that must stay free where ISOs are
    told: bool = False  # whether there are hooks, which want an ISO to be there when they are told of it


def expires_at(ttl: float | None, ended: datetime) -> datetime | None:
    """When the ISO of a task that ended then goes; None: as the site says."""
    if ttl is None:
        return None
    return FOREVER if ttl < 0 else ended + timedelta(seconds=ttl)


# past its time


def past(ended_before: datetime | None, now: datetime, told: bool = False) -> list[Select[int]]:
    """The tasks whose ISO is past its time: by its own ttl, or, without one, of those that ended before that."""
    may_go = [Task.state == TaskState.READY, ~Task.pinned, ~_needed()]
    if told:
        may_go.append(~_untold(now))
    chosen = [select(Task.id).where(*may_go, Task.expires_at <= now)]
    if ended_before:
        chosen.append(select(Task.id).where(*may_go, Task.expires_at.is_(None), Task.finished_at < ended_before))
    return chosen


def expire(session: Session, ended_before: datetime | None, by: By, told: bool = False) -> dict[int, int]:
    """Let a portion of these ISOs go: the tasks, each with the build that made its files."""
    found: list[int] = []
    for chosen in past(ended_before, by.now, told):
        found += session.scalars(chosen.limit(SOME - len(found)))
    return take(session, found, by.because(OVER))


# room


def oldest(host: str, now: datetime, told: bool = False) -> Select[int, int]:
    """The builds of a host whose files may go to make room, and how many bytes they have, the oldest first.

    What several tasks share is as old as the last of them, and stays for each of them that must keep its ISO.
    """
    stays = or_(Task.pinned, Task.expires_at >= FOREVER, _needed(), *([_untold(now)] if told else ()))
    ended = func.max(Task.finished_at)
    size = func.sum(Artifact.size) // func.count(Artifact.task_id.distinct())
    files = select(Artifact.build_id, size).join(Task, Task.id == Artifact.task_id)
    files = files.outerjoin(Build, Build.id == Artifact.build_id).where(func.coalesce(Build.host, host) == host)
    kept = func.max(case((stays, 1), else_=0)) == 0
    return files.group_by(Artifact.build_id).having(kept).order_by(ended, Artifact.build_id)


def made_room(session: Session, since: datetime, by: By) -> bool:
    """Whether the same one has let ISOs go for their room since then."""
    went = select(Event.id).where(Event.at > since, Event.at <= by.now, Event.who == by.who, Event.why == NEEDED)
    return session.scalar(went.limit(1)) is not None


def make_room(
    session: Session, host: str, here: Collection[int], size: int, by: By, told: bool = False
) -> dict[int, int]:
    """Let the oldest ISOs go until that many bytes are free, or a portion of them.

    `here` are the builds whose files are on this host.
    """
    chosen: list[int] = []
    for build, its_size in session.execute(oldest(host, by.now, told).limit(SOME)):
        if size <= 0:
            break
        if build in here:
            chosen.append(build)
            size -= int(its_size)
    tasks = session.scalars(select(Artifact.task_id).where(Artifact.build_id.in_(chosen)).distinct()).all()
    return take(session, tasks, by.because(NEEDED))


def take(session: Session, tasks: Collection[int], by: By) -> dict[int, int]:
    """Take the ISOs of ready tasks away that may go; the tasks that have none now, and the builds that had made it."""
    if not tasks:
        return {}
    # Held first, and asked after that who needs them: whoever orders something that depends on one holds it too
    held = select(Task.id).where(Task.id.in_(tasks)).order_by(Task.id).with_for_update()
    numbers = session.scalars(held).all()
    going = session.scalars(select(Task.id).where(Task.id.in_(numbers), ~_needed()).order_by(Task.id)).all()
    gone = [
        number
        for number in going
        if move(session, Task, number, TaskState.READY, TaskState.EXPIRED, by, ~Task.pinned, expires_at=by.now)
    ]
    files = select(Artifact.task_id, Artifact.build_id).where(Artifact.task_id.in_(gone))
    builds = {file.task_id: file.build_id for file in session.execute(files)}
    session.execute(delete(Artifact).where(Artifact.task_id.in_(gone)))
    return {number: builds.get(number, 0) for number in gone}


def _untold(now: datetime) -> ColumnElement[bool]:
    """Whether hooks are still to be told of this one."""
    return and_(Task.signal.is_not(None), Task.finished_at > now - signals.MATTERS)


def _needed() -> ColumnElement[bool]:
    """Whether an open task depends on this one."""
    other = aliased(Task)
    return exists().where(Dependency.on_id == Task.id, other.id == Dependency.task_id, other.state.in_(OPEN))
