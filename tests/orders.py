"""Orders, launches and rows, as the tests of the heart need them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild import tick
from isobuild.db import Database
from isobuild.domain import builds, orders, runners, tasks
from isobuild.domain.builds import End
from isobuild.domain.columns import Base
from isobuild.domain.history import By
from isobuild.domain.hosts import Host
from isobuild.domain.orders import Order
from isobuild.domain.states import BuildState, Cause
from isobuild.domain.tables import Build, Event, Task
from isobuild.launchers.base import Launcher
from isobuild.store.local import Stored

NOW = datetime(2026, 11, 21, 7, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BY = By("ann", NOW)
HOST = Host("oven")
SITE = tick.Site(host=HOST)


@dataclass(frozen=True)
class Launch:
    """A launch, and the build's row as another connection saw it at that moment."""

    build: int
    token: str
    task: int
    finished: bool
    busy: bool
    committed_token: str | None


class FakeLauncher:
    """Starts nothing; notes what it was asked to start."""

    def __init__(self, database: Database) -> None:
        self.url = url_of(database)
        self.launched: list[Launch] = []

    def launch(self, build: int, token: str) -> None:
        elsewhere = Database(self.url)
        with elsewhere.read() as session:
            row = builds.get(session, build)
            self.launched.append(Launch(build, token, row.task_id, row.finished, row.busy, row.token))
        elsewhere.dispose()

    @property
    def tasks(self) -> list[int]:
        """The numbers of the tasks whose builds were launched, in their order."""
        return [launch.task for launch in self.launched]


def url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def order_task(database: Database, name: str, now: datetime = NOW, user: str = "diky", **wish: Any) -> int:
    """Order a task; its number."""
    return database.write(
        orders.order, Order(**{"user": user, "name": name, "recipe": "tiny"} | wish), HOST.queues, now
    ).id


def claim(database: Database, launch: Launch, pid: int, now: datetime = NOW, host: Host = HOST) -> tuple[Build, Task]:
    """Take a launched build, as the runner that is this process."""
    return database.write(_claim, launch, pid, host, now)


def _claim(session: Session, launch: Launch, pid: int, host: Host, now: datetime) -> tuple[Build, Task]:
    runner = runners.register(session, "run", pid, host, now)
    return builds.claim(session, launch.build, launch.token, runner, host, now)


def start_build(database: Database, now: datetime = NOW, host: Host = HOST) -> Launch:
    """Tick, and return the one launch that this made."""
    launcher = FakeLauncher(database)
    run_tick(database, launcher, now, host)
    (launch,) = launcher.launched
    return launch


def run_tick(database: Database, launcher: Launcher, now: datetime = NOW, host: Host = HOST) -> tick.Ticked:
    return tick.tick(database, launcher, tick.Site(host=host), now)


def succeed(database: Database, launch: Launch, now: datetime = NOW) -> None:
    """Report the build done, with a file of its task's name."""
    file = Stored(name=task_row(database, launch.task).iso, size=700 << 20, sha256="5a" * 32)
    database.write(builds.finish, launch.build, launch.token, End(state=BuildState.SUCCEEDED, files={"iso": file}), now)


def fail(database: Database, launch: Launch, now: datetime = NOW, cause: Cause = Cause.UPSTREAM) -> None:
    """Report the build failed."""
    end = End(state=BuildState.FAILED, cause=cause, error="The mirror is away.", step="bootstrap")
    database.write(builds.finish, launch.build, launch.token, end, now)


def task_row(database: Database, number: int) -> Task:
    with database.read() as session:
        return tasks.get(session, number)


def build_row(database: Database, number: int) -> Build:
    with database.read() as session:
        return builds.get(session, number)


def all_rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


def replay(events: Iterable[Event]) -> dict[int | None, str]:
    """The states that a task's history comes to: of each build by its number, of the task itself by None.

    Raises ValueError if an event does not begin where the one before it ended.
    """
    states: dict[int | None, str] = {}
    for event in events:
        state = states.get(event.build_id)
        if event.old != state:
            raise ValueError(f"event {event.id} begins at {event.old}, and what it changes is {state}")
        states[event.build_id] = event.new
    return states
