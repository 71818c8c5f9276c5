"""Same order, same ISO: answered at once, or by joining what is in progress."""

from typing import Any

import pytest
from orders import MINUTE, NOW, Launch, fail, order_task, start_build, succeed, task_row

from isobuild.db import Database
from isobuild.domain import artifacts, builds, history, pruning, tasks
from isobuild.domain.history import By
from isobuild.domain.states import Cause

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
    "wish", [{"fingerprint": None}, {"fingerprint": "6b" * 32}, {"not_before": LATER}, {"after": [2]}]
)
def test_what_is_not_the_same_is_built(database: Database, wish: dict[str, Any]) -> None:
    """Another fingerprint, `--fresh` (none), wanted later, or made of what others make."""
    order(database, "one")
    order(database, "other", fingerprint=None)
    build(database)
    third = order(database, "three", **wish)
    assert task_row(database, third).follows is None
    assert states(database, third) == ["blocked" if "after" in wish else "pending"]


def test_nobody_joins_what_somebody_wants_later(database: Database) -> None:
    order(database, "tomorrow", not_before=NOW + 1000 * MINUTE)
    assert states(database, order(database, "now")) == ["pending"]


def test_who_is_sooner_takes_the_other_along(database: Database) -> None:
    one = order(database, "one", queue="low")
    order(database, "two", queue="high", priority=5)
    assert (task_row(database, one).queue, task_row(database, one).priority) == ("high", 5)
    order(database, "three", queue="default", priority=9)
    assert (task_row(database, one).queue, task_row(database, one).priority) == ("high", 5)


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
