"""An end waits to be told, a day at most."""

from datetime import timedelta

import pytest
from orders import MINUTE, NOW, order_task, start_build, succeed, task_row

from isobuild.db import Database
from isobuild.domain import signals, tasks


def make(database: Database, count: int) -> None:
    """Ready tasks, one a minute."""
    for number in range(count):
        order_task(database, f"os{number}")
        succeed(database, start_build(database, NOW + number * MINUTE), NOW + number * MINUTE)


def test_what_nobody_was_told_matters_no_longer_after_a_day(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook that comes after years finds few rows to look at; a portion goes at a time."""
    monkeypatch.setattr(signals, "MANY", 2)
    make(database, 4)
    for late, left in ((-MINUTE, 4), (2 * MINUTE, 2), (2 * MINUTE, 1), (2 * MINUTE, 1), (9 * MINUTE, 0)):
        database.write(signals.forget, NOW + signals.MATTERS + late)
        assert sum(task_row(database, number).signal is not None for number in (1, 2, 3, 4)) == left


def test_what_is_tried_again_is_told_of_its_new_end(database: Database) -> None:
    order_task(database, "tea")
    database.write(tasks.cancel, 1, "ann", NOW)
    database.write(tasks.retry, 1, "ann", NOW + timedelta(days=3))
    succeed(database, start_build(database, NOW + timedelta(days=3)), NOW + timedelta(days=3))
    database.write(signals.forget, NOW + timedelta(days=3) + MINUTE)
    assert database.write(signals.due, NOW + timedelta(days=3) + MINUTE) == [(1, "ready")]
