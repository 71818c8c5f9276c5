"""Same order, same ISO: answered at once, or by joining what is in progress."""

from typing import Any

import pytest
from orders import HOST, MINUTE, NOW, Launch, fail, order_task, start_build, succeed, task_row
from sqlalchemy import update

from domain.test_claim import crowded, plans
from isobuild.db import Database
from isobuild.domain import artifacts, builds, history, pruning, queues, sharing, tasks
from isobuild.domain.history import By
from isobuild.domain.states import Cause
from isobuild.domain.tables import Task

__all__ = ["crowded"]
LATER = NOW + MINUTE
SAME = "5a" * 32


def order(database: Database, name: str, **wish: Any) -> int:
    return order_task(database, name, **{"fingerprint": SAME, **wish})


def build(database: Database) -> Launch:
    launch = start_build(database, LATER)
    succeed(database, launch, LATER)
    return launch


def states(database: Database, *numbers: int) -> list[str]:
    return [task_row(database, number).state for number in numbers]


def file_of(database: Database, task: int) -> tuple[str, int, str]:
    with database.read() as session:
        found = artifacts.find(session, task)
    return found.name, found.build_id, found.file


def test_an_equal_order_is_answered_at_once_with_the_same_file_under_its_own_name(database: Database) -> None:
    order(database, "one")
    build(database)
    again = order(database, "two", user="setyo", now=LATER)
    assert states(database, again) == ["ready"]
    assert file_of(database, again) == ("two.iso", 1, "one.iso")
    assert task_row(database, again).finished_at == LATER
    with database.read() as session:
        (event,) = history.of(session, again)
    assert (event.old, event.new, event.why) == (None, "ready", "the same as task 1")


def test_an_equal_order_joins_the_one_in_progress(database: Database) -> None:
    one, two = order(database, "one"), order(database, "two")
    launch = start_build(database)
    three = order(database, "three")
    assert states(database, one, two, three) == ["building", "blocked", "blocked"]
    succeed(database, launch, LATER)
    assert states(database, one, two, three) == ["ready"] * 3
    assert [file_of(database, number)[:2] for number in (two, three)] == [("two.iso", 1), ("three.iso", 1)]
    assert task_row(database, two).follows is None


@pytest.mark.parametrize(
    "wish", [{"fingerprint": None}, {"fresh": True}, {"fingerprint": "6b" * 32}, {"not_before": LATER}, {"after": [2]}]
)
def test_what_is_not_the_same_is_built(database: Database, wish: dict[str, Any]) -> None:
    """Another fingerprint or none, `--fresh`, wanted later, or made of what others make."""
    order(database, "one")
    order(database, "other", fingerprint=None)
    build(database)
    third = order(database, "three", **wish)
    assert task_row(database, third).follows is None
    assert states(database, third) == ["blocked" if "after" in wish else "pending"]


def test_a_fresh_one_answers_from_then_on(database: Database) -> None:
    order(database, "one")
    build(database)
    order(database, "two", fresh=True)
    build(database)
    assert file_of(database, order(database, "three")) == ("three.iso", 2, "two.iso")


def test_what_is_made_of_others_answers_nobody(database: Database) -> None:
    base = order(database, "base", fingerprint=None)
    flavour = order(database, "flavour", after=[base])
    build(database)
    build(database)
    assert states(database, flavour, order(database, "plain")) == ["ready", "pending"]


def test_nobody_joins_what_somebody_wants_later(database: Database) -> None:
    order(database, "tomorrow", not_before=NOW + 1000 * MINUTE)
    assert states(database, order(database, "now")) == ["pending"]


@pytest.mark.parametrize("crowd", [{}, {"not_before": NOW + 1000 * MINUTE}], ids=["followers", "later"])
def test_it_is_joined_however_many_are_equal(database: Database, crowd: dict[str, Any]) -> None:
    one = order(database, "one")
    for number in range(25):
        order(database, f"os{number}", **crowd)
    assert task_row(database, order(database, "last")).follows == one
    start_build(database)
    assert task_row(database, order(database, "after")).follows == one


def twin(database: Database) -> int | None:
    found = database.write(sharing.twin, SAME, LATER)
    return found.id if found else None


