"""Migrations are the models: on each database, from empty, and back."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from isobuild import schema
from isobuild.db import Database
from isobuild.domain.tables import Base
from isobuild.errors import DatabaseOutdated


@pytest.fixture
def empty(database_url: str) -> Database:
    return Database(database_url)


def test_migrations_make_the_models(empty: Database) -> None:
    schema.upgrade(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_indexes_keep_the_order_of_their_columns(empty: Database) -> None:
    schema.upgrade(empty)
    index = next(i for i in inspect(empty.engine).get_indexes("tasks") if i["name"] == "ix_tasks_ready")
    assert index["column_names"] == ["state", "not_before", "queue", "rank", "created_at", "id"]


def test_upgrade_twice_and_downgrade(empty: Database) -> None:
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
