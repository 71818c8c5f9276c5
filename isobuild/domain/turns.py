"""Rule 1: whoever's turn it is gets a build, while there is a free slot."""

from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from isobuild.domain import fairness, history, limits, line
from isobuild.domain.columns import AWAKE
from isobuild.domain.guard import move
from isobuild.domain.history import By
from isobuild.domain.hosts import Host
from isobuild.domain.states import BuildState, TaskState
from isobuild.domain.tables import Build, Task

MISSES = 20  # builds that others opened first, in one go


def enqueue(session: Session, host: Host, now: datetime, limit: int | None = None, by: By | None = None) -> int:
    """Give the next tasks that may go a build each, while the host has a free slot; how many.

    `limit`: at most. `by`: who does it; the tick, unless another is named.
    """
    line.wake(session, now)
    opened = missed = 0
    while opened != limit and missed < MISSES and (free := free_slots(session, host)):
        task = line.first(session, host, full(session, host) | dry(session, host, now), now)
        if task is None:
            break
        done = open_build(session, task, host, free[0], now, by)
        opened, missed = opened + done, missed + (not done)
    return opened


def free_slots(session: Session, host: Host) -> list[int]:
    """The slots of this host that have no build."""
    taken = set(session.scalars(select(Build.slot).where(_open(), Build.host == host.name)))
    return [slot for slot in range(host.slots) if slot not in taken]


def full(session: Session, host: Host) -> set[str]:
    """The recipes that have as many builds as the site allows at a time."""
    return {recipe for recipe in host.rules.recipe_limits if _place(session, recipe, host) is None}


def _place(session: Session, recipe: str, host: Host) -> str | None:
    """One of a recipe's limited places that is free; builds that were opened under another limit count too."""
    limit = host.rules.recipe_limits[recipe]
    taken = open_builds(session, recipe)
    places = (f"{recipe}/{number}" for number in range(limit))
    return next((place for place in places if place not in taken), None) if len(taken) < limit else None


def open_builds(session: Session, recipe: str) -> list[str | None]:
    """The limited place of each open build of a recipe, on all hosts; None of one without."""
    return list(session.scalars(select(Build.open_limit).where(_open(), Build.recipe == recipe)))


def _open() -> ColumnElement[bool]:
    return Build.state.in_([BuildState.PENDING, BuildState.RUNNING])


def dry(session: Session, host: Host, now: datetime) -> set[str]:
    """The recipes whose bucket has no token for another build."""
    rules = host.rules
    left = {name: limits.look(session, name, rules.buckets[name], now) for name in set(rules.draws.values())}
    return {recipe for recipe, bucket in rules.draws.items() if not left[bucket].has()}


def open_build(session: Session, task: Task, host: Host, slot: int, now: datetime, by: By | None = None) -> bool:
    """A pending build for this task in this slot; False, and nothing is changed, if another was here first."""
    attempt = session.begin_nested()
    try:
        opened = _draw(session, task.recipe, host, now) and _open_build(session, task, host, slot, now, by)
    except IntegrityError:  # the database says once
        opened = False
    (attempt.commit if opened else attempt.rollback)()
    return opened


def _draw(session: Session, recipe: str, host: Host, now: datetime) -> bool:
    """Take a token for a build of this recipe, if it needs one; whether there was one."""
    bucket = host.rules.draws.get(recipe)
    return bucket is None or limits.draw(session, bucket, host.rules.buckets[bucket], now) is None


def _open_build(session: Session, task: Task, host: Host, slot: int, now: datetime, by: By | None) -> bool:
    by = by or By(f"tick on {host.name}", now, "its turn has come")
    limited = task.recipe in host.rules.recipe_limits
    place = _place(session, task.recipe, host) if limited else None
    if limited and place is None:  # another took the last one since we looked
        return False
    if not move(session, Task, task.id, TaskState.PENDING, TaskState.BUILDING, by, Task.not_before == AWAKE):
        return False
    build = Build(
        task_id=task.id, recipe=task.recipe, weight=task.weight, open_task=task.id, attempt=task.attempts + 1,
        host=host.name, slot=slot, open_slot=f"{host.name}/{slot}", open_limit=place,
        created_at=now, leased_until=now + host.lease,
    )  # fmt: skip
    session.add(build)
    session.flush()
    history.write(session, Build, build.id, None, BuildState.PENDING, by)
    if host.rules.fair:
        fairness.count(session, task.user_id, now)
    return True
