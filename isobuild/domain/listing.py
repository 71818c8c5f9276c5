"""What people see of tasks and builds: plain values, as `--json` and the pages show them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from isobuild.domain import artifacts, forecast, proofs, queues, search, tags, tasks
from isobuild.domain.queues import Queue
from isobuild.domain.standing import Standing
from isobuild.domain.states import BuildState, RunnerState, TaskState
from isobuild.domain.tables import Artifact, Build, Dependency, Event, Runner, Task, User

Shown = dict[str, Any]


def iso8601(moment: datetime | None) -> str | None:
    """A time as it is shown."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def list_tasks(
    session: Session,
    *,
    state: TaskState | None = None,
    user: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    text: str = "",
    before: int | None = None,
    limit: int = 100,
) -> list[Shown]:
    """Tasks, the newest first; of those with a number less than `before`, so that pages go by number.

    `tags` and `text` as in search.py, which raises BadInput.
    """
    chosen = select(Task).where(*search.tagged(tags or {})).order_by(Task.id.desc()).limit(limit)
    if text:
        chosen = chosen.where(search.saying(text))
    if state:
        chosen = chosen.where(Task.state == state)
    if user:
        chosen = chosen.where(Task.user_id.in_(select(User.id).where(User.name == user)))
    if before:
        chosen = chosen.where(Task.id < before)
    return _show(session, session.scalars(chosen).all())


def show_task(session: Session, number: int) -> Shown:
    """One task. Raises NotFound."""
    return _show(session, [tasks.get(session, number)])[0]


def show_tasks(session: Session, numbers: Sequence[int]) -> list[Shown]:
    """These tasks, which are there, in this order."""
    rows = {task.id: task for task in session.scalars(select(Task).where(Task.id.in_(numbers)))}
    return _show(session, [rows[number] for number in numbers])


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
        "exit_status": build.exit_status,
        "tail": build.tail,
        "results": build.results,
        "proof": build.proof,
        "stages": build.stages,
        "created_at": iso8601(build.created_at),
        "started_at": iso8601(build.started_at),
        "finished_at": iso8601(build.finished_at),
    }


def list_runners(session: Session, *, everyone: bool = False, limit: int = 100) -> list[Shown]:
    """Runners that run, or everyone, the newest first; `memory` in bytes, `build` is the one in hand."""
    chosen = select(Runner).order_by(Runner.id.desc()).limit(limit)
    if not everyone:
        chosen = chosen.where(Runner.state == RunnerState.RUNNING)
    found = session.scalars(chosen).all()
    carried = Build.state == BuildState.RUNNING, Build.runner_id.in_([runner.id for runner in found])
    in_hand = {build.runner_id: build.id for build in session.scalars(select(Build).where(*carried))}
    return [_show_runner(runner, in_hand.get(runner.id)) for runner in found]


def _show_runner(runner: Runner, build: int | None) -> Shown:
    return {
        "id": runner.id,
        "kind": runner.kind,
        "host": runner.host,
        "pid": runner.pid,
        "state": str(runner.state),
        "build": build,
        "memory": runner.memory,
        "started_at": iso8601(runner.started_at),
        "finished_at": iso8601(runner.finished_at),
    }


def show_event(event: Event) -> Shown:
    """One change of state."""
    return {
        "at": iso8601(event.at),
        "build": event.build_id,
        "from": event.old,
        "to": event.new,
        "who": event.who,
        "why": event.why,
    }


def show_queues(session: Session, names: Sequence[str]) -> list[Shown]:
    """The queues in their order: how many tasks may go; of the paused ones since when, by whom and why."""
    return [_queue(queue) for queue in queues.look(session, names)]


def _queue(queue: Queue) -> Shown:
    facts = {"name": queue.name, "waiting": queue.waiting}
    if queue.pause is None:
        return facts | {"paused_at": None, "who": None, "reason": None}
    return facts | {"paused_at": iso8601(queue.pause.at), "who": queue.pause.who, "reason": queue.pause.reason}


