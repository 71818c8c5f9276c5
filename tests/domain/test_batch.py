"""Orders that come together: all of them or none, those that others wait for first."""

import pytest
from orders import HOST, NOW, FakeLauncher, all_rows, run_tick, succeed, task_row

from isobuild.db import Database
from isobuild.domain import batch, listing
from isobuild.domain.batch import Ordered
from isobuild.domain.orders import Order
from isobuild.domain.rules import Rules
from isobuild.domain.states import TaskState
from isobuild.errors import BadInput, DependencyCycle, InvalidName, NameTaken


def wish(name: str, *after: int | str) -> Ordered:
    return Ordered(Order(user="ann", name=name, recipe="tiny"), after)


def order_all(database: Database, *wishes: Ordered) -> list[int]:
    return database.write(batch.order_all, wishes, HOST.queues, Rules(), NOW)


def pushdep() -> list[Ordered]:
    """PushDep's own example: a first tech, ten more, and an eco for each of these, which waits for both."""
    steps = range(10, 101, 10)
    techs = [wish("tech-0"), *(wish(f"tech-{step}") for step in steps)]
    return techs + [wish(f"eco-{step}", "tech-0", f"tech-{step}") for step in steps]


def test_the_example_of_pushdep(database: Database) -> None:
    """S4.1: 11 tech and 10 eco make 21 tasks; each eco waits for the first tech and for its own."""
    numbers = order_all(database, *pushdep())
    assert len(numbers) == 21
    with database.read() as session:
        shown = {task["name"]: task for task in listing.list_tasks(session)}
    assert [shown[f"eco-{step}"]["after"] for step in (10, 100)] == [
        [shown["tech-0"]["id"], shown["tech-10"]["id"]],
        [shown["tech-0"]["id"], shown["tech-100"]["id"]],
    ]
    launcher = FakeLauncher(database)
    for _ in numbers:
        run_tick(database, launcher, NOW)
        succeed(database, launcher.launched[-1])
    built = [task_row(database, number).name for number in launcher.tasks]
    assert sorted(built) == sorted(shown)
    for step in range(10, 101, 10):
        assert built.index(f"eco-{step}") > max(built.index("tech-0"), built.index(f"tech-{step}"))
    assert {task_row(database, number).state for number in numbers} == {TaskState.READY}


def test_numbers_come_back_in_the_order_of_the_wishes(database: Database) -> None:
    """S4.C5: those that others wait for are made first, in one transaction."""
    numbers = order_all(database, wish("late", "early"), wish("early"))
    assert [task_row(database, number).name for number in numbers] == ["late", "early"]
    assert numbers[1] < numbers[0]


def test_a_cycle_is_refused_and_spelled_out(database: Database) -> None:
    """S4.15 decided: cycles are refused when ordered."""
    before = all_rows(database)
    with pytest.raises(DependencyCycle, match=r"^after: '(\w) -> \w -> \w -> \1' can't be built: each waits"):
        order_all(database, wish("free"), wish("a", "b"), wish("b", "c"), wish("c", "a"))
    with pytest.raises(DependencyCycle, match="'a -> a'"):
        order_all(database, wish("a", "a"))
    assert all_rows(database) == before


def test_names_of_the_users_own_tasks_and_numbers_are_understood(database: Database) -> None:
    (base,) = order_all(database, wish("base"))
    flavours = order_all(database, wish("one", "base"), wish("two", base))
    assert [task_row(database, number).state for number in flavours] == [TaskState.BLOCKED] * 2
    with pytest.raises(BadInput, match=r"^after: 'nothing' can't be used: the number of a task, or the name of one"):
        order_all(database, wish("three", "nothing"))


def test_of_several_it_says_which_is_wrong(database: Database) -> None:
    before = all_rows(database)
    homeless = Ordered(Order(user="ann", name="one", recipe="tiny", queue="vip"))
    for wrong, words in ((homeless, "order 2, queue: there is no"), (wish("two", "\ud800"), "order 2, after: '")):
        with pytest.raises(BadInput, match=words):
            order_all(database, wish("base"), wrong)
    with pytest.raises(BadInput, match=r"^queue: "):
        order_all(database, homeless)
    assert all_rows(database) == before


def test_one_that_is_refused_refuses_all(database: Database) -> None:
    order_all(database, wish("taken"))
    before = all_rows(database)
    with pytest.raises(NameTaken):
        order_all(database, wish("new"), wish("taken"))
    with pytest.raises(InvalidName, match="'twice' can't be a name: it comes twice"):
        order_all(database, wish("twice"), wish("twice"))
    assert all_rows(database) == before
