"""Builds: flag, claim, heartbeat, finish; each one guarded UPDATE, whose row count decides."""

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from isobuild.domain import tasks
from isobuild.domain.guard import change, move
from isobuild.domain.history import By, clean
from isobuild.domain.hosts import Host
from isobuild.domain.states import BuildState, Cause, RunnerState
from isobuild.domain.tables import Artifact, Build, Runner, Task
from isobuild.errors import BuildFailed, LostBuild, NotFound, ReportRefused, TimedOut

MANY = 500  # values in one statement


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
    exit_status: int | None = None  # of that step
    tail: str | None = None  # the last lines it printed
    files: Mapping[str, File] = field(default_factory=dict)  # by kind; the ISO is "iso"
    results: Mapping[str, Any] | None = None
    proof: Mapping[str, Any] | None = None  # how its ISO booted
    stages: Mapping[str, Any] | None = None  # what the stage cache gave
    again: bool = False  # it was given back: no attempt is lost

    @classmethod
    def of(cls, failure: BuildFailed) -> "End":
        """The end that a failure makes."""
        state = BuildState.TIMED_OUT if isinstance(failure, TimedOut) else BuildState.FAILED
        facts = failure.facts
        return cls(
            state=state, cause=Cause(failure.cause), error=str(failure), exit_status=facts.get("status"),
            tail=facts.get("lines"),
        )  # fmt: skip


SUCCEEDED = BuildState.SUCCEEDED
CANCELED = End(state=BuildState.CANCELED, error="canceled by a person")
RELEASED = End(state=BuildState.CANCELED, error="released by a person", again=True)
#: in the order in which people can change their minds: whoever looks for them in it misses none
STOPS = {"release": RELEASED, "cancel": CANCELED}


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


# rule 2: flagged busy, then its script is started


def pending_on(session: Session, host: Host, queues: Collection[str] | None = None) -> list[int]:
    """The numbers of the builds that wait for their launch on this host; of these queues, if some are named."""
    waiting = select(Build.id).where(Build.state == BuildState.PENDING, Build.host == host.name)
    if queues is not None:
        waiting = waiting.join(Task, Task.id == Build.task_id).where(Task.queue.in_(queues))
    return list(session.scalars(waiting.order_by(Build.id)))


def flag_busy(session: Session, number: int, host: Host, now: datetime, by: By | None = None) -> str | None:
    """Flag a pending build busy; its new token, or None if another was here first. `by`: unless it is the tick."""
    token = secrets.token_hex(16)
    flagged = move(
        session, Build, number, BuildState.PENDING, BuildState.RUNNING,
        by or By(f"tick on {host.name}", now, "launched"), token=token, started_at=now, leased_until=now + host.lease,
    )  # fmt: skip
    return token if flagged else None


# the runner


def claim(session: Session, number: int, token: str, runner: int, host: Host, now: datetime) -> tuple[Build, Task]:
    """Take a flagged build as this runner: no other can. Raises LostBuild."""
    mine = {"runner_id": runner, "leased_until": now + host.lease}
    if not change(session, Build, *_held(number, token), Build.runner_id.is_(None), **mine):
        raise LostBuild(build=number, why=_why_not(session, number, token) or "another runner has it")
    build = get(session, number)
    return build, tasks.get(session, build.task_id)


def heartbeat(session: Session, number: int, token: str, host: Host, now: datetime) -> None:
    """Prolong the lease, the runner's and the build's. Raises LostBuild if the build isn't this token's any more."""
    its_runner = select(Build.runner_id).where(*_held(number, token)).scalar_subquery()
    until = {"leased_until": now + host.lease}
    change(session, Runner, Runner.id == its_runner, Runner.state == RunnerState.RUNNING, **until)
    _hold(session, number, token, **until)


def progress(session: Session, number: int, token: str, percent: float, step: str | None) -> None:
    """Tell how far it is: `percent` from 0 to 100, and the step in hand. Raises LostBuild."""
    _hold(session, number, token, percent=percent, step=step and clean(step))


def _hold(session: Session, number: int, token: str, **told: Any) -> None:
    if not change(session, Build, *_held(number, token), **told):
        raise LostBuild(build=number, why=_why_not(session, number, token) or "it changed hands")


def asked(session: Session, number: int, token: str) -> str | None:
    """What somebody asked of the runner ("cancel", "release"), or None. Raises LostBuild: it then ends, with all it
    started.
    """
    row = session.execute(select(Build.stop).where(*_held(number, token))).one_or_none()
    if row is None:
        raise LostBuild(build=number, why=_why_not(session, number, token) or "it changed hands")
    stop: str | None = row.stop
    return stop


def finish(session: Session, number: int, token: str, ended: End, now: datetime) -> None:
    """The callback, one transaction: the build ends, its file is recorded, its task becomes what that makes of it.

    Raises ReportRefused, and changes nothing, if the report is late, repeated, unknown or has a wrong token.
    """
    build = session.get(Build, number)
    by = By(f"runner on {build.host}" if build else "", now)
    if build is None or not end(session, build, ended, by, Build.token == token):
        raise ReportRefused(why=_why_not(session, number, token) or "the build changed in between")


def end(session: Session, build: Build, ended: End, by: By, *also: ColumnElement[bool]) -> bool:
    """End a running build; one that has no ISO after somebody asked it to stop comes to what was asked."""
    if ended.state is SUCCEEDED:
        return _close(session, build, ended, by, *also)
    if _close(session, build, ended, by, Build.stop.is_(None), *also):
        return True
    return any(_close(session, build, asked_end, by, Build.stop == stop, *also) for stop, asked_end in STOPS.items())


def _close(session: Session, build: Build, ended: End, by: By, *also: ColumnElement[bool]) -> bool:
    error = ended.error and clean(ended.error)
    told: dict[str, Any] = {"cause": ended.cause, "error": error, "finished_at": by.now, **tasks.CLOSED}
    told |= {"exit_status": ended.exit_status, "tail": ended.tail and clean(ended.tail)}
    told |= {"results": ended.results, "proof": ended.proof, "stages": ended.stages}
    if ended.step:
        told["step"] = clean(ended.step)
    if ended.state is SUCCEEDED:
        told["percent"] = 100.0
    why = by.because(error)
    if not move(session, Build, build.id, BuildState.RUNNING, ended.state, why, *also, **told):
        return False
    for kind, file in ended.files.items():
        _add_file(session, build, kind, file, ended.proof if kind == "iso" else None, by.now)
    tasks.settle(session, build.task_id, ended.state, ended.cause, error, why, ended.again)
    return True


def _add_file(
    session: Session, build: Build, kind: str, file: File, proof: Mapping[str, Any] | None, now: datetime
) -> None:
    facts = {"name": file.name, "file": file.name, "size": file.size, "sha256": file.sha256, "proof": proof}
    session.add(Artifact(task_id=build.task_id, build_id=build.id, kind=kind, created_at=now, **facts))
    session.flush()


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


# what is kept


def owners(session: Session, numbers: Iterable[int]) -> set[int]:
    """Those of the builds that may still have files: they are open, or their ISO can be downloaded."""
    wanted = list(numbers)
    found: set[int] = set()
    for start in range(0, len(wanted), MANY):
        some = wanted[start : start + MANY]
        # in this order: one that ends in between was open, or its file is on record
        found |= set(session.scalars(select(Build.id).where(Build.id.in_(some), Build.open_task.is_not(None))))
        found |= set(session.scalars(select(Artifact.build_id).where(Artifact.build_id.in_(some))))
    return found
