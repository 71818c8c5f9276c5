"""Firing: schedules that are due order their tasks.

What is due is found from the fires that were acted upon, so that no clock that stops or steps can lose or double one:
each has its row, which is unique, in the same transaction as the task that it orders. `next_at` and `seen_at` only tell
where to look.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from isobuild.domain import cron, orders, schedules
from isobuild.domain.guard import change
from isobuild.domain.history import clean
from isobuild.domain.hosts import Host
from isobuild.domain.tables import Fire, Schedule
from isobuild.errors import BadInput, IsobuildError


def due(session: Session, now: datetime) -> list[int]:
    """The numbers of the schedules that may have a fire to act upon: its time has come, or the clock went back."""
    look = or_(Schedule.next_at <= now, Schedule.seen_at > now)
    return sorted(session.scalars(select(Schedule.id).where(look, Schedule.paused_at.is_(None))))


def fire(session: Session, number: int, host: Host, now: datetime) -> bool:
    """Act upon the latest fire of a schedule that is due, if there is one; whether this did.

    If its order is refused, the fire keeps why.
    """
    schedule = session.get(Schedule, number, with_for_update=True)  # whoever else ticks now comes after
    if schedule is None or schedule.paused_at:
        return False
    try:
        line = cron.parse(schedule.cron, schedule.zone)
    except BadInput as error:  # as another release wrote it, or a machine has no time zones
        schedules.halt(session, number, f"on {host.name}: {error}", now)
        return False
    at = line.latest(_start(session, schedule, now), now)
    acted = at is not None and _act(session, schedule, at, host, now)
    change(session, Schedule, Schedule.id == number, Schedule.paused_at.is_(None), seen_at=now, next_at=line.first(now))
    return acted


def _start(session: Session, schedule: Schedule, now: datetime) -> datetime:
    """Up to then no fire counts: it has fired, was paused or not there, or it is too long ago."""
    since = schedule.since
    if since > now:  # the clock was ahead when it was added: it begins when that was noticed
        since = min(schedule.seen_at, now)
    fired = session.scalar(select(func.max(Fire.at)).where(Fire.schedule_id == schedule.id, Fire.at <= now))
    return max(since, fired or since, now - timedelta(seconds=schedule.grace))


def _act(session: Session, schedule: Schedule, at: datetime, host: Host, now: datetime) -> bool:
    acted = Fire(schedule_id=schedule.id, at=at, fired_at=now)
    try:
        with session.begin_nested():
            session.add(acted)
    except IntegrityError:  # another tick was here first, or somebody removed the schedule
        return False
    try:
        with session.begin_nested():
            wish = schedules.order_of(schedule, f"{schedule.name}-{at:%Y%m%d-%H%M}", host.instance)
            known = (*host.queues, wish.queue)  # another host may serve that
            acted.task_id = orders.order(session, wish, known, now, host.rules).id
    except (IsobuildError, LookupError, TypeError, ValueError) as error:  # the last three: as another release wrote it
        acted.error = clean(str(error))
    return True
