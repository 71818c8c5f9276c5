"""The dead: builds whose runner died, and builds that another host left behind."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain import builds, runners, tasks
from isobuild.domain.builds import End
from isobuild.domain.guard import move
from isobuild.domain.history import By
from isobuild.domain.hosts import Host
from isobuild.domain.states import BuildState, Cause, RunnerState, TaskState
from isobuild.domain.tables import Build, Runner, Task


def reap(session: Session, host: Host, now: datetime) -> int:
    """End the builds whose runner died: of this host when its process is gone, of another when its lease ran out."""
    by = By(f"tick on {host.name}", now)
    for runner in runners.lost(session, host, now):
        runners.lose(session, runner, now)
    return _end_left(session, by) + _take_back(session, host, by)


def _end_left(session: Session, by: By) -> int:
    """End the running builds that nobody carries."""
    running = select(Build, Runner).outerjoin(Runner, Runner.id == Build.runner_id)
    running = running.where(Build.state == BuildState.RUNNING).order_by(Build.id)
    found = session.execute(running.execution_options(populate_existing=True)).all()
    left = [(build, what) for build, runner in found if (what := _what_is_wrong(build, runner, by.now))]
    return sum(_end(session, build, what, by) for build, what in left)


def _what_is_wrong(build: Build, runner: Runner | None, now: datetime) -> str | None:
    """Its runner is lost, or has ended without a word about it, or nobody claimed it in its lease's time."""
    if build.runner_id is None:
        return f"The runner on {build.host} was never seen." if build.leased_until < now else None
    if runner and runner.state is RunnerState.RUNNING:
        return None
    process = f" (process {runner.pid})" if runner else ""
    return f"The runner on {build.host}{process} is gone."


def _end(session: Session, build: Build, what: str, by: By) -> bool:
    lost = End(state=BuildState.FAILED, cause=Cause.LOST, error=what)
    unchanged = Build.token == build.token, Build.leased_until == build.leased_until
    return builds.end(session, build, lost, by, *unchanged)


def _take_back(session: Session, host: Host, by: By) -> int:
    """Builds that another host enqueued and, in its lease's time, never launched: their tasks may go elsewhere."""
    stale = Build.state == BuildState.PENDING, Build.host != host.name, Build.leased_until < by.now
    taken = 0
    for build in session.scalars(select(Build).where(*stale)).all():
        why = by.because(f"{build.host} never launched it.")
        closed = {"cause": Cause.LOST, "error": why.why, "finished_at": by.now, **tasks.CLOSED}
        if move(session, Build, build.id, BuildState.PENDING, BuildState.CANCELED, why, **closed):
            move(session, Task, build.task_id, TaskState.BUILDING, TaskState.PENDING, why)
            taken += 1
    return taken