def show_standing(standing: Standing | None) -> Shown:
    """Why a task waits, how many go before it, and when its ISO is expected."""
    eta = standing.eta if standing else None
    return {
        "why": standing.why if standing else None,
        "before": standing.before if standing else None,
        "eta": eta
        and {"earliest": iso8601(eta.earliest), "likely": iso8601(eta.likely), "latest": iso8601(eta.latest)},
    }


def show_stats(session: Session) -> Shown:
    """Counts of tasks by state, seconds that builds took by recipe, and how often forecasts came true."""
    counted = session.execute(select(Task.state, func.count().label("count")).group_by(Task.state)).all()
    counts = {row.state: row.count for row in counted}
    calibration = forecast.calibration(session)
    return {
        "tasks": {str(state): counts.get(state, 0) for state in TaskState},
        "recipes": {recipe: _spread(seconds) for recipe, seconds in forecast.durations(session).items()},
        "forecasts": {"told": calibration.told, "kept": calibration.kept, "meant": forecast.WITHIN},
    }


def _spread(seconds: Sequence[float]) -> Shown:
    """Of builds that took these seconds, the shortest first."""
    told = {"shortest": seconds[0], "median": median(seconds), "longest": seconds[-1]}
    return {"builds": len(seconds)} | {what: round(each, 1) for what, each in told.items()}


def _show(session: Session, rows: Sequence[Task]) -> list[Shown]:
    numbers = [task.id for task in rows]
    users = {user.id: user.name for user in session.scalars(select(User).where(User.id.in_({t.user_id for t in rows})))}
    last = _last_builds(session, numbers)
    words, files, needs = tags.of(session, *numbers), artifacts.of(session, *numbers), _needs(session, numbers)
    return [
        _facts(task)
        | {"user": users[task.user_id], "after": needs.get(task.id, []), "tags": words[task.id]}
        | _build_facts(last.get(task.id))
        | _file_facts(task, files[task.id])
        for task in rows
    ]


def _needs(session: Session, numbers: Sequence[int]) -> dict[int, list[int]]:
    """What each task depends on."""
    found: dict[int, list[int]] = {}
    edges = select(Dependency).where(Dependency.task_id.in_(numbers)).order_by(Dependency.on_id)
    for edge in session.scalars(edges):
        found.setdefault(edge.task_id, []).append(edge.on_id)
    return found


def _last_builds(session: Session, numbers: list[int]) -> dict[int, Build]:
    newest = select(func.max(Build.id)).where(Build.task_id.in_(numbers)).group_by(Build.task_id)
    return {build.task_id: build for build in session.scalars(select(Build).where(Build.id.in_(newest)))}


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
        "on_dependency_failure": str(task.on_dependency_failure),
        "follows": task.follows,
        "without_overlapping": task.without_overlapping,
        "time_limit": task.time_limit,
        "soft_limit": task.soft_limit,
        "boot_test": task.boot_test,
        "ttl": task.ttl,
        "pinned": task.pinned,
        "created_at": iso8601(task.created_at),
        "not_before": iso8601(task.not_before),
        "not_after": iso8601(task.not_after),
        "finished_at": iso8601(task.finished_at),
    }


def _build_facts(build: Build | None) -> Shown:
    if build is None:
        return {"build": None, "percent": None, "step": None, "stopping": False}
    stopping = build.stop is not None and not build.finished
    return {"build": build.id, "percent": build.percent, "step": build.step, "stopping": stopping}


def _file_facts(task: Task, files: Sequence[Artifact]) -> Shown:
    shown = [_file(task, file) for file in files] if task.state is TaskState.READY else []
    iso = shown[0] if shown else {"size": None, "sha256": None, "download": None}
    proof = files[0].proof if shown else None
    told = {"files": shown, "verified": proofs.verified(proof), "proof": proof, "updates": _updates(task)}
    return {key: iso[key] for key in ("size", "sha256", "download")} | told


def _updates(task: Task) -> Shown | None:
    """How many newer packages there are for a ready ISO; None: nobody has looked."""
    if task.state is not TaskState.READY or task.updates is None:
        return None
    counted = {key: task.updates[key] for key in ("count", "security", "why")}
    return counted | {"at": iso8601(task.updates_at)}


def _file(task: Task, file: Artifact) -> Shown:
    return {
        "kind": file.kind,
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "download": f"/download/{task.id}/{file.name}",
    }
