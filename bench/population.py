"""Tables as a site has them after years: mostly history, and at its end what waits."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

from sqlalchemy import Table, case, func, insert, literal, select, text, true
from sqlalchemy.orm import Session, aliased

from isobuild.db import Database
from isobuild.domain import runners
from isobuild.domain.hosts import Host
from isobuild.domain.keys import key
from isobuild.domain.states import BuildState, TaskState
from isobuild.domain.tables import Artifact, Build, Dependency, Event, Task, User

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = timedelta(minutes=1)  # between two orders
KEEP = timedelta(days=3650)  # longer than any ISO has been kept
BLOCK = 10_000  # tasks of one transaction
TASKS_OF_A_USER = 200
WAITING = 0.2  # the newest tasks' share
PAST = {TaskState.READY: 65, TaskState.FAILED: 15, TaskState.CANCELED: 12, TaskState.EXPIRED: 8}
#: what their builds came to
ENDS = {
    TaskState.READY: BuildState.SUCCEEDED,
    TaskState.FAILED: BuildState.FAILED,
    TaskState.CANCELED: BuildState.CANCELED,
    TaskState.EXPIRED: BuildState.SUCCEEDED,
}
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

    def size(self, build: int) -> int:
        raise AssertionError(build)

    def remove(self, build: int) -> None:
        raise AssertionError(build)


def fill(database: Database, tasks: int) -> None:
    """Put so many tasks into an empty database, with their builds and artifacts, and one build in hand."""
    past = round(tasks * (1 - WAITING))
    database.write(_add_users, tasks // TASKS_OF_A_USER)
    database.write(_drop_indexes)
    for numbers, shares in ((range(past), PAST), (range(past, tasks), PRESENT)):
        block = database.write(_add_tasks, numbers[:BLOCK], tasks, shares)
        for copied in range(BLOCK, len(numbers), BLOCK):
            database.write(_repeat, block[: len(numbers) - copied], copied)
    database.write(_create_indexes)
    database.write(_add_builds)
    database.write(_add_artifacts)
    database.write(_occupy)
    database.write(_add_dependencies)
    database.write(_add_history)
    _gather_statistics(database)


def _add_users(session: Session, users: int) -> None:
    session.execute(insert(User), [{"name": f"user-{user}", "created_at": NOW} for user in range(users)])


def _drop_indexes(session: Session) -> None:
    """One pass over all rows makes an index sooner than a million changes of it."""
    for index in cast(Table, Task.__table__).indexes:
        index.drop(session.connection())


def _create_indexes(session: Session) -> None:
    for index in cast(Table, Task.__table__).indexes:
        index.create(session.connection())


def _add_tasks(session: Session, numbers: range, tasks: int, shares: Mapping[TaskState, int]) -> range:
    """The rows' ids."""
    before = session.scalar(select(func.max(Task.id))) or 0
    chance = Random(numbers.start)
    session.execute(insert(Task), [_task(chance, number, tasks, _one(chance, shares)) for number in numbers])
    first = session.scalars(select(func.min(Task.id)).where(Task.id > before)).one()
    return range(first, first + len(numbers))


def _task(chance: Random, number: int, tasks: int, state: TaskState) -> dict[str, Any]:
    created = NOW - (tasks - number) * EVERY
    options = {"packages": ["nginx", "htop"], "hostname": f"host-{number}"}
    this = key("debian-live", options)
    sleeps = state is TaskState.PENDING and chance.random() < SLEEPING
    return {
        "user_id": number // TASKS_OF_A_USER + 1, "name": f"image-{number}", "iso": f"image-{number}.iso",
        "recipe": "debian-live", "options": options, "key": this, "fingerprint": this, "weight": 2, "state": state,
        "waits": 1 if state is TaskState.BLOCKED else 0, "instance": "bench",
        "queue": _one(chance, QUEUES), "rank": _one(chance, RANKS), "attempts": 0,
        "not_before": NOW + chance.randrange(1, 10_000) * EVERY if sleeps else None, "max_attempts": 5,
        "retry_delay": 30.0, "time_limit": 7200.0, "created_at": created,
        "finished_at": created + EVERY if state in PAST else None,
    }  # fmt: skip


