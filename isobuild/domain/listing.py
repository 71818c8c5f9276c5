"""What people see of tasks and builds: plain values, as `--json` and the pages show them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from isobuild.domain import tasks
from isobuild.domain.states import BuildState, TaskState
from isobuild.domain.tables import Artifact, Build, Task, User

Shown = dict[str, Any]


def list_tasks(
    session: Session,
    queues: Sequence[str],
    *,
    state: TaskState | None = None,
    user: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Shown]:
    """Tasks, the newest first; of those with a number less than `before`, so that pages go by number."""
    chosen = select(Task).order_by(Task.id.desc()).limit(limit)
    if state:
        chosen = chosen.where(Task.state == state)
    if user:
        chosen = chosen.where(Task.user_id.in_(select(User.id).where(User.name == user)))
    if before:
        chosen = chosen.where(Task.id < before)
    return _show(session, session.scalars(chosen).all(), queues)


def show_task(session: Session, number: int, queues: Sequence[str]) -> Shown:
    """One task. Raises NotFound."""
    return _show(session, [tasks.get(session, number)], queues)[0]


def list_builds(
    session: Session, *, task: int | None = None, state: BuildState | None = None, limit: int = 100
) -> list[Shown]:
    """Builds, the newest first."""
    chosen = select(Build).order_by(Build.id.desc()).limit(limit)
    if task:
        chosen = chosen.where(Build.task_id == task)
    if state:
        chosen = chosen.where(Build.state == state)
    return [show_build(build) for build in session.scalars(chosen)]


def show_build(build: Build) -> Shown:
    """One build; its token and its process stay inside."""
    return {
        "id": build.id,
        "task_id": build.task_id,
        "state": str(build.state),
        "finished": build.finished,
        "busy": build.busy,
        "attempt": build.attempt,
        "host": build.host,
        "slot": build.slot,
        "percent": build.percent,
        "step": build.step,
        "stopping": build.stop is not None and not build.finished,
        "cause": build.cause and str(build.cause),
        "error": build.error,
        "created_at": _time(build.created_at),
        "started_at": _time(build.started_at),
        "finished_at": _time(build.finished_at),
    }


def _show(session: Session, rows: Sequence[Task], queues: Sequence[str]) -> list[Shown]:
    numbers = [task.id for task in rows]
    users = {user.id: user.name for user in session.scalars(select(User).where(User.id.in_({t.user_id for t in rows})))}
    last = _last_builds(session, numbers)
    line = tasks.line_up(session, queues) if any(_may_go(task, queues) for task in rows) else {}
    files = {file.build_id: file for file in _files(session, last.values())}
    return [
        _facts(task)
        | {"user": users[task.user_id], "before": _before(task, line, queues)}
        | _build_facts(last.get(task.id))
        | _file_facts(task, files.get(last[task.id].id) if task.id in last else None)
        for task in rows
    ]


def _may_go(task: Task, queues: Sequence[str]) -> bool:
    return task.state is TaskState.PENDING and task.not_before is None and task.queue in queues


def _before(task: Task, line: dict[int, int], queues: Sequence[str]) -> int | None:
    """How many go before it, FAR for that many or more; None if it isn't among those that may go now."""
    return line.get(task.id, tasks.FAR) if _may_go(task, queues) else None


def place(before: int) -> str:
    """A task's place in the line, in words."""
    if before >= tasks.FAR:
        return f"{tasks.FAR} or more before it"
    return f"{before} before it" if before else "next, as soon as a slot is free"


def _last_builds(session: Session, numbers: list[int]) -> dict[int, Build]:
    newest = select(func.max(Build.id)).where(Build.task_id.in_(numbers)).group_by(Build.task_id)
    return {build.task_id: build for build in session.scalars(select(Build).where(Build.id.in_(newest)))}


def _files(session: Session, builds: Iterable[Build]) -> Iterable[Artifact]:
    return session.scalars(select(Artifact).where(Artifact.build_id.in_([build.id for build in builds])))


def _facts(task: Task) -> Shown:
    return {
        "id": task.id,
        "name": task.name,
        "recipe": task.recipe,
        "options": task.options,
        "state": str(task.state),
        "queue": task.queue,
        "priority": task.priority,
        "iso": task.iso,
        "attempts": task.attempts,
        "max_attempts": task.max_attempts,
        "cause": task.cause and str(task.cause),
        "error": task.error,
        "created_at": _time(task.created_at),
        "not_before": _time(task.not_before),
        "finished_at": _time(task.finished_at),
    }


def _build_facts(build: Build | None) -> Shown:
    if build is None:
        return {"build": None, "percent": None, "step": None, "stopping": False}
    stopping = build.stop is not None and not build.finished
    return {"build": build.id, "percent": build.percent, "step": build.step, "stopping": stopping}


def _file_facts(task: Task, file: Artifact | None) -> Shown:
    if file is None or task.state is not TaskState.READY:
        return {"size": None, "sha256": None, "download": None}
    return {"size": file.size, "sha256": file.sha256, "download": f"/download/{task.id}/{file.name}"}


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
