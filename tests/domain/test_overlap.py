"""No overlap: one open task of the same recipe and options, where an order asks for that."""

from collections.abc import Iterator

import pytest
from orders import MINUTE, NOW, SITE, all_rows, fail, order_task, start_build, succeed, task_row, url_of
from together import Crowd, crowd

from isobuild import tick
from isobuild.db import Database
from isobuild.domain import tasks
from isobuild.domain.states import Cause, TaskState
from isobuild.errors import CannotRetry, Overlaps

SIZE = {"size": 3}


@pytest.fixture(scope="module")
def eight() -> Iterator[Crowd]:
    with crowd(8) as ready:
        yield ready


def order(database: Database, name: str, alone: bool = True, **options: int) -> int:
    return order_task(database, name, options=options or SIZE, without_overlapping=alone)


def refused(database: Database, name: str = "other") -> str:
    before = all_rows(database)
    with pytest.raises(Overlaps) as wrong:
        order(database, name)
    assert all_rows(database) == before
    return str(wrong.value)


@pytest.mark.parametrize("state", ["pending", "building", "waiting to be tried again", "blocked"])
def test_a_second_one_is_refused_while_the_first_is_open(database: Database, state: str) -> None:
    """S2.14: no duplicate at the same time."""
    base = order_task(database, "base") if state == "blocked" else None
    after = [base] if base else []
    first = order_task(database, "first", options=SIZE, without_overlapping=True, after=after)
    if state in ("building", "waiting to be tried again"):
        launch = start_build(database)
        if state != "building":
            fail(database, launch)
    assert refused(database).startswith(f"Task {first} is the same and has not ended, and ")


def test_an_open_one_counts_though_it_was_not_ordered_so(database: Database) -> None:
    """S2.C7: those that are not flagged themselves are looked at too."""
    order(database, "first", alone=False)
    assert refused(database).startswith("Task 1 is the same")


def test_who_does_not_ask_for_it_may_overlap(database: Database) -> None:
    order(database, "first")
    order(database, "second", alone=False)
    order(database, "third", alone=False)


def test_other_options_and_other_recipes_are_other_orders(database: Database) -> None:
    order(database, "first")
    order(database, "second", size=4)
    assert refused(database).startswith("Task 1 is the same")


@pytest.mark.parametrize("end", ["ready", "failed", "canceled", "removed", "failed with another", "too late"])
def test_the_end_of_the_first_makes_room(database: Database, end: str) -> None:
    """S2.C7: what has failed for good blocks nobody."""
    base = order_task(database, "base", priority=1, max_attempts=1) if end == "failed with another" else None
    after = [base] if base else []
    until = NOW + MINUTE if end == "too late" else None
    first = order_task(database, "first", options=SIZE, without_overlapping=True, after=after, not_after=until)
    if end in ("canceled", "removed"):
        database.write(tasks.cancel if end == "canceled" else tasks.remove, first, "ann", NOW)
    elif end == "too late":
        assert tick.drop(database, SITE, NOW + MINUTE) == 1
    else:
        launch = start_build(database)
        succeed(database, launch) if end == "ready" else fail(database, launch, cause=Cause.REQUEST)
    assert order(database, "second") == first + 1


def test_a_retry_takes_the_place_again(database: Database) -> None:
    order(database, "first")
    fail(database, start_build(database), cause=Cause.REQUEST)
    database.write(tasks.retry, 1, "ann", NOW)
    assert refused(database).startswith("Task 1 is the same")


@pytest.mark.parametrize("alone", [True, False])
def test_a_retry_is_refused_while_the_place_is_taken(database: Database, alone: bool) -> None:
    order(database, "first")
    database.write(tasks.cancel, 1, "ann", NOW)
    order(database, "second", alone=alone)
    before = all_rows(database)
    with pytest.raises(Overlaps, match=r"^Task 2 is the same and has not ended"):
        database.write(tasks.retry, 1, "ann", NOW)
    assert all_rows(database) == before
    database.write(tasks.cancel, 2, "ann", NOW)
    database.write(tasks.retry, 1, "ann", NOW)
    assert task_row(database, 1).state is TaskState.PENDING


def test_a_retry_of_what_is_open_is_no_overlap_with_itself(database: Database) -> None:
    order(database, "first")
    with pytest.raises(CannotRetry, match=r"^Task 1 is pending"):
        database.write(tasks.retry, 1, "ann", NOW)


def try_to_order(database: Database, number: int) -> bool:
    try:
        order(database, f"os{number}")
    except Overlaps:
        return False
    return True


def try_again(database: Database, number: int) -> bool:
    try:
        database.write(tasks.retry, number + 1, "ann", NOW)
    except Overlaps:
        return False
    return True


def test_of_eight_that_order_at_once_one_has_it(database: Database, eight: Crowd) -> None:
    """S2.14, S2.C7: the database says once; a look before an insert does not."""
    assert sorted(eight.each(try_to_order, url_of(database))) == [False] * 7 + [True]
    assert len(all_rows(database)["tasks"]) == 1


def test_of_eight_that_are_retried_at_once_one_is(database: Database, eight: Crowd) -> None:
    for number in range(8):
        database.write(tasks.cancel, order(database, f"os{number}"), "ann", NOW)
    assert sorted(eight.each(try_again, url_of(database))) == [False] * 7 + [True]
    with database.read() as session:
        assert tasks.any_left(session)
