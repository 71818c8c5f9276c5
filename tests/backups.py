"""Databases with something in every table, as the tests of export and import need them."""

import io
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from fires import DAY, THREE, add, fire
from orders import (
    HOST,
    all_rows,
    claim,
    order_task,
    start_build,
    succeed,
)
from servers import Databases

from isobuild import backup, schema
from isobuild.db import Database
from isobuild.domain import builds, limits, queues, tasks
from isobuild.domain.builds import End
from isobuild.domain.rules import Allowance
from isobuild.domain.states import AfterFailure, BuildState, Cause

KINDS = ("sqlite", "mariadb", "postgresql")
ODD = "a 4-byte 🐧, é, \u202e, \N{REPLACEMENT CHARACTER}, \\ ' \" %s \t\n"
Open = Callable[[str, str], Database]


@pytest.fixture
def opened(request: pytest.FixtureRequest, migrated: Callable[[Databases], str]) -> Iterator[Open]:
    """Makes a database with the schema and no rows, of any kind and name."""
    made: list[tuple[Databases, str, Database]] = []

    def make(kind: str, name: str) -> Database:
        databases: Databases = request.getfixturevalue(kind)
        made.append((databases, name, Database(databases.copy(migrated(databases), name))))
        return made[-1][2]

    yield make
    for databases, name, database in made:
        database.dispose()
        databases.drop(name)


def fill(database: Database) -> None:
    """Rows in every table: 1 is ready, 2 failed, 3 is being built, 4 waits for it, 5 and 6 are gone."""
    add(database, options={"title": ODD}, write_last_exec=True)
    fire(database, THREE)
    succeed(database, start_build(database, THREE), THREE)
    order_task(database, "odd", THREE, options={"é": [ODD, "\x00\ud800", None, 1.5e300, {}]}, user="bob", ttl=0.1 + 0.2)
    launch = start_build(database, THREE)
    end = End(state=BuildState.FAILED, cause=Cause.REQUEST, error=f"{ODD}\x00", tail=ODD, results={"z": 1, "a": [ODD]})
    database.write(builds.finish, launch.build, launch.token, end, THREE + timedelta(microseconds=1))
    order_task(database, "base", THREE, tags={"team": "kde", "t-1": "a 🐧", "t.1": "", "t_1": "x"}, priority=7)
    order_task(database, "flavour", THREE, after=[3], not_after=THREE + DAY, on_dependency_failure=AfterFailure.RUN)
    claim(database, start_build(database, THREE), 2**22 + 1, THREE)
    for number, name in ((5, "gone"), (6, "too")):
        order_task(database, name, THREE, not_before=THREE + timedelta(hours=1, microseconds=999999))
        database.write(tasks.remove, number, "ann", THREE)
    for queue, reason in (("high", "mirror down"), ("low", "é 🐧")):
        database.write(queues.pause, queue, reason, HOST.queues, "ann", THREE)
    for name in ("mirror", "Mirror", "mirror-2", "mirror 1", "MIRROR_3", "é"):
        database.write(limits.draw, name, Allowance(3, DAY), THREE, 1 / 3)
    assert [name for name, rows in all_rows(database).items() if not rows] == []


def export(database: Database) -> bytes:
    out = io.BytesIO()
    backup.export(database, out, "1.2.3")
    return out.getvalue()


def read(database: Database, exported: bytes) -> int:
    return backup.read(database, io.BytesIO(exported))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a full SQLite database gives."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('exported')}/full.sqlite3")
    schema.upgrade(database)
    fill(database)
    return export(database)
