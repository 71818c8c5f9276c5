"""Builds: enqueue, flag, claim, heartbeat, finish, reap; each one guarded UPDATE, whose row count decides."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from isobuild.domain import tasks
from isobuild.domain.guard import change, move
from isobuild.domain.hosts import Host, is_alive, process_start
from isobuild.domain.states import BuildState, Cause, TaskState
from isobuild.domain.tables import AWAKE, Artifact, Build, Task
from isobuild.errors import BuildFailed, LostBuild, NotFound, ReportRefused, TimedOut

MANY = 500  # values in one statement
LONGEST = 4000  # characters of an error


class File(Protocol):
    """A finished file in the store: its name, size in bytes and SHA-256 in hexadecimal."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class End:
    """How a build ended."""

    state: BuildState
    cause: Cause | None = None
    error: str | None = None
    step: str | None = None  # the one it ended in
    file: File | None = None

    @classmethod
    def of(cls, failure: BuildFailed) -> "End":
        """The end that a failure makes."""
        state = BuildState.TIMED_OUT if isinstance(failure, TimedOut) else BuildState.FAILED
        return cls(state=state, cause=Cause(failure.cause), error=str(failure))


SUCCEEDED = BuildState.SUCCEEDED
FAILURES = (BuildState.FAILED, BuildState.TIMED_OUT)
CANCELED = End(state=BuildState.CANCELED, error="canceled by a person")


def get(session: Session, number: int) -> Build:
    """The build; raises NotFound."""
    build = session.get(Build, number)
    if build is None:
        raise NotFound(what="build", given=number, hint="'isobuild builds' lists them.")
    return build


def task_of(session: Session, number: int) -> Task:
    """The task of a build; raises NotFound."""
    return tasks.get(session, get(session, number).task_id)


def check_token(session: Session, number: int, token: str) -> None:
    """Raise ReportRefused unless the build runs and this is its token."""
    if why := _why_not(session, number, token):
        raise ReportRefused(why=why)


# rule 1: a pending build for the next task


def enqueue(session: Session, host: Host, now: datetime) -> int:
    """Give the next tasks that may go a build each, while the host has a free slot; how many."""
    free = _free_slots(session, host)
    if not free:
        return 0
    tasks.wake(session, now)
    pairs = zip(tasks.eligible(session, host.queues, len(free)), free, strict=False)
    return sum(_open(session, task, host, slot, now) for task, slot in pairs)


def _free_slots(session: Session, host: Host) -> list[int]:
    taken = set(session.scalars(select(Build.slot).where(_open_on(host))))
    return [slot for slot in range(host.slots) if slot not in taken]


def _open_on(host: Host) -> ColumnElement[bool]:
    return Build.state.in_([BuildState.PENDING, BuildState.RUNNING]) & (Build.host == host.name)


def _open(session: Session, task: Task, host: Host, slot: int, now: datetime) -> bool:
    build = Build(
        task_id=task.id, open_task=task.id, attempt=task.attempts + 1, host=host.name, slot=slot,
        open_slot=f"{host.name}/{slot}", created_at=now, leased_until=now + host.lease,
    )  # fmt: skip
    try:
        with session.begin_nested():
            if move(session, Task, task.id, TaskState.PENDING, TaskState.BUILDING, Task.not_before == AWAKE):
                session.add(build)
                return True
    except IntegrityError:  # another tick was here first; the database says once
        pass
    return False


# rule 2: flagged busy, then its script is started


def pending_on(session: Session, host: Host) -> list[int]:
    """The numbers of the builds that wait for their launch on this host."""
    waiting = select(Build.id).where(Build.state == BuildState.PENDING, Build.host == host.name)
    return list(session.scalars(waiting.order_by(Build.id)))


def flag_busy(session: Session, number: int, host: Host, now: datetime) -> str | None:
    """Flag a pending build busy; its new token, or None if another tick was here first."""
    token = secrets.token_hex(16)
    flagged = move(
        session, Build, number, BuildState.PENDING, BuildState.RUNNING,
        token=token, started_at=now, leased_until=now + host.lease,
    )  # fmt: skip
    return token if flagged else None


# the runner


def claim(session: Session, number: int, token: str, pid: int, host: Host, now: datetime) -> tuple[Build, Task]:
    """Take a flagged build as the process `pid`: nobody else can. Raises LostBuild."""
    mine = {"pid": pid, "pid_start": process_start(pid), "leased_until": now + host.lease}
    if not change(session, Build, *_held(number, token), Build.pid.is_(None), **mine):
        raise LostBuild(build=number, why=_why_not(session, number, token) or "another runner has it")
    build = get(session, number)
    return build, tasks.get(session, build.task_id)


def heartbeat(session: Session, number: int, token: str, host: Host, now: datetime) -> None:
    """Prolong the lease. Raises LostBuild if the build isn't this token's any more."""
    _hold(session, number, token, leased_until=now + host.lease)


def progress(session: Session, number: int, token: str, percent: float, step: str | None) -> None:
    """Tell how far it is: `percent` from 0 to 100, and the step in hand. Raises LostBuild."""
    _hold(session, number, token, percent=percent, step=step and clean(step))


def _hold(session: Session, number: int, token: str, **told: Any) -> None:
    if not change(session, Build, *_held(number, token), **told):
        raise LostBuild(build=number, why=_why_not(session, number, token) or "it changed hands")


