"""When an order was last carried out with success, for whoever must not do it twice (uni2work's CronLastExec)."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from isobuild.domain.guard import change
from isobuild.domain.keys import key
from isobuild.domain.tables import Build, LastExecution, Runner, Task


def record(session: Session, number: int, now: datetime) -> None:
    """Note that this task's order was carried out, if it was ordered with `write_last_exec`."""
    task = session.scalar(select(Task).where(Task.id == number, Task.write_last_exec))
    if task is None:
        return
    done = {"at": now, "instance": _instance(session, task), "task_id": number}
    this = key(task.recipe, task.options)
    if change(session, LastExecution, LastExecution.key == this, **done):
        return
    job = {"recipe": task.recipe, "options": task.options}
    try:
        with session.begin_nested():
            session.add(LastExecution(key=this, job=job, **done))
    except IntegrityError:  # another one of the same ended at the same moment
        change(session, LastExecution, LastExecution.key == this, **done)


def last(session: Session, recipe: str, options: dict[str, Any]) -> LastExecution | None:
    """The last one of an order like this; None if there never was one."""
    return session.get(LastExecution, key(recipe, options))


def _instance(session: Session, task: Task) -> str:
    """Which installation did the work."""
    builds = select(Runner.instance).join(Build, Build.runner_id == Runner.id).where(Build.task_id == task.id)
    return session.scalar(builds.order_by(Build.id.desc()).limit(1)) or task.instance or ""
