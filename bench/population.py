"""Tables as a site has them after years: mostly history, and at its end what waits."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, literal, select, text
from sqlalchemy.orm import Session

from isobuild.db import Database
from isobuild.domain.hosts import Host, process_start
from isobuild.domain.states import BuildState, TaskState
from isobuild.domain.tables import Artifact, Build, Task, User

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = timedelta(minutes=1)  # between two orders
KEEP = timedelta(days=3650)  # longer than any ISO has been kept
BLOCK = 10_000  # tasks of one transaction
TASKS_OF_A_USER = 200
WAITING = 0.2  # the newest tasks' share
PAST = {TaskState.READY: 65, TaskState.FAILED: 15, TaskState.CANCELED: 12, TaskState.EXPIRED: 8}
PRESENT = {TaskState.PENDING: 90, TaskState.BLOCKED: 10}
SLEEPING = 0.2  # of those that are pending
QUEUES = {"high": 10, "default": 70, "low": 20}
RANKS = {0: 80, -10: 10, 10: 10}

#: A slot that a living process holds, and one that is free.
BUSY = Host("busy", slots=1, queues=tuple(QUEUES))
FREE = Host("free", slots=1, queues=tuple(QUEUES))
UNASKED = Host("unasked", slots=1, queues=("nobody-orders-here",))


@dataclass(frozen=True)
class Shelf:
    """A store by its numbers alone."""

    numbers: list[int]

    @classmethod
    def of(cls, session: Session) -> "Shelf":
        """The newest ISOs that can be downloaded."""
        newest = select(Artifact.build_id).order_by(Artifact.id.desc()).limit(500)
        return cls(list(session.scalars(newest)))

    def owned(self) -> Iterable[int]:
        return self.numbers

    def remove(self, build: int) -> None:
        raise AssertionError(build)


def fill(database: Database, tasks: int) -> None:
    """Put so many tasks into an empty database, with their builds and artifacts, and one build in hand."""
    past = round(tasks * (1 - WAITING))
    database.write(_add_users, tasks // TASKS_OF_A_USER)
    database.write(_add_tasks, range(min(past, BLOCK)), tasks, PAST)
    for first in range(BLOCK, past, BLOCK):
        database.write(_repeat_block, first)
    for first in range(past, tasks, BLOCK):
        database.write(_add_tasks, range(first, min(first + BLOCK, tasks)), tasks, PRESENT)
    database.write(_add_builds)
    database.write(_add_artifacts)
    database.write(_occupy)
    _gather_statistics(database)


def _add_users(session: Session, users: int) -> None:
    session.execute(insert(User), [{"name": f"user-{user}", "created_at": NOW} for user in range(users)])


def _add_tasks(session: Session, numbers: range, tasks: int, shares: Mapping[TaskState, int]) -> None:
    chance = Random(numbers.start)
    session.execute(insert(Task), [_task(chance, number, tasks, _one(chance, shares)) for number in numbers])


def _task(chance: Random, number: int, tasks: int, state: TaskState) -> dict[str, Any]:
    created = NOW - (tasks - number) * EVERY
    sleeps = state is TaskState.PENDING and chance.random() < SLEEPING
    return {
        "user_id": number // TASKS_OF_A_USER + 1, "name": f"image-{number}", "iso": f"image-{number}.iso",
        "recipe": "debian-live", "options": {"packages": ["nginx", "htop"]}, "state": state,
        "queue": _one(chance, QUEUES), "rank": _one(chance, RANKS), "attempts": 0,
        "not_before": NOW + chance.randrange(1, 10_000) * EVERY if sleeps else None, "max_attempts": 5,
        "retry_delay": 30.0, "time_limit": 7200.0, "created_at": created,
        "finished_at": created + EVERY if state in PAST else None,
    }  # fmt: skip


def _repeat_block(session: Session, first: int) -> None:
    """History repeats itself, with other users: the database copies its first block sooner than we could write it."""
    same = [column for column in Task.__table__.columns if column.name not in {"id", "user_id"}]
    rows = select(Task.user_id + first // TASKS_OF_A_USER, *same).where(Task.id <= BLOCK)
    session.execute(insert(Task).from_select(["user_id", *(column.name for column in same)], rows))


def _one(chance: Random, shares: Mapping[Any, int]) -> Any:
    return chance.choices(list(shares), list(shares.values()))[0]


def _add_builds(session: Session) -> None:
    ends = {
        BuildState.SUCCEEDED: Task.state.in_([TaskState.READY, TaskState.EXPIRED]),
        BuildState.FAILED: Task.state == TaskState.FAILED,
        BuildState.CANCELED: Task.state == TaskState.CANCELED,
    }
    columns = "task_id", "state", "attempt", "host", "slot", "leased_until", "percent", "created_at", "finished_at"
    for state, whose in ends.items():
        rest = literal(1), literal("busy"), literal(0), Task.created_at, literal(100.0)
        rows = select(Task.id, literal(state.value), *rest, Task.created_at, Task.finished_at).where(whose)
        session.execute(insert(Build).from_select(columns, rows, include_defaults=False))


def _add_artifacts(session: Session) -> None:
    facts = Task.iso, literal(200 << 20), literal("0" * 64), Task.created_at
    rows = select(Build.task_id, Build.id, *facts).join(Task, Task.id == Build.task_id)
    rows = rows.where(Task.state == TaskState.READY)
    columns = "task_id", "build_id", "name", "size", "sha256", "created_at"
    session.execute(insert(Artifact).from_select(columns, rows))


def _occupy(session: Session) -> None:
    task = session.scalars(select(Task).where(Task.state == TaskState.BLOCKED).limit(1)).one()
    task.state = TaskState.BUILDING
    build = Build(
        task_id=task.id, open_task=task.id, state=BuildState.RUNNING, attempt=1, host=BUSY.name, slot=0,
        open_slot=f"{BUSY.name}/0", token="t", pid=os.getpid(), pid_start=process_start(os.getpid()),
        leased_until=NOW + timedelta(days=1), created_at=NOW, started_at=NOW,
    )  # fmt: skip
    session.add(build)


def _gather_statistics(database: Database) -> None:
    # what a server does by itself, some time after so many rows came; SQLite never does
    tables = ", ".join(table.name for table in Task.metadata.sorted_tables)
    commands = {"postgresql": f"VACUUM ANALYZE {tables}", "mariadb": f"ANALYZE TABLE {tables}"}
    if command := commands.get(database.engine.dialect.name):
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(command)).close()
