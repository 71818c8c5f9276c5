"""Ordering a task, and the order in which tasks go."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders import HOST, MINUTE, NOW, all_rows, order_task, start_build, task_row

from isobuild.db import Database
from isobuild.domain import line, orders, queues, standing, tasks, turns
from isobuild.domain.hosts import Host
from isobuild.domain.states import TaskState
from isobuild.errors import BadInput, InvalidName, NameTaken, NotFound, UnknownQueue

DELAY = timedelta(hours=2)


def turn(database: Database, queues: tuple[str, ...] = HOST.queues, limit: int = 100) -> list[str]:
    """The names of the tasks that may go now, in their order."""
    with database.read() as session:
        return [tasks.get(session, number).name for number in line.line_up(session, queues)][:limit]


def before(database: Database, count: int) -> list[int | None]:
    """How many go before each of the first tasks."""
    with database.read() as session:
        stands = standing.of(session, range(1, count + 1), HOST, NOW)
    return [stands[number].before for number in range(1, count + 1)]


# what is ordered


def test_an_order_becomes_a_pending_task(database: Database) -> None:
    """S0.2, S1.3, S1.4, S1.6, S4.3: what is kept of an order: names, recipe, options, its place, its limits, when."""
    number = order_task(database, "tea", options={"size": 1}, priority=7, max_attempts=3, retry_delay=5, time_limit=60)
    task = task_row(database, number)
    assert (task.id, task.name, task.iso, task.recipe, task.options) == (1, "tea", "tea.iso", "tiny", {"size": 1})
    assert (task.state, task.queue, task.priority, task.attempts) == (TaskState.PENDING, "default", 7, 0)
    assert (task.max_attempts, task.retry_delay, task.time_limit) == (3, 5.0, 60.0)
    assert (task.created_at, task.not_before, task.finished_at, task.cause, task.error) == (NOW, None, None, None, None)


def test_a_user_is_made_once(database: Database) -> None:
    """S0.1, S1.7: each task says whose it is, and one user may have several."""
    for name in ("one", "two"):
        order_task(database, name)
    order_task(database, "one", user="setyo")
    assert [task_row(database, number).user_id for number in (1, 2, 3)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("wish", "kind", "words"),
    [
        ({"name": ""}, InvalidName, "name: '' can't be a name: it is empty; 1 to 64 letters"),
        ({"name": "a" * 65}, InvalidName, f"name: '{'a' * 20}…' can't be a name: it has 65 characters"),
        ({"name": "../x"}, InvalidName, r"name: '../x' can't be a name"),
        ({"name": "-x"}, InvalidName, "name: '-x' can't be a name"),
        ({"name": ".x"}, InvalidName, "name: '.x' can't be a name"),
        ({"name": "x\n"}, InvalidName, r"name: 'x\\n' can't be a name"),
        ({"name": "té"}, InvalidName, "name: 'té' can't be a name"),
        ({"user": "two words"}, InvalidName, "user: 'two words' can't be a name"),
        ({"iso": "x.img"}, InvalidName, "iso: 'x.img' can't be a name: a file name that ends in .iso"),
        ({"iso": "iso"}, InvalidName, "iso: 'iso' can't be a name"),
        ({"iso": ".iso"}, InvalidName, "iso: '' can't be a name: it is empty"),
        ({"iso": "a/b.iso"}, InvalidName, "iso: 'a/b' can't be a name"),
        ({"queue": "urgent"}, UnknownQueue, "queue: there is no queue 'urgent'; there are: high, default, low"),
        ({"priority": 1001}, BadInput, "priority: 1001 can't be used: a whole number from -1000 to 1000"),
        ({"priority": -1001}, BadInput, "priority: -1001 can't be used"),
    ],
)
def test_a_bad_order_is_refused_with_its_field_and_adds_nothing(
    database: Database, wish: dict[str, Any], kind: type[BadInput], words: str
) -> None:
    """S0.C9, S4.C1: what can't be is refused when it is ordered, an unknown queue too."""
    with pytest.raises(kind, match=f"^{words}") as refused:
        order_task(database, **{"name": "tea"} | wish)
    assert refused.value.field == next(iter(wish))
    assert not any(all_rows(database).values())


def test_a_name_is_taken_once_for_each_user(database: Database) -> None:
    """S0.C9: a name is taken once, among one's own tasks."""
    order_task(database, "tea")
    order_task(database, "tea", user="setyo")
    before = all_rows(database)
    with pytest.raises(NameTaken, match=r"^name: 'tea' is the name of your task 1 already"):
        order_task(database, "tea")
    assert all_rows(database) == before


@given(name=st.text(max_size=70))
def test_a_name_is_always_one_plain_part_of_a_path(name: str) -> None:
    """S0.C9: no name leads out of a folder."""
    try:
        orders.check_name("name", name)
    except InvalidName:
        return
    assert Path("/store", name).name == name
    assert name.isascii()
    assert name.isprintable()
    assert not name.startswith(("-", ".", "~"))


