"""Queues: named lanes in rank, and those that are paused."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from orders import HOST, MINUTE, NOW, all_rows, order_task, start_build, succeed, task_row, url_of
from together import Crowd, crowd

from isobuild.db import Database
from isobuild.domain import queues, turns
from isobuild.domain.hosts import Host
from isobuild.domain.queues import Queue
from isobuild.domain.states import TaskState
from isobuild.errors import BadInput, NotPaused, UnknownQueue

LATER = NOW + MINUTE


@pytest.fixture(scope="module")
def eight() -> Iterator[Crowd]:
    with crowd(8) as ready:
        yield ready


def pause(database: Database, queue: str = "default", reason: str = "the mirror is down", who: str = "ann") -> None:
    database.write(queues.pause, queue, reason, HOST.queues, who, NOW)


def paused(database: Database) -> dict[str, tuple[str, str]]:
    with database.read() as session:
        return {name: (pause.who, pause.reason) for name, pause in queues.paused(session).items()}


def look(database: Database, known: tuple[str, ...] = HOST.queues) -> list[Queue]:
    with database.read() as session:
        return queues.look(session, known)


def test_a_task_goes_to_the_queue_that_was_said_and_else_to_default(database: Database) -> None:
    """S2.12: the queues are high, default and low; whoever says none means default."""
    order_task(database, "plain")
    for queue in ("low", "high"):
        order_task(database, queue, queue=queue)
    assert [task_row(database, number).queue for number in (1, 2, 3)] == ["default", "low", "high"]
    assert database.write(turns.enqueue, Host("oven", slots=3), NOW) == 3
    assert [row[1] for row in all_rows(database)["builds"]] == [3, 1, 2]


def test_within_a_queue_the_higher_priority_goes_first(database: Database) -> None:
    """S4.20: higher first, then whoever came first."""
    for number, priority in enumerate((0, 5, 0, 5)):
        order_task(database, f"os{number}", NOW + timedelta(seconds=number), priority=priority)
    database.write(turns.enqueue, Host("oven", slots=4), LATER)
    assert [row[1] for row in all_rows(database)["builds"]] == [2, 4, 1, 3]


def test_nothing_goes_from_a_paused_queue_until_it_is_resumed(database: Database) -> None:
    order_task(database, "tea")
    order_task(database, "cake", queue="low")
    pause(database)
    assert paused(database) == {"default": ("ann", "the mirror is down")}
    launch = start_build(database)
    assert launch.task == 2
    succeed(database, launch)
    assert database.write(turns.enqueue, HOST, LATER) == 0
    database.write(queues.resume, "default", HOST.queues)
    assert start_build(database, LATER).task == 1


def test_builds_in_hand_go_on(database: Database) -> None:
    order_task(database, "tea")
    launch = start_build(database)
    pause(database)
    succeed(database, launch)
    assert task_row(database, 1).state is TaskState.READY


def test_a_second_pause_gives_another_reason(database: Database) -> None:
    pause(database)
    pause(database, reason=" no room\0 ", who="bob")
    assert paused(database) == {"default": ("bob", "no room\N{REPLACEMENT CHARACTER}")}


def test_a_long_reason_is_cut(database: Database) -> None:
    pause(database, reason="x" * 999, who="y" * 99)
    assert paused(database) == {"default": ("y" * 80, "x" * 400)}


def test_what_cannot_be_paused_or_resumed_is_said(database: Database) -> None:
    with pytest.raises(UnknownQueue, match=r"^queue: there is no queue 'vip'; there are: high, default, low"):
        pause(database, "vip")
    with pytest.raises(BadInput, match=r"^reason: ' ' can't be used: why, in a few words"):
        pause(database, reason=" ")
    with pytest.raises(NotPaused, match=r"^Queue default is not paused.$"):
        database.write(queues.resume, "default", HOST.queues)
    for name in ("vip", "\0", "\ud800"):
        with pytest.raises(UnknownQueue):
            database.write(queues.resume, name, HOST.queues)
    assert paused(database) == {}


def pause_as(database: Database, number: int) -> None:
    pause(database, reason=f"reason {number}")


def test_eight_may_pause_it_at_once(database: Database, eight: Crowd) -> None:
    eight.each(pause_as, url_of(database))
    ((_, reason),) = paused(database).values()
    assert reason in {f"reason {number}" for number in range(8)}


def test_a_look_at_the_queues(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        order_task(database, f"os{number}")
    order_task(database, "later", queue="low", not_before=LATER)
    pause(database, "low")
    assert [(queue.name, queue.waiting) for queue in look(database)] == [("high", 0), ("default", 3), ("low", 0)]
    assert [queue.pause and queue.pause.reason for queue in look(database)] == [None, None, "the mirror is down"]
    assert [queue.name for queue in look(database, ("default",))] == ["default", "low"]
    monkeypatch.setattr(queues, "MANY", 2)
    assert look(database)[1].waiting == 2
