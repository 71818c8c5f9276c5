"""What is written comes back the same from each database."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from orders import NOW, fail, order_task, start_build, succeed, task_row
from sqlalchemy import func, select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from isobuild.db import Database
from isobuild.domain import builds, tasks
from isobuild.domain.builds import End
from isobuild.domain.states import BuildState, Cause
from isobuild.domain.tables import Artifact, Task, User
from isobuild.store.local import Stored

PENGUIN = "a 4-byte 🐧, a combining é, a right-to-left \u202e mark"


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 21, 7, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),  # where a zone with summer time would stumble
        datetime(2000, 1, 1, 0, 0, 0, 0, tzinfo=timezone(timedelta(hours=7))),
    ],
)
def test_a_time_comes_back_in_utc_to_the_microsecond(database: Database, moment: datetime) -> None:
    """S3.3: times are UTC, everywhere."""
    order_task(database, "first", moment)
    back = task_row(database, 1).created_at
    assert back == moment
    assert back.utcoffset() == timedelta(0)


def test_times_are_compared_to_the_microsecond(database: Database) -> None:
    """S0.C3: two moments in one second are two."""
    order_task(database, "first", NOW)
    with database.read() as session:
        for later, found in ((0, 0), (1, 1)):
            older = Task.created_at < NOW + timedelta(microseconds=later)
            assert session.scalar(select(func.count()).where(older)) == found


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="has no time zone"):
        database.write(_add, User(name="diky", created_at=datetime(2026, 11, 21)))  # noqa: DTZ001
    with database.read() as session:
        assert session.scalar(select(func.count(User.id))) == 0


def test_names_are_compared_byte_by_byte(database: Database) -> None:
    for user in ("diky", "Diky", "DIKY"):
        for name in ("A", "a"):
            order_task(database, name, user=user)
    with database.read() as session:
        assert session.scalar(select(func.count(User.id))) == 3
        assert session.scalars(select(Task.name).where(Task.name == "a")).all() == ["a"] * 3


def test_characters_of_four_bytes(database: Database) -> None:
    order_task(database, "first", options={"welcome": PENGUIN, "🐧": [PENGUIN]})
    assert task_row(database, 1).options == {"welcome": PENGUIN, "🐧": [PENGUIN]}
    launch = start_build(database)
    end = End(state=BuildState.FAILED, cause=Cause.UPSTREAM, error=PENGUIN, step="🐧")
    database.write(builds.finish, launch.build, launch.token, end, NOW)
    assert task_row(database, 1).error == PENGUIN


@pytest.mark.parametrize(
    "options", [{}, {"b": 1, "a": [True, None, 1.5, "x"]}, {"nested": {"z": {}, "é": "\x00\\\"'%"}}]
)
def test_options_come_back_as_they_were(database: Database, options: dict[str, Any]) -> None:
    """S1.4, S3.1: what is to be done, as JSON."""
    order_task(database, "first", options=options)
    assert task_row(database, 1).options == options


def test_equal_options_are_equal_texts(database: Database) -> None:
    order_task(database, "first", options={"a": 1, "b": 2})
    order_task(database, "second", options={"b": 2, "a": 1})
    with database.read() as session:
        assert session.scalar(select(func.count()).where(Task.options == {"b": 2, "a": 1})) == 2


def test_sizes_over_four_gibibytes(database: Database) -> None:
    order_task(database, "first")
    launch = start_build(database)
    file = Stored(name="first.iso", size=9 << 40, sha256="ab" * 32)
    database.write(builds.finish, launch.build, launch.token, End(state=BuildState.SUCCEEDED, files={"iso": file}), NOW)
    with database.read() as session:
        artifact = session.scalars(select(Artifact)).one()
    assert (artifact.name, artifact.size, artifact.sha256) == ("first.iso", 9 << 40, "ab" * 32)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param("🐧" * 100_000, id="long"),
        pytest.param("before\x00after", id="nul"),
        pytest.param("a byte that is no text: \udcff", id="surrogate"),
    ],
)
def test_a_build_can_fail_with_any_words(database: Database, error: str) -> None:
    order_task(database, "first", max_attempts=1)
    launch = start_build(database)
    end = End(state=BuildState.FAILED, cause=Cause.UPSTREAM, error=error)
    database.write(builds.finish, launch.build, launch.token, end, NOW)
    assert (task_row(database, 1).error or "")[:6] == error[:6]


def test_a_number_is_never_given_twice(database: Database) -> None:
    """S1.2, S1.11: a task and each of its attempts have a number for good."""
    for name in ("first", "second"):
        order_task(database, name)
    succeed(database, start_build(database))
    second = start_build(database)
    fail(database, second, cause=Cause.REQUEST)
    database.write(tasks.remove, second.task, "ann", NOW)
    assert order_task(database, "third") == 3
    assert start_build(database).build == 3


def _add(session: Session, row: User) -> None:
    session.add(row)
