"""Fires that are due and were not acted upon."""

from datetime import datetime, timedelta

from isobuild.domain import cron
from isobuild.domain.tables import Schedule
from proof.laws import Whole


def missed(world: Whole, now: datetime) -> list[str]:
    """After a tick at `now`: no schedule's latest fire within its grace is left, unless a later one was acted upon."""
    return [
        f"schedule {schedule.name} missed its fire at {at}"
        for schedule in world.schedules.values()
        if schedule.paused_at is None and (at := _latest(schedule, now)) and not _acted(world, schedule, at, now)
    ]


def _latest(schedule: Schedule, now: datetime) -> datetime | None:
    if schedule.since > now:  # the clock was ahead when it was added; what then counts is firing's own matter
        return None
    begin = max(schedule.since, now - timedelta(seconds=schedule.grace))
    return cron.parse(schedule.cron, schedule.zone).latest(begin, now)


def _acted(world: Whole, schedule: Schedule, at: datetime, now: datetime) -> bool:
    return any(fire.schedule_id == schedule.id and at <= fire.at <= now for fire in world.fires)