def _repeat(session: Session, block: range, further: int) -> None:
    """History repeats itself, with other users: the database copies a block sooner than we could write it."""
    same = [column for column in Task.__table__.columns if column.name not in {"id", "user_id"}]
    rows = select(Task.user_id + further // TASKS_OF_A_USER, *same).where(Task.id.between(block[0], block[-1]))
    session.execute(insert(Task).from_select(["user_id", *(column.name for column in same)], rows))


def _one(chance: Random, shares: Mapping[Any, int]) -> Any:
    return chance.choices(list(shares), list(shares.values()))[0]


def _add_builds(session: Session) -> None:
    """In the order of their tasks, whatever they came to."""
    state = case(*((Task.state == task, build.value) for task, build in ENDS.items()))
    columns = ["task_id", "recipe", "weight", "state", "attempt", "host", "slot", "leased_until", "percent"]
    columns += ["created_at", "started_at", "finished_at"]
    what = Task.id, Task.recipe, Task.weight, state, literal(1), literal(BUSY.name), literal(0)
    rest = Task.created_at, literal(100.0), Task.created_at, Task.created_at, Task.finished_at
    rows = select(*what, *rest).where(Task.state.in_(list(ENDS))).order_by(Task.id)
    session.execute(insert(Build).from_select(columns, rows, include_defaults=False))


def _add_artifacts(session: Session) -> None:
    facts = literal("iso"), Task.iso, Task.iso, literal(200 << 20), literal("0" * 64), Task.created_at
    rows = select(Build.task_id, Build.id, *facts).join(Task, Task.id == Build.task_id)
    rows = rows.where(Task.state == TaskState.READY)
    columns = "task_id", "build_id", "kind", "name", "file", "size", "sha256", "created_at"
    session.execute(insert(Artifact).from_select(columns, rows))


def _occupy(session: Session) -> None:
    task = session.scalars(select(Task).where(Task.state == TaskState.BLOCKED).limit(1)).one()
    task.state, task.waits = TaskState.BUILDING, 0
    build = Build(
        task_id=task.id, open_task=task.id, recipe=task.recipe, weight=task.weight, state=BuildState.RUNNING,
        attempt=1, host=BUSY.name, slot=0, open_slot=f"{BUSY.name}/0", token="t",
        runner_id=runners.register(session, "run", os.getpid(), BUSY, NOW),
        leased_until=NOW + timedelta(days=1), created_at=NOW, started_at=NOW,
    )  # fmt: skip
    session.add(build)


def _add_dependencies(session: Session) -> None:
    before = aliased(Task)
    blocked = select(Task.id, before.id, ~true()).where(Task.state == TaskState.BLOCKED)
    rows = blocked.join(before, before.id == Task.id - 1)
    session.execute(insert(Dependency).from_select(["task_id", "on_id", "met"], rows))


def _add_history(session: Session) -> None:
    """Each task's first event and its last: the others are pruned."""
    columns = "task_id", "at", "who", "old", "new"
    ordered = select(Task.id, Task.created_at, literal("bench"), literal(None), literal("pending"))
    ended = select(Task.id, Task.finished_at, literal("bench"), literal("building"), Task.state)
    for rows in (ordered, ended.where(Task.finished_at.is_not(None))):
        session.execute(insert(Event).from_select(columns, rows))


def _gather_statistics(database: Database) -> None:
    # what a server does by itself, some time after so many rows came; SQLite never does
    tables = ", ".join(table.name for table in Task.metadata.sorted_tables)
    commands = {"postgresql": f"VACUUM ANALYZE {tables}", "mariadb": f"ANALYZE TABLE {tables}"}
    if command := commands.get(database.engine.dialect.name):
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(command)).close()
