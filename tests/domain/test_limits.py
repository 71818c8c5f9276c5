"""Token buckets: against a simple model, in a crowd, and with clocks that step."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orders import HOST, NOW, all_rows, order_task, url_of
from sqlalchemy import delete
from together import Crowd, crowd

from isobuild.db import Database
from isobuild.domain import batch, limits, orders
from isobuild.domain.batch import Ordered
from isobuild.domain.limits import Level
from isobuild.domain.orders import Order
from isobuild.domain.rules import Allowance, Rules
from isobuild.domain.tables import Bucket
from isobuild.errors import BadInput, NameTaken, TooMany

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
TEN = Allowance(10, HOUR)
DAILY = Rules(orders=Allowance(2, timedelta(days=1)))


@pytest.fixture(scope="module")
def eight() -> Iterator[Crowd]:
    with crowd(8) as ready:
        yield ready


def draw(database: Database, now: datetime, tokens: float = 1.0, allowance: Allowance = TEN) -> datetime | None:
    return database.write(limits.draw, "mirror", allowance, now, tokens)


def drawn(database: Database, now: datetime, allowance: Allowance = TEN) -> int:
    """How many tokens could be drawn, one by one, at this moment."""
    count = 0
    while draw(database, now, allowance=allowance) is None:
        count += 1
    return count


def look(database: Database, now: datetime, allowance: Allowance = TEN) -> Level:
    with database.read() as session:
        return limits.look(session, "mirror", allowance, now)


def test_it_is_full_at_first_and_refills_evenly(database: Database) -> None:
    """S3.13: a bucket, refilled when somebody looks: as many tokens as passed time brings, never more than it holds."""
    assert look(database, NOW) == (10, NOW)
    assert drawn(database, NOW) == 10
    assert drawn(database, NOW + timedelta(minutes=6) - SECOND) == 0
    assert drawn(database, NOW + timedelta(minutes=6)) == 1
    assert drawn(database, NOW + timedelta(minutes=6) + HOUR / 2) == 5
    assert drawn(database, NOW + timedelta(days=9)) == 10


def test_several_tokens_at_once_are_taken_all_or_none(database: Database) -> None:
    assert draw(database, NOW, 7) is None
    assert draw(database, NOW, 4) is not None
    assert look(database, NOW).tokens == 3
    assert draw(database, NOW, 3) is None
    with pytest.raises(ValueError, match="bucket mirror holds 10, never 11"):
        draw(database, NOW, 11)


def test_a_bucket_that_is_made_smaller_or_slower_has_no_more_than_that(database: Database) -> None:
    assert draw(database, NOW) is None
    assert drawn(database, NOW, Allowance(4, HOUR)) == 4
    assert drawn(database, NOW + HOUR, Allowance(4, 2 * HOUR)) == 2


class Model:
    """What a bucket is, in exact numbers."""

    def __init__(self, allowance: Allowance) -> None:
        self.depth, self.period = Fraction(allowance.depth), Fraction(allowance.period / SECOND)
        self.tokens, self.at = self.depth, datetime.max.replace(tzinfo=UTC)  # so that the first draw finds it full

    def draw(self, wanted: int, now: datetime) -> bool:
        tokens, at = (self.depth, now) if (self.at - now) / SECOND > self.period else (self.tokens, self.at)
        passed = Fraction(max(0, (now - at) // timedelta(microseconds=1)), 10**6)
        tokens = min(self.depth, tokens + passed * self.depth / self.period)
        if tokens < wanted:
            return False
        self.tokens, self.at = tokens - wanted, max(now, at)
        return True


STEPS = st.lists(
    st.tuples(
        st.timedeltas(min_value=timedelta(minutes=-5), max_value=timedelta(minutes=30)),
        st.integers(min_value=1, max_value=5),
    ),
    max_size=15,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(depth=st.integers(5, 1000), seconds=st.integers(1, 7200), steps=STEPS)
def test_it_does_what_a_simple_model_does(
    database: Database, depth: int, seconds: int, steps: list[tuple[timedelta, int]]
) -> None:
    allowance = Allowance(depth, timedelta(seconds=seconds))
    model, now, name = Model(allowance), NOW, f"{depth}/{seconds}/{steps}"[:120]
    database.write(lambda session: session.execute(delete(Bucket)))
    for step, wanted in steps:
        now += step
        again = database.write(limits.draw, name, allowance, now, wanted)
        if model.draw(wanted, now):
            assert again is None
        else:
            assert again is not None
            assert again > now
            assert again.microsecond == 0
            with database.read() as session:
                assert limits.look(session, name, allowance, again).tokens >= wanted - limits.HAIR
                before = max(now, again - SECOND)
                assert limits.look(session, name, allowance, before).tokens <= wanted + limits.HAIR


def take(database: Database, number: int, name: str, now: datetime) -> int:
    """As many as there are, one by one."""
    count = 0
    while database.write(limits.draw, name, TEN, now) is None:
        count += 1
    return count


def test_eight_processes_at_once_draw_what_there_is_and_no_more(database: Database, eight: Crowd) -> None:
    for name in ("first", "second"):  # the first draw makes the bucket
        assert sum(eight.each(take, url_of(database), name, NOW)) == 10
        assert sum(eight.each(take, url_of(database), name, NOW + HOUR / 2)) == 5


# clocks


def test_a_step_forward_fills_it_and_no_more(database: Database) -> None:
    assert drawn(database, NOW) == 10
    assert drawn(database, NOW + timedelta(days=9999)) == 10


def test_a_step_back_gives_nothing_and_takes_nothing_until_the_old_time_is_back(database: Database) -> None:
    assert drawn(database, NOW) == 10
    again = draw(database, NOW - HOUR / 2)
    assert again == (NOW + timedelta(minutes=6, seconds=1)).replace(microsecond=0)
    assert drawn(database, NOW) == 0
    assert drawn(database, again) == 1


def test_a_host_whose_clock_is_behind_does_not_make_tokens(database: Database) -> None:
    behind = timedelta(minutes=6)
    assert drawn(database, NOW) == 10
    for minute in range(6, 61):
        assert drawn(database, NOW + timedelta(minutes=minute)) == (minute % 6 == 0)
        assert drawn(database, NOW + timedelta(minutes=minute) - behind) == 0


def test_after_an_error_of_the_clock_nobody_waits_for_the_year_that_it_showed(database: Database) -> None:
    assert drawn(database, NOW + timedelta(days=36500)) == 10
    assert drawn(database, NOW) == 10
    assert drawn(database, NOW + HOUR / 2) == 5


# what each user may order


def test_an_order_too_many_says_when_to_come_again_and_then_is_welcome(database: Database) -> None:
    for name in ("one", "two"):
        order(database, name)
    order(database, "other", user="setyo")
    before = all_rows(database)
    with pytest.raises(TooMany) as refused:
        order(database, "three", now=NOW + HOUR)
    assert str(refused.value) == (
        "diky has ordered as many ISOs as anybody may here, 2 per day. Come again at 2026-11-21 19:00:01 UTC."
    )
    assert all_rows(database) == before
    again = refused.value.facts["again"]
    with pytest.raises(TooMany):
        order(database, "three", now=again - SECOND)
    order(database, "three", now=again)


def test_an_order_that_is_refused_for_another_reason_costs_nothing(database: Database) -> None:
    order(database, "one")
    wishes: list[tuple[dict[str, Any], type[BadInput]]] = [
        ({"name": "one"}, NameTaken), ({"after": [99]}, BadInput), ({"priority": 9999}, BadInput),
    ]  # fmt: skip
    for wish, kind in wishes:
        with pytest.raises(kind):
            order(database, **{"name": "two"} | wish)
    order(database, "two")
    with pytest.raises(TooMany):
        order(database, "three")


def test_orders_that_come_together_are_counted_together(database: Database) -> None:
    with pytest.raises(BadInput, match=r"^orders: 3 can't be used: no more at once than anybody may order, 2 per day"):
        order_all(database, "one", "two", "three")
    order(database, "one")
    with pytest.raises(TooMany) as refused:
        order_all(database, "two", "three")
    again = refused.value.facts["again"]
    with pytest.raises(TooMany):
        order_all(database, "two", "three", now=again - SECOND)
    order_all(database, "two", "three", now=again)


def test_eight_orders_of_one_user_at_once_become_as_many_tasks_as_he_may_order(
    database: Database, eight: Crowd
) -> None:
    assert sorted(eight.each(try_to_order, url_of(database))) == [False] * 6 + [True] * 2
    assert len(all_rows(database)["tasks"]) == 2


def test_without_an_allowance_there_is_no_bucket(database: Database) -> None:
    for number in range(5):
        order_task(database, f"os{number}")
    assert all_rows(database)["buckets"] == []


def order(database: Database, name: str, user: str = "diky", now: datetime = NOW, **wish: Any) -> None:
    chosen = Order(user=user, name=name, recipe="tiny", **wish)
    database.write(orders.order, chosen, HOST.queues, now, DAILY)


def order_all(database: Database, *names: str, now: datetime = NOW) -> None:
    wishes = [Ordered(Order(user="diky", name=name, recipe="tiny")) for name in names]
    database.write(batch.order_all, wishes, HOST.queues, DAILY, now)


def try_to_order(database: Database, number: int) -> bool:
    try:
        order(database, f"os{number}")
    except TooMany:
        return False
    return True
