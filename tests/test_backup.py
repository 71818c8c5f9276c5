"""All rows leave one database and go on in another, of whichever kind."""

import json
from collections.abc import Callable

import pytest
from backups import KINDS, Open, export, exported, fill, opened, read
from fires import DAY, THREE, fire, ordered
from orders import (
    MINUTE,
    FakeLauncher,
    all_rows,
    order_task,
    run_tick,
    start_build,
    task_row,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.db import Database, last_number
from isobuild.domain import builds
from isobuild.domain.builds import End
from isobuild.domain.states import BuildState, Cause, TaskState
from isobuild.domain.tables import Event
from isobuild.errors import NotEmpty
from isobuild.store.local import Stored

__all__ = ["exported", "opened"]


@pytest.mark.parametrize("source", KINDS)
def test_equal_rows_give_equal_bytes_wherever_they_are(opened: Open, source: str) -> None:
    full = opened(source, "filled")
    fill(full)
    exported = export(full)
    assert export(full) == exported
    for target in KINDS:
        empty = opened(target, f"from_{source}")
        assert read(empty, exported) == exported.count(b"\n") - 2
        assert all_rows(empty) == all_rows(full)
        assert export(empty) == exported


def test_an_empty_database_may_travel_too(opened: Open) -> None:
    exported = export(opened("sqlite", "empty"))
    assert exported.count(b"\n") == 2
    for kind in KINDS:
        empty = opened(kind, "still_empty")
        assert read(empty, exported) == 0
        assert export(empty) == exported


# the site goes on


def test_new_orders_get_new_numbers(database: Database, exported: bytes) -> None:
    """Not those of tasks that are gone either: their history is still there."""
    read(database, exported)
    assert order_task(database, "new", THREE) == 7
    with database.read() as session:
        assert session.scalar(select(Event.task_id).order_by(Event.id.desc()).limit(1)) == 7
    assert export(database).splitlines()[0] != exported.splitlines()[0]


def test_what_was_blocked_goes_on_when_its_base_is_ready(database: Database, exported: bytes) -> None:
    read(database, exported)
    with database.read() as session:
        row = builds.get(session, 3)
    file = Stored(name="base.iso", size=9 << 40, sha256="ab" * 32)
    database.write(
        builds.finish, row.id, row.token or "", End(state=BuildState.SUCCEEDED, files={"iso": file}), THREE + MINUTE
    )
    assert (task_row(database, 3).state, task_row(database, 4).state) == (TaskState.READY, TaskState.PENDING)
    assert start_build(database, THREE + MINUTE).task == 4


def test_an_open_build_ends_as_lost_and_is_tried_again(database: Database, exported: bytes) -> None:
    """Its runner is gone, or of another machine: then its lease is over in a minute."""
    read(database, exported)
    run_tick(database, FakeLauncher(database), THREE + 2 * MINUTE)
    with database.read() as session:
        assert builds.get(session, 3).cause is Cause.LOST
    assert start_build(database, THREE + 60 * MINUTE).task == 3


def test_a_schedule_fires_once(database: Database, exported: bytes) -> None:
    read(database, exported)
    before = ordered(database)
    assert fire(database, THREE + MINUTE) == 0
    assert fire(database, THREE + DAY) == 1
    assert fire(database, THREE + DAY) == 0
    assert ordered(database) == [*before, "nightly-20261123-0300"]


def test_a_database_with_rows_takes_none(database: Database, exported: bytes) -> None:
    order_task(database, "mine")
    before = all_rows(database)
    with pytest.raises(NotEmpty, match=r"^There are rows in history, users, tasks already"):
        read(database, exported)
    assert all_rows(database) == before


# while the site goes on


def test_what_is_exported_is_one_moment(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that is ordered meanwhile, with all its rows, is in it or not."""
    for kind in KINDS:
        busy = opened(kind, "busy")
        order_task(busy, "first")
        monkeypatch.setattr("isobuild.backup.last_number", _meanwhile(busy))
        exported = export(busy)
        assert exported.count(b'"table": "tasks"') == exported.count(b'"table": "history"') == 1
        assert json.loads(exported.splitlines()[0])["numbers"]["tasks"] >= 1
        monkeypatch.undo()
        assert len(all_rows(busy)["tasks"]) > 1


def _meanwhile(database: Database) -> Callable[[Session, str], int]:
    names = iter(range(100))

    def asked(session: Session, table: str) -> int:
        order_task(database, f"meanwhile-{next(names)}")
        return last_number(session, table)

    return asked
