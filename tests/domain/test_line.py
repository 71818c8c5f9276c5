"""The line: fair sites, what comes too late, what sleeps, and what a look at it costs."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orders import (
    BY,
    HOST,
    MINUTE,
    NOW,
    SITE,
    all_rows,
    build_row,
    fail,
    order_task,
    start_build,
    succeed,
    task_row,
    url_of,
)
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from together import Crowd, crowd

from domain.test_claim import EXPLAIN, crowded
from isobuild import tick
from isobuild.db import Database
from isobuild.domain import fairness, history, line, standing, turns
from isobuild.domain.columns import Base
from isobuild.domain.hosts import Host
from isobuild.domain.rules import Rules
from isobuild.domain.states import AfterFailure, Cause, TaskState
from isobuild.domain.tables import User

__all__ = ["crowded"]

FAIR = Rules(fair=True)
DAY = timedelta(days=1)
BIG = Host("oven", slots=64, rules=FAIR)


@pytest.fixture(scope="module")
def eight() -> Iterator[Crowd]:
    with crowd(8) as ready:
        yield ready


def served(database: Database, count: int, rules: Rules = FAIR, now: Any = NOW) -> list[int]:
    """The tasks that get the next builds, one after the other."""
    host = Host("oven", slots=64, rules=rules)
    before = [row[1] for row in all_rows(database)["builds"]]
    for _ in range(count):
        database.write(turns.enqueue, host, now, 1)
    return [row[1] for row in all_rows(database)["builds"]][len(before) :]


def order_many(database: Database, *users: str, **wish: Any) -> list[int]:
    """An order of each of these, a minute after the other."""
    return [
        order_task(database, f"os{number}", NOW - DAY + number * MINUTE, user, **wish)
        for number, user in enumerate(users)
    ]


# fair


def test_without_fairness_it_is_first_come_first_served_whoever_it_is(database: Database) -> None:
    """S0.21: strictly in the order of their coming, not user by user."""
    order_many(database, "ann", "ann", "ann", "bob")
    assert served(database, 4, Rules()) == [1, 2, 3, 4]


def test_a_hundred_orders_of_one_do_not_hold_up_the_one_of_another(database: Database) -> None:
    order_many(database, *["ann"] * 100, "bob", "cid")
    assert served(database, 6) == [1, 101, 102, 2, 3, 4]


def test_users_take_turns_and_the_older_order_decides_between_equals(database: Database) -> None:
    order_many(database, "bob", "ann", "ann", "bob", "ann", "bob")
    assert served(database, 6) == [1, 2, 3, 4, 5, 6]


def test_at_the_same_time_the_smaller_number_decides(database: Database) -> None:
    for user in ("ann", "bob", "ann", "bob"):
        order_task(database, f"os{len(all_rows(database)['tasks'])}", user=user)
    assert served(database, 4) == [1, 2, 3, 4]


def test_fairness_is_within_a_queue_and_a_priority(database: Database) -> None:
    order_many(database, "ann", "ann", priority=1)
    order_task(database, "low", NOW, "bob", priority=0)
    order_task(database, "high", NOW, "ann", queue="high", priority=-9)
    assert served(database, 4) == [4, 1, 2, 3]


def test_who_had_builds_lately_waits_for_who_had_none(database: Database) -> None:
    order_many(database, "ann", "ann", "ann", "bob")
    assert served(database, 2) == [1, 4]
    order_task(database, "more", NOW, "bob")
    order_task(database, "first", NOW + MINUTE, "cid")
    assert served(database, 3, now=NOW + MINUTE) == [6, 2, 5]


def test_old_builds_fade(database: Database) -> None:
    order_many(database, "ann", "ann", "ann")
    assert served(database, 3) == [1, 2, 3]
    order_many(database, "bob")
    assert served(database, 1, now=NOW + DAY) == [4]
    assert load(database, "ann", NOW + DAY) == pytest.approx(1.5)
    assert load(database, "bob", NOW + DAY) == 1
    order_task(database, "again", NOW + DAY, "ann")
    order_task(database, "again", NOW + DAY, "bob")
    assert served(database, 1, now=NOW + DAY) == [6]
    order_task(database, "and-again", NOW + DAY, "bob")
    assert served(database, 1, now=NOW + DAY) == [5]


def test_a_clock_that_goes_back_makes_no_load(database: Database) -> None:
    order_many(database, "ann", "ann")
    assert served(database, 1) == [1]
    assert load(database, "ann", NOW - 100 * DAY) == 1
    assert served(database, 1, now=NOW - 100 * DAY) == [2]
    assert load(database, "ann", NOW - 100 * DAY) == 2


def load(database: Database, user: str, now: Any) -> float:
    with database.read() as session:
        return fairness.load(session.scalars(select(User).where(User.name == user)).one(), now)


def count(database: Database, number: int) -> None:
    database.write(fairness.count, 1, NOW)


def test_no_build_is_forgotten_when_eight_are_counted_at_once(database: Database, eight: Crowd) -> None:
    order_many(database, "ann")
    for turn in range(1, 4):
        eight.each(count, url_of(database))
        assert load(database, "ann", NOW) == 8 * turn


WISHES = st.lists(
    st.tuples(st.sampled_from(["ann", "bob", "cid"]), st.sampled_from(HOST.queues), st.sampled_from([0, 0, 1])),
    min_size=1,
    max_size=12,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wishes=WISHES, fair=st.booleans(), past=st.integers(0, 3))
def test_the_line_is_the_order_in_which_they_go(
    database: Database, wishes: list[tuple[str, str, int]], fair: bool, past: int
) -> None:
    forget_all(database)
    rules = Rules(fair=fair)
    numbers = [
        order_task(database, f"os{place}", NOW + place * MINUTE, user, queue=queue, priority=priority)
        for place, (user, queue, priority) in enumerate(wishes)
    ]
    gone = served(database, past, rules)
    with database.read() as session:
        lined_up = line.line_up(session, HOST.queues, NOW if fair else None)
    assert served(database, len(numbers), rules) == list(lined_up)
    assert sorted([*gone, *lined_up]) == numbers
    assert list(lined_up.values()) == list(range(len(lined_up)))


def test_the_line_is_looked_at_so_far_and_the_first_of_each_user_is_in_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "FAR", 3)
    order_many(database, *["ann"] * 5, "bob")
    with database.read() as session:
        assert line.line_up(session, HOST.queues) == {1: 0, 2: 1, 3: 2}
        assert line.line_up(session, HOST.queues, NOW) == {1: 0, 6: 1, 2: 2}


def test_people_are_told_their_place_in_the_fair_line(database: Database) -> None:
    order_many(database, *["ann"] * 3, "bob")
    with database.read() as session:
        assert standing.of(session, [4], BIG, NOW)[4].why == "1 build before it"
        assert standing.of(session, [4], HOST, NOW)[4].why == "3 builds before it"


def forget_all(database: Database) -> None:
    with database.writer.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())


# what a look costs


def test_a_fair_look_reads_one_index_for_each_user_and_sorts_nothing(crowded: Database) -> None:
    order_task(crowded, "second", user="setyo")
    for full in (set(), {"debian-live"}):
        for plan in plans(crowded, lambda session, full=full: line.first(session, BIG, full, NOW)):  # type: ignore[misc]
            assert "ix_tasks_fair" in plan or "ix_tasks_ready" in plan, plan
            assert not any(word in plan for word in ("TEMP B-TREE", "filesort", "temporary", "'Sort'", "Bitmap")), plan
            assert "Seq Scan on tasks" not in plan, plan


def plans(database: Database, work: Callable[[Session], Any]) -> list[str]:
    """How the database would look for the tasks that the work looks for."""
    found: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and "FROM tasks" in statement and "tasks.id = " not in statement:
            how = connection.exec_driver_sql(f"{EXPLAIN[connection.dialect.name]} {statement}", parameters)
            found.append("\n".join(str(tuple(row)) for row in how))

    event.listen(database.engine, "before_cursor_execute", explain)
    database.write(work)
    assert len(found) >= 2
    return found


# too late


def test_what_is_not_begun_in_time_is_canceled_and_says_so(database: Database) -> None:
    """S4.4: an order may say until when it is wanted."""
    order_task(database, "tea", not_after=NOW + MINUTE)
    order_task(database, "patient")
    assert tick.drop(database, SITE, NOW + MINUTE - timedelta(microseconds=1)) == 0
    assert tick.drop(database, SITE, NOW + MINUTE) == 1
    task, why = (
        task_row(database, 1),
        "too late: it was wanted until 2026-11-21 07:01:00 UTC, and was not built by then",
    )
    assert (task.state, task.error, task.cause, task.finished_at) == (TaskState.CANCELED, why, None, NOW + MINUTE)
    with database.read() as session:
        last = history.of(session, 1)[-1]
    assert (last.old, last.new, last.who, last.why) == ("pending", "canceled", "tick on oven", why)
    assert start_build(database, NOW + MINUTE).task == 2


def test_the_last_failure_is_not_taken_for_the_reason(database: Database) -> None:
    order_task(database, "tea", not_after=NOW + MINUTE)
    fail(database, start_build(database))
    assert tick.drop(database, SITE, NOW + MINUTE) == 1
    assert task_row(database, 1).cause is None
    error = task_row(database, 1).error or ""
    assert error.startswith("too late: ")
    assert error.endswith(" by then. Its last attempt: The mirror is away.")


def test_a_build_in_hand_is_in_time(database: Database) -> None:
    order_task(database, "tea", not_after=NOW + MINUTE)
    start_build(database)
    assert tick.drop(database, SITE, NOW + MINUTE) == 0
    assert task_row(database, 1).state is TaskState.BUILDING


def test_what_has_the_same_iso_as_a_build_in_hand_is_in_time(database: Database) -> None:
    for name in ("one", "two"):
        order_task(database, name, fingerprint="5a" * 32, not_after=NOW + MINUTE)
    launch = start_build(database)
    assert tick.drop(database, SITE, NOW + MINUTE) == 0
    succeed(database, launch, NOW + 2 * MINUTE)
    assert [task_row(database, number).state for number in (1, 2)] == [TaskState.READY] * 2


def test_a_blocked_task_is_dropped_too_and_those_behind_it_hear_of_it(database: Database) -> None:
    base = order_task(database, "base")
    late = order_task(database, "late", after=[base], not_after=NOW + MINUTE)
    fails = order_task(database, "fails", after=[late], not_after=NOW + MINUTE)
    goes_on = order_task(database, "goes-on", after=[late], on_dependency_failure=AfterFailure.RUN)
    assert tick.drop(database, SITE, NOW + MINUTE) == 1
    assert [task_row(database, number).state for number in (base, late, fails, goes_on)] == [
        TaskState.PENDING, TaskState.CANCELED, TaskState.FAILED, TaskState.PENDING,
    ]  # fmt: skip
    assert task_row(database, fails).cause is Cause.REQUEST


def test_however_many_come_too_late_they_go_in_one_tick(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "MANY", 2)
    for number in range(7):
        order_task(database, f"os{number}", not_after=NOW + MINUTE)
    assert database.write(line.drop_late, BY) == 0
    assert tick.drop(database, SITE, NOW + MINUTE) == 7
    assert tick.drop(database, SITE, NOW + MINUTE) == 0


# asleep


def test_a_task_sleeps_until_its_time_and_wakes_though_no_slot_is_free(database: Database) -> None:
    """S1.5, S4.4: an order may say before when it must not begin; by default that is now."""
    order_task(database, "tea")
    order_task(database, "later", not_before=NOW + MINUTE)
    start_build(database)
    assert database.write(turns.enqueue, HOST, NOW + MINUTE) == 0
    assert task_row(database, 2).not_before is None
    assert build_row(database, 1).task_id == 1