@given(name=st.from_regex(orders.NAME, fullmatch=True))
def test_what_the_words_allow_is_allowed(name: str) -> None:
    orders.check_name("name", name)


def test_an_unknown_task_is_named(database: Database) -> None:
    with pytest.raises(NotFound, match=r"^There is no task 7. 'isobuild tasks' lists them.$"):
        task_row(database, 7)


def test_the_oldest_task(database: Database) -> None:
    assert database.write(tasks.oldest) is None
    for name in ("one", "two"):
        order_task(database, name)
    assert database.write(tasks.oldest) == 1


# the order in which they go


def test_first_come_first_served_over_all_users(database: Database) -> None:
    """S0.10, S0.21: the oldest first, whoever ordered it."""
    for number, user in enumerate(("diky", "setyo", "diky", "dino")):
        order_task(database, f"os{number}", NOW + number * MINUTE, user=user)
    assert turn(database) == ["os0", "os1", "os2", "os3"]
    assert turn(database, limit=2) == ["os0", "os1"]
    assert turn(database, limit=0) == []


def test_the_time_of_the_order_counts_and_not_its_number(database: Database) -> None:
    """S0.10: by created_at."""
    order_task(database, "late", NOW + timedelta(microseconds=1))
    order_task(database, "early", NOW)
    assert turn(database) == ["early", "late"]


def test_equal_times_go_by_number(database: Database) -> None:
    """S0.10: of equal times the smallest number."""
    for name in ("c", "a", "b"):
        order_task(database, name, NOW)
    assert turn(database) == ["c", "a", "b"]
    assert start_build(database).task == 1


def test_higher_priority_goes_first(database: Database) -> None:
    """S4.20, S4.C5: the higher first; and 0 is 0, between -5 and 7."""
    for number, priority in enumerate((0, -5, 1000, 7, 0)):
        order_task(database, f"p{priority}-{number}", NOW + number * MINUTE, priority=priority)
    assert turn(database) == ["p1000-2", "p7-3", "p0-0", "p0-4", "p-5-1"]


def test_queue_by_queue_whatever_the_priority(database: Database) -> None:
    """S2.16, S2.C10: all queues are served, in their rank."""
    for number, (queue, priority) in enumerate((("low", 9), ("default", 0), ("high", -9), ("default", 1))):
        order_task(database, f"{queue}{priority}", NOW + number * MINUTE, queue=queue, priority=priority)
    assert turn(database) == ["high-9", "default1", "default0", "low9"]
    assert turn(database, limit=3) == ["high-9", "default1", "default0"]
    assert turn(database, queues=("low", "high")) == ["low9", "high-9"]


def test_a_host_serves_its_queues_only(database: Database) -> None:
    order_task(database, "tea", queue="low")
    assert database.write(turns.enqueue, Host("oven", queues=("high", "default")), NOW) == 0
    assert database.write(turns.enqueue, Host("oven", queues=("low",)), NOW) == 1


def test_a_sleeping_task_wakes_at_its_time_and_not_before(database: Database) -> None:
    """S1.5, S4.28: it waits for its time, and keeps its place in the line."""
    order_task(database, "sleeper", not_before=NOW + DELAY)
    order_task(database, "other", NOW + MINUTE)
    assert task_row(database, 1).not_before == NOW + DELAY
    assert database.write(line.wake, NOW + DELAY - timedelta(microseconds=1)) == 0
    assert turn(database) == ["other"]
    assert database.write(line.wake, NOW + DELAY) == 1
    assert turn(database) == ["sleeper", "other"]  # by the time of its order
    assert database.write(line.wake, NOW + DELAY) == 0


def test_a_tick_wakes_and_builds_in_one_go(database: Database) -> None:
    order_task(database, "sleeper", not_before=NOW + DELAY)
    assert database.write(turns.enqueue, HOST, NOW) == 0
    assert database.write(turns.enqueue, HOST, NOW + DELAY) == 1


def test_a_time_that_has_passed_is_no_reason_to_sleep(database: Database) -> None:
    for name, moment in (("past", NOW - DELAY), ("now", NOW), ("elsewhere", datetime(2000, 1, 1, tzinfo=UTC))):
        order_task(database, name, not_before=moment)
    assert turn(database) == ["past", "now", "elsewhere"]


def test_how_many_go_before(database: Database) -> None:
    wishes: list[dict[str, Any]] = [
        {"queue": "low"}, {}, {"priority": 1}, {"queue": "high", "priority": -1}, {}, {"not_before": NOW + DELAY},
    ]  # fmt: skip
    for number, wish in enumerate(wishes):
        order_task(database, f"os{number}", NOW, **wish)
    assert before(database, 6) == [4, 2, 1, 0, 3, None]
    assert turn(database) == ["os3", "os2", "os1", "os4", "os0"]
    start_build(database)
    assert before(database, 6) == [3, 1, 0, None, 2, None]
    database.write(queues.pause, "default", "no room", HOST.queues, "ann", NOW)
    assert before(database, 6) == [0, None, None, None, None, None]
