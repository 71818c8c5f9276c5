"""A task goes out of turn, because a person says so."""

from dataclasses import replace
from typing import Any

import pytest
from orders import HOST, MINUTE, NOW, FakeLauncher, build_row, order_task, run_tick, task_row

from isobuild.db import Database
from isobuild.domain import builds, history, listing, orders, queues, taking
from isobuild.domain.batch import Ordered
from isobuild.domain.builds import End
from isobuild.domain.orders import Order
from isobuild.domain.rules import Rules
from isobuild.domain.states import BuildState, TaskState
from isobuild.domain.taking import Flagged
from isobuild.errors import CannotGo, NoSlot, NotFound

LATER = NOW + MINUTE
WIDE = replace(HOST, slots=3)


def test_a_task_goes_ahead_of_the_others(database: Database) -> None:
    """S2.18: by its recipe's name."""
    order_task(database, "tea", priority=9)
    _order(database, "night", not_before=LATER)
    _order(database, "mine")
    task, build, token = database.write(taking.take_ahead, "other", HOST, "ann", NOW)
    row = build_row(database, build or 0)
    assert (task, row.state, row.token) == (3, BuildState.RUNNING, token)
    with database.read() as session:
        event = history.of(session, 3)[-1]
    assert (event.who, event.why) == ("ann", "out of turn")


def _order(database: Database, name: str, **wish: Any) -> None:
    database.write(orders.order, Order(user="ann", name=name, recipe="other", **wish), HOST.queues, NOW)


def test_none_may_go(database: Database) -> None:
    _order(database, "night", not_before=LATER)
    _order(database, "late", queue="low")
    database.write(queues.pause, "low", "the mirror is down", HOST.queues, "ann", NOW)
    with pytest.raises(NotFound, match=r"isobuild run-task other --name NAME"):
        database.write(taking.take_ahead, "other", HOST, "ann", NOW)


def test_one_goes_ahead_only_into_a_free_slot(database: Database) -> None:
    order_task(database, "tea")
    run_tick(database, FakeLauncher(database))
    order_task(database, "mine")
    with pytest.raises(NoSlot, match="Host oven has no free slot"):
        database.write(taking.take_ahead, "tiny", HOST, "ann", NOW)
    assert task_row(database, 2).state is TaskState.PENDING


def test_what_is_ordered_to_go_at_once_goes_or_is_not_ordered(database: Database) -> None:
    order = Order(user="ann", name="one", recipe="tiny", fingerprint="f")
    host = replace(WIDE, rules=Rules(recipe_limits={"big": 1}))

    def go(order: Order, **wish: Any) -> Flagged:
        return database.write(taking.order_ahead, Ordered(order, **wish), host.queues, host, NOW)

    one = go(order)
    assert build_row(database, one.build or 0).token == one.token
    with pytest.raises(CannotGo, match="two can't be built now: it is the same as task 1"):
        go(replace(order, name="two"))
    with pytest.raises(CannotGo, match="after can't be built now: it waits for task 1"):
        go(replace(order, name="after", fingerprint=None), after=("one",))
    big = replace(order, recipe="big", fingerprint=None)
    go(replace(big, name="big"))
    with pytest.raises(CannotGo, match="bigger can't be built now: 1 of recipe big at a time"):
        go(replace(big, name="bigger"))
    with database.read() as session:
        assert [task["name"] for task in listing.list_tasks(session)] == ["big", "one"]
    database.write(builds.finish, one.build or 0, one.token, End(state=BuildState.SUCCEEDED), NOW)
    two = go(replace(order, name="two"))
    assert (two.build, task_row(database, two.task).state) == (None, TaskState.READY)


def test_what_is_ordered_into_a_paused_queue_does_not_go(database: Database) -> None:
    database.write(queues.pause, "low", "mirror down", HOST.queues, "ann", NOW)
    order = Ordered(Order(user="ann", name="one", recipe="tiny", queue="low"))
    with pytest.raises(CannotGo, match="one can't be built now: queue low is paused: mirror down"):
        database.write(taking.order_ahead, order, HOST.queues, HOST, NOW)
    with database.read() as session:
        assert listing.list_tasks(session) == []