def test_the_newest_iso_answers(database: Database) -> None:
    order(database, "one")
    build(database)
    order(database, "two", now=LATER)
    assert twin(database) == 2
    order(database, "three", fingerprint=None)
    with database.writer.begin() as connection:
        connection.execute(update(Task).where(Task.name == "three").values(fingerprint=SAME))
    assert twin(database) == 2  # an ISO, before one that is only to be


def test_an_equal_task_is_found_in_the_index(crowded: Database) -> None:
    with crowded.writer.begin() as connection:
        connection.execute(update(Task).where(Task.id % 10 == 0).values(fingerprint=SAME))
    plan = plans(crowded, "SELECT", lambda session: sharing.twin(session, SAME, NOW))[0]
    assert "ix_tasks_fingerprint_state_id" in plan, plan
    assert not any(all_of_it in plan for all_of_it in ("SCAN tasks", "'tasks', 'ALL'", "Seq Scan")), plan


def test_who_is_sooner_takes_the_other_along(database: Database) -> None:
    one = order(database, "one", queue="low")
    order(database, "two", queue="high", priority=5)
    assert (task_row(database, one).queue, task_row(database, one).priority) == ("high", 5)
    order(database, "three", queue="default", priority=9)
    assert (task_row(database, one).queue, task_row(database, one).priority) == ("high", 5)


def test_nobody_is_taken_along_into_a_paused_queue(database: Database) -> None:
    one = order(database, "one")
    database.write(queues.pause, "high", "no room", HOST.queues, "ann", NOW)
    order(database, "two", queue="high")
    assert (task_row(database, one).queue, start_build(database).task) == ("default", one)


def test_a_failure_of_the_order_itself_is_shared(database: Database) -> None:
    one, two = order(database, "one"), order(database, "two")
    fail(database, start_build(database), LATER, Cause.REQUEST)
    three = order(database, "three")
    assert states(database, one, two, three) == ["failed"] * 3
    for number in (two, three):
        task = task_row(database, number)
        assert (task.cause, task.error) == (Cause.REQUEST, "The mirror is away.")


def test_any_other_failure_is_its_own(database: Database) -> None:
    """Failures other than `request` are never cached: the next of them tries by itself."""
    one, two, three = (order(database, name, max_attempts=1) for name in ("one", "two", "three"))
    fail(database, start_build(database), LATER)
    assert states(database, one, two, three) == ["failed", "pending", "blocked"]
    assert task_row(database, three).follows == two
    four = order(database, "four")
    assert task_row(database, four).follows == two
    build(database)
    assert states(database, one, two, three, four) == ["failed", "ready", "ready", "ready"]


@pytest.mark.parametrize("how", ["cancel", "remove"])
def test_the_first_that_follows_takes_the_place_of_one_that_gives_up(database: Database, how: str) -> None:
    one, two, three = (order(database, name) for name in ("one", "two", "three"))
    database.write(tasks.cancel if how == "cancel" else tasks.remove, one, "ann", NOW)
    assert states(database, two, three) == ["pending", "blocked"]
    assert (task_row(database, two).follows, task_row(database, three).follows) == (None, two)


def test_a_follower_may_be_canceled_and_tried_again_by_itself(database: Database) -> None:
    one, two = order(database, "one"), order(database, "two")
    database.write(tasks.cancel, two, "ann", NOW)
    assert states(database, one, two) == ["pending", "canceled"]
    database.write(tasks.retry, two, "ann", NOW)
    assert (states(database, two), task_row(database, two).follows) == (["pending"], None)


def test_an_expired_iso_answers_nobody_and_a_shared_file_stays_for_the_others(database: Database) -> None:
    one = order(database, "one")
    build(database)
    two = order(database, "two", now=LATER + MINUTE)
    database.write(pruning.expire, LATER + MINUTE, By("tick", LATER))
    assert states(database, one, two) == ["expired", "ready"]
    with database.read() as session:
        assert builds.owners(session, [1]) == {1}
    database.write(tasks.remove, one, "ann", LATER)
    assert file_of(database, two) == ("two.iso", 1, "one.iso")
    database.write(tasks.remove, two, "ann", LATER)
    assert states(database, order(database, "three")) == ["pending"]
