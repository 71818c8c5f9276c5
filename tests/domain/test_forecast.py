"""Forecasts: from how long builds like it took, through the line, with an interval whose hits are counted."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from orders import BY, HOST, NOW, FakeLauncher, order_task, run_tick, start_build, succeed, task_row
from sqlalchemy.orm import Session

from isobuild.db import Database
from isobuild.domain import forecast, line, pruning, tasks
from isobuild.domain.forecast import Forecast
from isobuild.domain.hosts import Host

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def built(database: Database, *seconds: float, **wish: Any) -> None:
    """Past builds that took so long."""
    for took in seconds:
        with database.read() as session:
            number = (tasks.oldest(session) or 0) + random.getrandbits(40)
        order_task(database, f"past{number}", NOW - HOUR, **wish)
        succeed(database, start_build(database, NOW - HOUR), NOW - HOUR + took * SECOND)


def ask(database: Database, host: Host = HOST, now: datetime = NOW) -> dict[int, Forecast]:
    with database.read() as session:
        return forecast.forecast(forecast.Past(session), list(line.line_up(session, host.queues)), host, now)


def seconds(told: Forecast, now: datetime = NOW) -> tuple[float, float, float]:
    return tuple((moment - now).total_seconds() for moment in (told.earliest, told.likely, told.latest))  # type: ignore[return-value]


def test_without_a_past_nothing_is_told(database: Database) -> None:
    order_task(database, "tea")
    assert ask(database) == {}


def test_builds_that_always_take_the_same_are_foretold_to_the_second(database: Database) -> None:
    built(database, 60, 60, 60)
    numbers = [order_task(database, f"os{number}") for number in range(3)]
    told = ask(database)
    assert [seconds(told[number]) for number in numbers] == [(60, 60, 60), (120, 120, 120), (180, 180, 180)]


def test_several_slots_build_at_a_time(database: Database) -> None:
    built(database, 60, 60)
    numbers = [order_task(database, f"os{number}") for number in range(4)]
    told = ask(database, Host("oven", slots=2))
    assert [seconds(told[number])[1] for number in numbers] == [60, 60, 120, 120]


def test_what_is_being_built_has_some_of_its_time_behind_it(database: Database) -> None:
    built(database, 60, 60)
    first, second = order_task(database, "one"), order_task(database, "two")
    run_tick(database, FakeLauncher(database), NOW)
    now = NOW + 45 * SECOND
    told = ask(database, now=now)
    assert (seconds(told[first], now)[1], seconds(told[second], now)[1]) == (15, 75)


def test_a_build_that_takes_longer_than_ever_is_expected_soon(database: Database) -> None:
    built(database, 60, 60)
    first = order_task(database, "one")
    run_tick(database, FakeLauncher(database), NOW)
    assert seconds(ask(database, now=NOW + 100 * SECOND)[first], NOW + 100 * SECOND)[1] == 10


def test_the_interval_is_as_wide_as_the_past(database: Database) -> None:
    built(database, *range(60, 160, 5))
    number = order_task(database, "tea")
    earliest, likely, latest = seconds(ask(database)[number])
    assert 60 <= earliest < likely < latest <= 155
    assert latest - earliest > 40


def test_orders_of_the_same_size_count_and_others_only_for_want_of_them(database: Database) -> None:
    built(database, *[10] * 20, weight=1)
    built(database, *[100] * 20, weight=50)
    small, large = order_task(database, "small", weight=2), order_task(database, "large", weight=60)
    with database.read() as session:
        past = forecast.Past(session)
        assert set(past.like("tiny", 2)) == {10}
        assert set(past.like("tiny", 60)) == {100}
        assert set(past.like("never built", 2)) == {10}
    assert [seconds(ask(database)[number])[1] for number in (small, large)] == [10, 110]


def test_the_same_data_give_the_same_forecast(database: Database) -> None:
    built(database, 20, 40, 90)
    order_task(database, "tea")
    assert ask(database) == ask(database)


def test_how_often_it_came_true_is_counted(database: Database) -> None:
    """Calibration: a promise is held against the time at which the ISO was there."""
    for name, took in (("kept", 60), ("early", 10), ("late", 500), ("given-up", 60)):
        number = order_task(database, name)
        database.write(_promise, number)
        if name == "given-up":
            database.write(tasks.cancel, number, "ann", NOW)
        else:
            succeed(database, start_build(database), NOW + took * SECOND)
    order_task(database, "never-told")
    with database.read() as session:
        assert forecast.calibration(session) == forecast.Calibration(told=3, kept=1)
    database.write(pruning.expire, NOW + HOUR, BY)
    database.write(tasks.retry, 1, "ann", NOW)
    assert task_row(database, 1).promised_from is None
    with database.read() as session:
        assert forecast.calibration(session) == forecast.Calibration(told=2, kept=0)


def _promise(session: Session, number: int) -> None:
    told = Forecast(NOW + 50 * SECOND, NOW + 60 * SECOND, NOW + 70 * SECOND)
    forecast.promise(session, {number: told})


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_four_in_five_truths_fall_within(database: Database) -> None:
    """The interval is what it says: of many plays by chance, about four in five end within it."""
    chance = random.Random(7)  # noqa: S311
    took = [chance.lognormvariate(4, 0.4) for _ in range(40)]
    built(database, *took)
    numbers = [order_task(database, f"os{number}") for number in range(5)]
    told = seconds(ask(database)[numbers[-1]])
    truths = [sum(chance.choice(took[-20:]) for _ in numbers) for _ in range(2000)]
    within = sum(told[0] <= truth <= told[2] for truth in truths) / len(truths)
    assert 0.65 < within < 0.93
