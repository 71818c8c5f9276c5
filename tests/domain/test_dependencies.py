"""A task waits for others: it goes when they are done, and if one fails it does what its order says."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from orders import HOST, MINUTE, NOW, Launch, fail, order_task, start_build, succeed, task_row
from sqlalchemy import text

from isobuild.db import Database
from isobuild.domain import dependencies, pruning, tasks, turns
from isobuild.domain.history import By
from isobuild.domain.states import AfterFailure, Cause, TaskState
from isobuild.errors import BadInput, IsNeeded

LATER = NOW + MINUTE


def build(database: Database, ok: bool = True) -> int:
    """Build the next task; its number."""
    launch = start_build(database, LATER)
    (succeed if ok else _fail_for_good)(database, launch)
    return launch.task


def _fail_for_good(database: Database, launch: Launch) -> None:
    fail(database, launch, LATER, Cause.REQUEST)


def flavours(database: Database, **wish: Any) -> tuple[int, list[int]]:
    """A base and three that wait for it."""
    base = order_task(database, "base")
    return base, [order_task(database, f"flavour{number}", after=[base], **wish) for number in range(3)]


def states(database: Database, numbers: Sequence[int]) -> list[str]:
    return [task_row(database, number).state for number in numbers]


def test_flavours_wait_for_their_base_and_then_go_in_their_order(database: Database) -> None:
    """S4.6, S4.14: a task goes when all that it depends on is done."""
    base, others = flavours(database)
    assert states(database, others) == ["blocked"] * 3
    assert build(database) == base
    assert states(database, others) == ["pending"] * 3
    assert [build(database) for _ in others] == others


def test_the_blocked_are_not_in_the_ready_index(database: Database) -> None:
    """S4.14: not before what it depends on is completed."""
    _, others = flavours(database)
    assert database.write(turns.enqueue, HOST, NOW) == 1
    with database.read() as session:
        ready = session.execute(text("SELECT count(*) FROM tasks WHERE state = 'pending'")).scalar()
    assert (ready, len(others)) == (0, 3)


def test_all_of_several_are_waited_for(database: Database) -> None:
    """S4.6, S4.C5: one that is named twice is one."""
    first, second = order_task(database, "one"), order_task(database, "two")
    both = order_task(database, "both", after=[first, second, first])
    assert task_row(database, both).waits == 2
    build(database)
    assert (task_row(database, both).state, task_row(database, both).waits) == (TaskState.BLOCKED, 1)
    build(database)
    assert (task_row(database, both).state, task_row(database, both).waits) == (TaskState.PENDING, 0)


def test_what_is_ready_already_is_not_waited_for(database: Database) -> None:
    base = order_task(database, "base")
    build(database)
    flavour = order_task(database, "flavour", after=[base])
    assert task_row(database, flavour).state is TaskState.PENDING
    with database.read() as session:
        assert [task.id for task in dependencies.of(session, flavour)] == [base]


@pytest.mark.parametrize("how", ["fail", "cancel"])
def test_a_dependent_fails_with_its_dependency_and_names_it(database: Database, how: str) -> None:
    """S4.33 decided: failed dependency, by default the dependent fails with cause request."""
    base, others = flavours(database)
    last = order_task(database, "last", after=others[:1])
    if how == "fail":
        build(database, ok=False)
    else:
        database.write(tasks.cancel, base, "ann", NOW)
    state = "failed" if how == "fail" else "canceled"
    assert states(database, [*others, last]) == ["failed"] * 4
    task = task_row(database, others[0])
    assert (task.cause, task.error) == (Cause.REQUEST, f"Task {base}, which it depends on, is {state}.")
    assert task_row(database, last).error == f"Task {others[0]}, which it depends on, is failed."


def test_it_may_run_all_the_same(database: Database) -> None:
    """S4.33: it works even if dependencies fail, when the order says so."""
    _, others = flavours(database, on_dependency_failure=AfterFailure.RUN)
    build(database, ok=False)
    assert states(database, others) == ["pending"] * 3


def test_it_may_wait_until_the_dependency_was_tried_again(database: Database) -> None:
    base, others = flavours(database, on_dependency_failure=AfterFailure.WAIT)
    build(database, ok=False)
    assert states(database, others) == ["blocked"] * 3
    database.write(tasks.retry, base, "ann", LATER)
    build(database)
    assert states(database, others) == ["pending"] * 3


def test_a_retry_waits_for_what_is_not_ready(database: Database) -> None:
    base, others = flavours(database)
    build(database, ok=False)
    database.write(tasks.retry, others[0], "ann", LATER)
    assert (task_row(database, others[0]).state, task_row(database, others[0]).waits) == (TaskState.BLOCKED, 1)
    database.write(tasks.retry, base, "ann", LATER)
    build(database)
    assert states(database, others) == ["pending", "failed", "failed"]


def test_a_long_chain_fails_as_one(database: Database) -> None:
    last = order_task(database, "os0")
    chain = [last := order_task(database, f"os{number}", after=[last]) for number in range(1, 60)]
    build(database, ok=False)
    assert set(states(database, chain)) == {"failed"}


def test_what_can_not_be_waited_for_is_refused(database: Database) -> None:
    """S4.C5: an unknown one is no satisfied one."""
    base = order_task(database, "base")
    with pytest.raises(BadInput, match=r"^after: 9 can't be used: the number of a task"):
        order_task(database, "flavour", after=[9])
    build(database, ok=False)
    with pytest.raises(BadInput, match=rf"^after: {base} can't be used: a task that is ready or can become so"):
        order_task(database, "flavour", after=[base])
    assert order_task(database, "patient", after=[base], on_dependency_failure=AfterFailure.WAIT)


def test_what_others_wait_for_is_not_removed(database: Database) -> None:
    """S4.16: what has a parent that waits is not cleaned away."""
    base, others = flavours(database)
    with pytest.raises(IsNeeded, match=f"task {others[0]}, {others[1]}, {others[2]} depends on it, and is not ready"):
        database.write(tasks.remove, base, "ann", NOW)
    for number in others:
        database.write(tasks.remove, number, "ann", NOW)
    database.write(tasks.remove, base, "ann", NOW)


@pytest.mark.parametrize("how", ["canceled", "failed", "expired", "ready"])
def test_what_one_that_may_be_tried_again_depends_on_is_not_removed(database: Database, how: str) -> None:
    """Tried again, it must still know what it is made of. What is ready is made."""
    base = order_task(database, "base")
    flavour = order_task(database, "flavour", after=[base], ttl=0.0 if how == "expired" else None)
    build(database)
    if how == "canceled":
        database.write(tasks.cancel, flavour, "ann", NOW)
    else:
        build(database, ok=how != "failed")
        database.write(pruning.expire, None, By("tick", LATER))
    assert states(database, [flavour]) == [how]
    if how == "ready":
        database.write(tasks.remove, base, "ann", NOW)
        return
    with pytest.raises(IsNeeded):
        database.write(tasks.remove, base, "ann", NOW)
    database.write(tasks.retry, flavour, "ann", NOW)
    with database.read() as session:
        assert [on.id for on in dependencies.of(session, flavour)] == [base]


@pytest.mark.parametrize("round_", range(3))
def test_two_that_end_at_once_free_the_one_that_waits_for_both(database: Database, round_: int) -> None:
    first, second = order_task(database, "one"), order_task(database, "two")
    both = order_task(database, "both", after=[first, second])
    wide = HOST.__class__("oven", slots=2)
    from orders import FakeLauncher, run_tick

    launcher = FakeLauncher(database)
    run_tick(database, launcher, NOW, wide)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda launch: succeed(database, launch, LATER), launcher.launched))
    assert (task_row(database, both).state, task_row(database, both).waits) == (TaskState.PENDING, 0)
