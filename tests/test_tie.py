"""A home belongs to one database, and whatever another one does not know there stays."""

import io
from pathlib import Path

import pytest
from orders import MINUTE, NOW, order_task

from isobuild import backup, tie
from isobuild.db import Database
from isobuild.errors import WrongDatabase


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "database"


def other(file: Path) -> Database:
    """A database of somebody else's, which is still empty."""
    from isobuild import schema

    database = Database(f"sqlite:///{file.with_name('other.sqlite3')}")
    schema.upgrade(database)
    return database


def test_the_first_database_with_a_user_is_the_homes(database: Database, file: Path) -> None:
    tie.check(database, file)
    assert not file.exists()
    order_task(database, "tea")
    tie.check(database, file)
    assert file.read_text() == "1 2026-11-21T07:00:00.123456+00:00\n"
    order_task(database, "mint", user="ann")
    tie.check(database, file)
    assert [path.name for path in file.parent.iterdir()] == ["database"]


def test_another_database_is_not(database: Database, file: Path) -> None:
    """Be it empty, or one whose first user has the same number."""
    order_task(database, "tea")
    tie.check(database, file)
    wrong = other(file)
    with pytest.raises(WrongDatabase, match=f"^Nothing is pruned: {file.parent} belongs to another database"):
        tie.check(wrong, file)
    order_task(wrong, "tea", NOW + MINUTE)
    with pytest.raises(WrongDatabase):
        tie.check(wrong, file)
    tie.check(database, file)


def test_an_import_brings_the_home_along(database: Database, file: Path) -> None:
    order_task(database, "tea")
    tie.check(database, file)
    rows = io.BytesIO()
    backup.export(database, rows, "x")
    new = other(file)
    backup.read(new, rows)
    tie.check(new, file)


@pytest.mark.parametrize("text", ["", "nonsense", "1", "1 yesterday\n", "one 2026-11-21T07:00:00+00:00"])
def test_a_file_that_somebody_spoilt_belongs_to_nobody(database: Database, file: Path, text: str) -> None:
    order_task(database, "tea")
    file.write_text(text)
    with pytest.raises(WrongDatabase, match=f"remove {file} if this one is right"):
        tie.check(database, file)
    file.unlink()
    tie.check(database, file)
