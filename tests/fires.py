"""Schedules and their fires, as the tests of them need them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from orders import HOST, NOW
from sqlalchemy import select

from isobuild import tick
from isobuild.db import Database
from isobuild.domain import schedules
from isobuild.domain.hosts import Host
from isobuild.domain.orders import Order
from isobuild.domain.tables import Fire, Schedule, Task

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
THREE = datetime(2026, 11, 22, 3, tzinfo=UTC)  # the first fire of a schedule that is added at NOW


def add(database: Database, name: str = "nightly", line: str = "0 3 * * *", now: datetime = NOW, **said: Any) -> None:
    zone, grace = said.pop("zone", "UTC"), said.pop("grace", schedules.GRACE)
    wish = Order(name=name, **{"user": "diky", "recipe": "tiny", **said})
    database.write(schedules.add, name, line, zone, grace, wish, HOST.queues, now)


def fire(database: Database, now: datetime, host: Host = HOST) -> int:
    """Do what a tick does for schedules; how many orders it made or tried."""
    return tick.fire(database, tick.Site(host=host), now)


def fires(database: Database, name: str = "nightly") -> list[Fire]:
    """What was acted upon, in the order of the fires."""
    with database.read() as session:
        its = select(Fire).join(Schedule, Schedule.id == Fire.schedule_id).where(Schedule.name == name)
        return list(session.scalars(its.order_by(Fire.at)))


def ordered(database: Database) -> list[str]:
    """The names of all tasks."""
    with database.read() as session:
        return list(session.scalars(select(Task.name).order_by(Task.id)))


def row(database: Database, name: str = "nightly") -> Schedule:
    with database.read() as session:
        return schedules.get(session, name)
