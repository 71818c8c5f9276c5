"""Migrations are the models: on each database, from empty, and back."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from orders import NOW, order_task, replay, start_build, succeed
from sqlalchemy import inspect

from isobuild import schema
from isobuild.db import Database
from isobuild.domain import history, keys, tasks
from isobuild.domain.columns import Base
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Artifact, Build, Task
from isobuild.errors import DatabaseOutdated, Overlaps


@pytest.fixture
def empty(database_url: str) -> Database:
    return Database(database_url)


def test_migrations_make_the_models(empty: Database) -> None:
    """S2.2, S2.C2: the tables come by migrations, with every column and index."""
    schema.upgrade(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": differ})
        assert compare_metadata(context, Base.metadata) == []


def differ(_: object, _column: object, _model: object, *defaults: Any) -> bool:
    """Whether the defaults of a column are others; each engine writes them in its own way."""
    found, _default, wanted = defaults
    return _plain(found) != _plain(wanted)


def _plain(default: str | None) -> str | None:
    if default is None:
        return None
    plain = default.partition("::")[0].strip("()").strip("'")
    return {"false": "0"}.get(plain, plain)


def test_indexes_keep_the_order_of_their_columns(empty: Database) -> None:
    """S2.C2, S4.32: the index that a claim walks."""
    schema.upgrade(empty)
    index = next(i for i in inspect(empty.engine).get_indexes("tasks") if i["name"] == "ix_tasks_ready")
    assert index["column_names"] == ["state", "not_before", "queue", "rank", "created_at", "id"]


def test_upgrade_twice_and_downgrade(empty: Database) -> None:
    """S2.C3: each table is made as itself, as often as it is called."""
    assert schema.current(empty) is None
    schema.upgrade(empty)
    schema.upgrade(empty)
    assert schema.current(empty) == schema.head()
    schema.require(empty)
    schema.downgrade(empty, "base")
    assert inspect(empty.engine).get_table_names() == ["alembic_version"]
    schema.upgrade(empty)
    schema.require(empty)


def test_an_empty_database_is_outdated(empty: Database) -> None:
    with pytest.raises(DatabaseOutdated, match="isobuild db upgrade"):
        schema.require(empty)


HEART = (
    "INSERT INTO users VALUES (1, 'ann', '2026-11-20 12:00:00')",
    "INSERT INTO tasks (id, user_id, name, iso, recipe, options, state, queue, {rank}, not_before, attempts,"
    " max_attempts, retry_delay, time_limit, created_at) VALUES (1, 1, 'tea', 'tea.iso', 'tiny', '{{}}', 'ready',"
    " 'default', 0, '1970-01-01 00:00:00', 0, 5, 30, 7200, '2026-11-20 12:00:00')",
    "INSERT INTO builds (id, task_id, state, attempt, host, slot, leased_until, percent, created_at)"
    " VALUES (7, 1, 'succeeded', 1, 'oven', 0, '2026-11-20 12:01:00', 100, '2026-11-20 12:00:00')",
    "INSERT INTO artifacts VALUES (1, 1, 7, 'tea.iso', 3, 'ab', '2026-11-20 12:02:00')",
)


def test_a_site_of_the_first_version_comes_along_and_back(empty: Database) -> None:
    schema.upgrade(empty, "0001_heart")
    rank = {"mariadb": "`rank`"}.get(empty.engine.dialect.name, "rank")
    with empty.writer.begin() as connection:
        for statement in HEART:
            connection.exec_driver_sql(statement.format(rank=rank))
    schema.upgrade(empty)
    with empty.read() as session:
        build, file, task = session.get_one(Build, 7), session.get_one(Artifact, 1), session.get_one(Task, 1)
        assert (build.recipe, build.task_id, file.kind, file.file) == ("tiny", 1, "iso", "tea.iso")
        assert (task.state, task.waits, task.pinned, task.without_overlapping) == (TaskState.READY, 0, False, False)
        assert task.key == keys.key("tiny", {})
        assert replay(history.of(session, 1)) == {None: "ready", 7: "succeeded"}
    schema.downgrade(empty, "0001_heart")
    with empty.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT task_id, build_id, name FROM artifacts").all() == [(1, 7, "tea.iso")]


def test_what_only_the_second_version_can_hold_goes_back_without_it(database: Database) -> None:
    """A shared ISO whose builder was removed, tasks that wait for others, and what would overlap with them."""
    order_task(database, "builder", fingerprint="f" * 64)
    succeed(database, start_build(database))
    order_task(database, "sharer", fingerprint="f" * 64)
    database.write(tasks.remove, 1, "ann", NOW)
    base = order_task(database, "base", fingerprint="e" * 64)
    order_task(database, "flavour", after=[base])
    order_task(database, "follower", fingerprint="e" * 64)
    states = "SELECT name, state FROM tasks ORDER BY id"
    with database.engine.connect() as connection:
        assert [state for _, state in connection.exec_driver_sql(states)] == ["ready", "pending", "blocked", "blocked"]
    schema.downgrade(database, "0001_heart")
    with database.engine.connect() as connection:
        assert [state for _, state in connection.exec_driver_sql(states)] == ["expired", *["pending"] * 3]
        assert connection.exec_driver_sql("SELECT id FROM artifacts").all() == []
    schema.upgrade(database)
    with pytest.raises(Overlaps):
        order_task(database, "again", without_overlapping=True)
