"""Logs of builds."""

import time
from collections.abc import Callable, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild import site
from isobuild.cli import say
from isobuild.config import Settings, load
from isobuild.db import Database
from isobuild.domain import builds, tasks
from isobuild.domain.states import OPEN, TaskState
from isobuild.domain.tables import Build, Task
from isobuild.errors import BadInput, NotFound
from isobuild.store.log import Line, read

STREAMS = ("out", "err", "run")


def log(number: int, *, follow: bool, build: int | None, stream: str, json: bool) -> None:
    """Print the log of a task's build."""
    if stream and stream not in STREAMS:
        raise BadInput(field="stream", given=stream, allowed=", ".join(STREAMS))
    settings = load()
    db = site.database(settings)
    chosen = build if build is not None else _wait_for_build(db, number, follow)
    _check(db, number, chosen)
    lines = lines_of(settings, chosen, lambda: follow and not _ended(db, chosen))
    wanted = (line for line in lines if stream in ("", line.stream))
    if json:
        say.value([line._asdict() for line in wanted])
        return
    for line in wanted:
        print(line.time[:19].replace("T", " "), f"{line.stream}:" if not stream else "", line.plain, flush=True)


def lines_of(settings: Settings, build: int, goes_on: Callable[[], bool]) -> Iterator[Line]:
    """The lines of a build's log, and those that come while `goes_on()`."""
    path, offset = settings.logs / f"{build}.log", 0
    while True:
        more = goes_on()
        lines, offset = read(path, offset)
        yield from lines
        if not more and not lines:
            return
        if not lines:
            time.sleep(0.3)


def _wait_for_build(db: Database, number: int, follow: bool) -> int:
    while True:
        with db.read() as session:
            task = tasks.get(session, number)
            found = _last(session, number)
        if found is not None:
            return found
        if task.state not in OPEN:
            raise NotFound(what="build of task", given=number, hint=_ended_without(task))
        if not follow:
            raise NotFound(what="build of task", given=number, hint="It waits for its turn; follow it with -f.")
        time.sleep(0.3)


def _ended_without(task: Task) -> str:
    """Why a task that came to its end has no build."""
    if task.error:
        return f"It is {task.state}: {task.error.rstrip('.')}."
    same = ", and has the ISO of another that is the same" if task.state is TaskState.READY else ""
    return f"It is {task.state}{same}."


def _last(session: Session, number: int) -> int | None:
    return session.scalar(select(Build.id).where(Build.task_id == number).order_by(Build.id.desc()).limit(1))


def _check(db: Database, number: int, build: int) -> None:
    with db.read() as session:
        if builds.get(session, build).task_id != number:
            raise NotFound(what=f"build {build} of task", given=number, hint=f"See: isobuild builds --task {number}")


def _ended(db: Database, build: int) -> bool:
    with db.read() as session:
        return builds.get(session, build).finished
