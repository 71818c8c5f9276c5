"""The rows of a database, put back as they were, with the numbers that new ones will have."""

from collections.abc import Collection
from contextlib import closing
from typing import Any

from sqlalchemy import Table, insert, select, text

from isobuild.db import Database
from isobuild.domain.columns import Base

TABLES = Base.metadata.sorted_tables
#: a table that is put back needs no other to be put back with it
UNBOUND = {
    "sqlite": "PRAGMA foreign_keys = OFF",
    "mariadb": "SET foreign_key_checks = 0",
    "postgresql": "SET session_replication_role = replica",
}
RENUMBER = {
    "sqlite": "UPDATE sqlite_sequence SET seq = {next} - 1 WHERE name = '{table}'",
    "mariadb": "ALTER TABLE {table} AUTO_INCREMENT = {next}",
    "postgresql": "SELECT setval('{table}_id_seq', {next}, false)",
}


class Rows:
    """What there is when it is made; none of the tables is without `id` or rows for long."""

    def __init__(self, database: Database) -> None:
        self.kind = database.engine.dialect.name.replace("mysql", "mariadb")
        self.connection = database.writer.connect()
        with closing(self.connection.connection.cursor()) as cursor:  # SQLite obeys outside of transactions only
            cursor.execute(UNBOUND[self.kind])
        self.connection.connection.commit()
        self.first: dict[str, list[dict[str, Any]]] = {}

    def keep(self) -> None:
        """From now on these are to be put back."""
        with self.connection.begin():
            rows = {table.name: self.connection.execute(select(table)).mappings().all() for table in TABLES}
        self.first = {name: [dict(row) for row in some] for name, some in rows.items()}

    def clear(self) -> None:
        """Remove all there is."""
        self.first = {}
        self.put_back(Base.metadata.tables)

    def put_back(self, names: Collection[str]) -> None:
        """Make the rows of these tables what they were."""
        with self.connection.begin():
            for table in (table for table in TABLES if table.name in names):
                self._put_back(table, self.first.get(table.name, []))

    def _put_back(self, table: Table, rows: list[dict[str, Any]]) -> None:
        self.connection.execute(table.delete())
        if rows:
            self.connection.execute(insert(table), rows)
        if "id" in table.columns:
            following = max((row["id"] for row in rows), default=0) + 1
            self.connection.execute(text(RENUMBER[self.kind].format(table=table.name, next=following)))

    def close(self) -> None:
        self.connection.close()
