"""Schedules: cron lines that order tasks. What they order, when and why not; the tick does the ordering (firing.py)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from isobuild.domain import cron, executions, history, orders
from isobuild.domain.guard import change, rows
from isobuild.domain.hosts import Host
from isobuild.domain.listing import Shown, iso8601
from isobuild.domain.orders import Order
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Fire, Schedule, Task
from isobuild.errors import BadInput, NotFound, ScheduleRuns, ScheduleTaken

TAG = "schedule"
GRACE = 86400.0  # seconds
LONGEST_NAME = 40  # characters; with the time of a fire it names a task
NEXT = 5  # fires that are shown
#: what every fire orders anew; the rest of an order is its own
KEPT = (
    "user", "recipe", "options", "iso", "queue", "priority", "without_overlapping", "tags", "max_attempts",
    "retry_delay", "time_limit", "soft_limit", "boot_test", "ttl", "write_last_exec", "weight",
)  # fmt: skip


def get(session: Session, name: str) -> Schedule:
    """The schedule of this name; raises NotFound."""
    schedule = session.scalar(select(Schedule).where(Schedule.name == name)) if orders.NAME.fullmatch(name) else None
    if schedule is None:
        raise NotFound(what="schedule", given=repr(name[:80]), hint="'isobuild schedule list' lists them.")
    return schedule


# a person


def add(
    session: Session, name: str, line: str, zone: str, grace: float, wish: Order, queues: Sequence[str], now: datetime
) -> None:
    """Order `wish` whenever the cron line fires from now on; a fire that was missed, within `grace` seconds of it.

    The order's own name and times don't count. Raises BadInput.
    """
    orders.check_name("name", name)
    if len(name) > LONGEST_NAME:
        allowed = f"at most {LONGEST_NAME} characters: the names of its tasks end in the time"
        raise BadInput(field="name", given=name, allowed=allowed)
    if not 60 <= grace <= 366 * 86400:
        raise BadInput(field="grace", given=grace, allowed="from 60 seconds to 366 days of them")
    first = cron.parse(line, zone).first(now)
    if first is None:
        raise BadInput(field="cron", given=line, allowed=cron.NEVER)
    schedule = Schedule(
        name=name, cron=line, zone=zone, grace=grace, wish=_keep(wish), since=now, seen_at=now, next_at=first,
        created_at=now,
    )  # fmt: skip
    orders.check_name("user", wish.user)
    orders.check(order_of(schedule, name, wish.instance), queues, now)
    try:
        with session.begin_nested():
            session.add(schedule)
    except IntegrityError:
        raise ScheduleTaken(field="name", given=name) from None


def _keep(wish: Order) -> dict[str, Any]:
    if TAG in wish.tags:
        raise BadInput(field="tags", given=TAG, allowed="any other tag: this one has the schedule's name")
    kept = {name: getattr(wish, name) for name in KEPT}
    return kept | {"options": dict(wish.options), "tags": dict(wish.tags)}


def pause(session: Session, name: str, reason: str, now: datetime) -> None:
    """Let it order nothing until it is resumed; a second pause gives it another reason. Raises NotFound."""
    halt(session, get(session, name).id, reason, now)


def halt(session: Session, number: int, reason: str, now: datetime) -> None:
    """Pause the schedule of this number, if it is still there."""
    why = history.reason(reason)
    change(session, Schedule, Schedule.id == number, paused_at=now, reason=why, next_at=None)


def resume(session: Session, name: str, now: datetime) -> None:
    """Let it order again; the fires in between are not made up for. Raises NotFound, ScheduleRuns."""
    schedule = get(session, name)
    first = cron.parse(schedule.cron, schedule.zone).first(now)
    on = {"paused_at": None, "reason": None, "since": now, "seen_at": now, "next_at": first}
    if not change(session, Schedule, Schedule.id == schedule.id, Schedule.paused_at.is_not(None), **on):
        raise ScheduleRuns(name=name)


def remove(session: Session, name: str) -> None:
    """Forget it and its fires; its tasks stay. Raises NotFound."""
    if not rows(session.execute(delete(Schedule).where(Schedule.name == name))):
        get(session, name)


def run(session: Session, name: str, host: Host, now: datetime) -> int:
    """Order its task now, besides its fires, which go on as if nothing was; the task's number.

    Raises NotFound, and what `orders.order` does.
    """
    wish = order_of(get(session, name), f"{name}-{now:%Y%m%d-%H%M%S}", host.instance)
    return orders.order(session, wish, host.queues, now, host.rules).id


def order_of(schedule: Schedule, name: str, instance: str) -> Order:
    """What it orders, as a task of this name, by way of this installation."""
    tags = schedule.wish["tags"] | {TAG: schedule.name}
    return Order(**schedule.wish | {"name": name, "tags": tags, "instance": instance})


# looking


def list_schedules(session: Session) -> list[Shown]:
    """All of them, by name."""
    newest = select(Fire.id).where(Fire.schedule_id == Schedule.id).order_by(Fire.at.desc()).limit(1)
    last = newest.correlate(Schedule).scalar_subquery()
    found = session.execute(select(Schedule, Fire).outerjoin(Fire, Fire.id == last).order_by(Schedule.name))
    return [_facts(schedule, fire) for schedule, fire in found]


def show(session: Session, name: str, now: datetime) -> Shown:
    """One of them, with its next fires and its last ones, the newest first. Raises NotFound."""
    schedule = get(session, name)
    chosen = select(Fire).where(Fire.schedule_id == schedule.id).order_by(Fire.at.desc()).limit(2 * NEXT)
    fires = session.scalars(chosen).all()
    tasks = {task.id: task for task in session.scalars(select(Task).where(Task.id.in_({f.task_id for f in fires})))}
    return _facts(schedule, fires[0] if fires else None) | {
        "order": schedule.wish,
        "succeeded_at": iso8601(_succeeded(session, schedule)),
        "next": [] if schedule.paused_at else _upcoming(schedule, now),
        "fires": [_fire(fire, tasks.get(fire.task_id or 0)) for fire in fires],
    }


def _facts(schedule: Schedule, last: Fire | None) -> Shown:
    return {
        "name": schedule.name,
        "cron": schedule.cron,
        "zone": schedule.zone,
        "grace": schedule.grace,
        "recipe": schedule.wish["recipe"],
        "user": schedule.wish["user"],
        "paused_at": iso8601(schedule.paused_at),
        "reason": schedule.reason,
        "since": iso8601(schedule.since),
        "next_at": iso8601(schedule.next_at),
        "fired_at": last and iso8601(last.fired_at),
        "task": last and last.task_id,
        "error": last and last.error,
    }


def _fire(fire: Fire, task: Task | None) -> Shown:
    return {
        "at": iso8601(fire.at),
        "fired_at": iso8601(fire.fired_at),
        "task": fire.task_id,
        "state": task and str(task.state),
        "finished_at": task and iso8601(task.finished_at),
        "error": fire.error,
    }


def _upcoming(schedule: Schedule, now: datetime) -> list[Shown]:
    line = cron.parse(schedule.cron, schedule.zone)
    return [{"at": iso8601(at), "local": at.astimezone(line.zone).isoformat()} for at in line.next(now, NEXT)]


def _succeeded(session: Session, schedule: Schedule) -> datetime | None:
    """When its order was last carried out with success, as far as is known."""
    done = TaskState.READY, TaskState.EXPIRED
    fires = select(Task.finished_at).join(Fire, Fire.task_id == Task.id).where(Fire.schedule_id == schedule.id)
    last = session.scalar(fires.where(Task.state.in_(done)).order_by(Fire.at.desc()).limit(1))
    noted = executions.last(session, schedule.wish["recipe"], schedule.wish["options"])
    return max((at for at in (last, noted and noted.at) if at), default=None)