def asked(session: Session, number: int, token: str) -> str | None:
    """What somebody asked of the runner ("cancel"), or None. Raises LostBuild: it then ends, with all it started."""
    row = session.execute(select(Build.stop).where(*_held(number, token))).one_or_none()
    if row is None:
        raise LostBuild(build=number, why=_why_not(session, number, token) or "it changed hands")
    stop: str | None = row.stop
    return stop


def finish(session: Session, number: int, token: str, end: End, now: datetime) -> None:
    """The callback, one transaction: the build ends, its file is recorded, its task becomes what that makes of it.

    Raises ReportRefused, and changes nothing, if the report is late, repeated, unknown or has a wrong token.
    """
    build = session.get(Build, number)
    if build is None or not _end(session, build, end, now, Build.token == token):
        raise ReportRefused(why=_why_not(session, number, token) or "the build changed in between")


def _end(session: Session, build: Build, end: End, now: datetime, *also: ColumnElement[bool]) -> bool:
    """End a running build; one that fails after somebody asked it to stop is canceled, and not tried again."""
    if end.state not in FAILURES:
        return _close(session, build, end, now, *also)
    if _close(session, build, CANCELED, now, Build.stop.is_not(None), *also):
        return True
    return _close(session, build, end, now, Build.stop.is_(None), *also)


def _close(session: Session, build: Build, end: End, now: datetime, *also: ColumnElement[bool]) -> bool:
    error = end.error and clean(end.error)
    told: dict[str, Any] = {"cause": end.cause, "error": error, "finished_at": now}
    told |= {"open_task": None, "open_slot": None}
    if end.step:
        told["step"] = clean(end.step)
    if end.state is SUCCEEDED:
        told["percent"] = 100.0
    if not move(session, Build, build.id, BuildState.RUNNING, end.state, *also, **told):
        return False
    if end.file:
        session.add(Artifact(task_id=build.task_id, build_id=build.id, created_at=now, **_facts(end.file)))
    tasks.settle(session, build.task_id, end.state, end.cause, error, now)
    return True


def clean(text: str) -> str:
    """What any program may have said, as every database takes it: no NUL, no lone surrogates, not too long."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")[:LONGEST]


def _facts(file: File) -> dict[str, Any]:
    return {"name": file.name, "size": file.size, "sha256": file.sha256}


def _held(number: int, token: str) -> tuple[ColumnElement[bool], ...]:
    return Build.id == number, Build.state == BuildState.RUNNING, Build.token == token


def _why_not(session: Session, number: int, token: str) -> str | None:
    build = session.scalar(select(Build).where(Build.id == number).execution_options(populate_existing=True))
    if build is None:
        return f"there is no build {number}"
    if build.token is None or not secrets.compare_digest(build.token.encode(), token.encode()):
        return f"the token is not the one of build {number}"
    if build.state is not BuildState.RUNNING:
        return f"build {number} has ended already ({build.state})"
    return None


# the dead


def reap(session: Session, host: Host, now: datetime) -> int:
    """End the builds whose runner died: of this host when its process is gone, of another when its lease ran out."""
    ended = sum(_end_lost(session, build, now) for build in _lost(session, host, now))
    return ended + _take_back(session, host, now)


def _lost(session: Session, host: Host, now: datetime) -> Iterable[Build]:
    running = session.scalars(select(Build).where(Build.state == BuildState.RUNNING)).all()
    return (build for build in running if _is_lost(build, host, now))


def _is_lost(build: Build, host: Host, now: datetime) -> bool:
    if build.host == host.name and build.pid is not None:
        return not is_alive(build.pid, build.pid_start)
    return build.leased_until < now


def _end_lost(session: Session, build: Build, now: datetime) -> bool:
    who = "was never seen" if build.pid is None else f"(process {build.pid}) is gone"
    lost = End(state=BuildState.FAILED, cause=Cause.LOST, error=f"The runner on {build.host} {who}.")
    # a heartbeat since we looked means that it lives
    unchanged = (Build.token == build.token) & (Build.leased_until == build.leased_until)
    return _end(session, build, lost, now, unchanged)


def _take_back(session: Session, host: Host, now: datetime) -> int:
    """Builds that another host enqueued and, in its lease's time, never launched: their tasks may go elsewhere."""
    stale = select(Build).where(Build.state == BuildState.PENDING, Build.host != host.name, Build.leased_until < now)
    taken = 0
    for build in session.scalars(stale).all():
        told = {"cause": Cause.LOST, "error": f"{build.host} never launched it.", "finished_at": now}
        told |= {"open_task": None, "open_slot": None}
        if move(session, Build, build.id, BuildState.PENDING, BuildState.CANCELED, **told):
            move(session, Task, build.task_id, TaskState.BUILDING, TaskState.PENDING)
            taken += 1
    return taken


# what is kept


def owners(session: Session, numbers: Iterable[int]) -> set[int]:
    """Those of the builds that may still have files: they are open, or their ISO can be downloaded."""
    wanted = list(numbers)
    found: set[int] = set()
    for start in range(0, len(wanted), MANY):
        some = wanted[start : start + MANY]
        found |= set(session.scalars(select(Artifact.build_id).where(Artifact.build_id.in_(some))))
        found |= set(session.scalars(select(Build.id).where(Build.id.in_(some), Build.open_task.is_not(None))))
    return found
