"""Rule 1 under a site's rules: limits of recipes, buckets that builds draw from, hosts that tick at once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from orders import (
    HOST,
    MINUTE,
    NOW,
    all_rows,
    build_row,
    fail,
    start_build,
    succeed,
    task_row,
    url_of,
)
from sqlalchemy import select
from together import Crowd, crowd

from isobuild.db import Database
from isobuild.domain import limits, orders, queues, tasks, turns
from isobuild.domain.hosts import Host
from isobuild.domain.orders import Order
from isobuild.domain.rules import Allowance, Rules
from isobuild.domain.tables import Build

HOUR = timedelta(hours=1)
WIDE = Host("oven", slots=8)
FOUR_TINY = Rules(recipe_limits={"tiny": 4})
MIRROR = Rules(buckets={"mirror": Allowance(3, HOUR)}, draws={"tiny": "mirror"})


@pytest.fixture(scope="module")
def eight() -> Iterator[Crowd]:
    with crowd(8) as ready:
        yield ready


def order_many(database: Database, *recipes: str) -> None:
    """An order of each of these recipes, a minute after the other."""
    for number, recipe in enumerate(recipes):
        wish = Order(user="ann", name=f"{recipe}{number}", recipe=recipe)
        database.write(orders.order, wish, HOST.queues, NOW + number * MINUTE)


def enqueue(database: Database, rules: Rules, now: Any = NOW, host: Host = WIDE, limit: int | None = None) -> list[int]:
    """The tasks that get a build."""
    before = opened(database)
    count = database.write(turns.enqueue, replace(host, rules=rules), now, limit)
    assert len(opened(database)) == len(before) + count
    return opened(database)[len(before) :]


def opened(database: Database) -> list[int]:
    return [row[1] for row in all_rows(database)["builds"]]


def tokens(database: Database) -> float:
    with database.read() as session:
        return limits.look(session, "mirror", MIRROR.buckets["mirror"], NOW).tokens


# as many as there is room for


def test_as_many_as_there_are_slots_or_as_asked(database: Database) -> None:
    """S2.5: as many at one pass as there is room for, or as asked."""
    order_many(database, *["tiny"] * 5)
    assert enqueue(database, Rules(), limit=0) == []
    assert enqueue(database, Rules(), limit=2) == [1, 2]
    assert enqueue(database, Rules(), host=Host("oven", slots=4)) == [3, 4]
    assert enqueue(database, Rules(), host=Host("oven", slots=4)) == []
    assert sorted(row[1] for row in rows(database, "slot", "open_slot")) == [f"oven/{slot}" for slot in range(4)]


def rows(database: Database, *columns: str) -> list[tuple[Any, ...]]:
    with database.read() as session:
        return [tuple(row) for row in session.execute(select(*(getattr(Build, name) for name in columns)))]


def test_hosts_that_tick_at_once_all_find_work_in_that_tick(database: Database, eight: Crowd) -> None:
    order_many(database, *["tiny"] * 10)
    launches = eight.tick(url_of(database), NOW + HOUR, *(Host(f"oven{number}") for number in range(8)))
    assert sorted(launch.task for launch in launches) == list(range(1, 9))


# a recipe's limit


def test_a_recipe_has_no_more_builds_than_its_limit_and_the_others_go_on(database: Database) -> None:
    """S4.C1: a limit for those that need one; the others have none."""
    order_many(database, "tiny", "tiny", "tiny", "debian-live", "debian-live")
    rules = Rules(recipe_limits={"tiny": 1, "debian-live": 4})
    assert enqueue(database, rules) == [1, 4, 5]
    assert enqueue(database, rules) == []
    database.write(tasks.cancel, 1, "ann", NOW)
    assert enqueue(database, rules) == [2]


@pytest.mark.parametrize("end", ["succeeds", "fails", "is canceled", "is given back"])
def test_a_build_leaves_its_place_when_it_ends(database: Database, end: str) -> None:
    host = replace(WIDE, rules=Rules(recipe_limits={"tiny": 1}))
    order_many(database, "tiny", "tiny")
    launch = start_build(database, host=host)
    assert build_row(database, 1).open_limit == "tiny/0"
    if end == "is canceled":
        database.write(tasks.cancel, 1, "ann", NOW)
    if end == "is given back":
        database.write(tasks.release, 1, NOW + HOUR, "ann", NOW)
    (succeed if end == "succeeds" else fail)(database, launch)
    assert build_row(database, 1).open_limit is None
    assert enqueue(database, host.rules) == [2]


def test_a_limit_that_is_made_smaller_counts_what_was_opened_before(database: Database) -> None:
    """S4.C3: a limit that changes forgets nobody."""
    order_many(database, *["tiny"] * 6)
    assert enqueue(database, Rules(), limit=1) == [1]
    assert enqueue(database, FOUR_TINY) == [2, 3, 4]
    assert enqueue(database, Rules(recipe_limits={"tiny": 2})) == []
    database.write(tasks.cancel, 2, "ann", NOW)
    database.write(tasks.cancel, 3, "ann", NOW)
    assert enqueue(database, Rules(recipe_limits={"tiny": 2})) == []
    database.write(tasks.cancel, 1, "ann", NOW)
    assert enqueue(database, Rules(recipe_limits={"tiny": 2})) == [5]


@pytest.mark.parametrize("limit", [1, 3])
def test_hosts_that_tick_at_once_keep_a_recipes_limit_together(database: Database, eight: Crowd, limit: int) -> None:
    order_many(database, *["tiny"] * limit * 3, "debian-live", "debian-live")
    hosts = [Host(f"oven{number}", slots=4, rules=Rules(recipe_limits={"tiny": limit})) for number in range(2)]
    for minute in range(3):
        launches = eight.tick(url_of(database), NOW + HOUR + minute * MINUTE, *hosts)
        made = [task_row(database, launch.task).recipe for launch in launches]
        assert sorted(made) == ["debian-live"] * (2 if minute == 0 else 0) + ["tiny"] * limit
        assert eight.tick(url_of(database), NOW + HOUR + minute * MINUTE, *hosts) == []
        for launch, recipe in zip(launches, made, strict=True):
            if recipe == "tiny":
                succeed(database, launch)


# draws


def test_an_empty_bucket_holds_back_its_recipe_only(database: Database) -> None:
    order_many(database, *["tiny"] * 5, "debian-live")
    assert enqueue(database, MIRROR) == [1, 2, 3, 6]
    assert enqueue(database, MIRROR) == []
    assert enqueue(database, MIRROR, NOW + HOUR / 3 - timedelta(seconds=1)) == []
    assert enqueue(database, MIRROR, NOW + HOUR / 3) == [4]


def test_recipes_may_share_a_bucket(database: Database) -> None:
    order_many(database, "tiny", "debian-live", "tiny", "debian-live", "script")
    shared = replace(MIRROR, draws={"tiny": "mirror", "debian-live": "mirror"})
    assert enqueue(database, shared) == [1, 2, 3, 5]


def test_no_token_is_drawn_where_there_is_no_slot_and_no_task(database: Database) -> None:
    assert enqueue(database, MIRROR) == []
    order_many(database, "tiny")
    assert enqueue(database, MIRROR, host=Host("oven", slots=0)) == []
    database.write(queues.pause, "default", "the mirror is down", HOST.queues, "ann", NOW)
    assert enqueue(database, MIRROR) == []
    assert tokens(database) == 3


def test_a_build_that_could_not_be_opened_has_drawn_nothing(database: Database) -> None:
    order_many(database, "tiny", "tiny")
    enqueue(database, Rules(), limit=1)
    host = replace(WIDE, rules=replace(MIRROR, recipe_limits={"tiny": 1}))
    before = all_rows(database)
    for number, slot, words in (
        (1, 1, "its task has a build"),
        (2, 0, "the slot is taken"),
        (2, 1, "the recipe is full"),
    ):
        task = task_row(database, number)
        assert not database.write(turns.open_build, task, host, slot, NOW), words
        after = all_rows(database)
        assert (tokens(database), after | {"buckets": before["buckets"]}) == (3, before)


def test_hosts_that_tick_at_once_draw_no_more_than_there_is(database: Database, eight: Crowd) -> None:
    order_many(database, *["tiny"] * 8)
    hosts = [Host(f"oven{number}", rules=MIRROR) for number in range(8)]
    assert len(eight.tick(url_of(database), NOW, *hosts)) == 3
    assert tokens(database) == 0


def test_ticks_of_one_host_at_once_draw_for_one_build_only(database: Database, eight: Crowd) -> None:
    order_many(database, *["tiny"] * 8)
    assert len(eight.tick(url_of(database), NOW, Host("oven", rules=MIRROR))) == 1
    assert tokens(database) == 2
