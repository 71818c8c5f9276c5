"""Every change of state is one guarded UPDATE; what is not in MOVES cannot happen."""

from enum import StrEnum
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orders import BY, order_task, task_row
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from isobuild.db import Database
from isobuild.domain.guard import change, move
from isobuild.domain.states import MOVES, BuildState, TaskState
from isobuild.domain.tables import Build, Task
from isobuild.errors import IllegalMove

ROWS: dict[type[StrEnum], Any] = {TaskState: Task, BuildState: Build}
LEGAL = [(kind, old, new) for kind, moves in MOVES.items() for old, news in moves.items() for new in news]
ILLEGAL = [
    (kind, old, new) for kind in MOVES for old, new in product(kind, kind) if new not in MOVES[kind].get(old, ())
]


@pytest.mark.parametrize(("kind", "old", "new"), ILLEGAL)
def test_an_illegal_move_raises_before_anything_is_asked_of_the_database(
    kind: type[StrEnum], old: StrEnum, new: StrEnum
) -> None:
    """S4.7: what is not in the life of a task can't happen."""
    with pytest.raises(IllegalMove, match=f"^A {ROWS[kind].__name__.lower()} can't go from {old} to {new}.$"):
        move(Session(), ROWS[kind], 1, old, new, BY)


def test_each_pair_is_either_legal_or_not() -> None:
    assert len(LEGAL) + len(ILLEGAL) == len(TaskState) ** 2 + len(BuildState) ** 2


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.sampled_from([(old, new) for kind, old, new in LEGAL if kind is TaskState]), max_size=12))
def test_any_sequence_of_moves_follows_the_table(database: Database, moves: list[tuple[TaskState, TaskState]]) -> None:
    """S4.7, S4.C4: the state is looked at by the UPDATE itself."""
    number = order_task(database, f"os{_count(database)}")
    state = TaskState.PENDING
    for old, new in moves:
        moved = _move(database, number, old, new)
        assert moved is (old is state)
        state = new if moved else state
        assert task_row(database, number).state is state


def test_a_condition_that_fails_changes_nothing(database: Database) -> None:
    number = order_task(database, "first")
    other = Task.queue == "high"
    assert not _move(database, number, TaskState.PENDING, TaskState.CANCELED, other, error="no")
    assert (task_row(database, number).state, task_row(database, number).error) == (TaskState.PENDING, None)
    assert _move(database, number, TaskState.PENDING, TaskState.CANCELED, ~other, error="yes")
    assert (task_row(database, number).state, task_row(database, number).error) == (TaskState.CANCELED, "yes")


def test_a_change_counts_the_rows_it_matches_even_if_they_stay_the_same(database: Database) -> None:
    for name in ("first", "second"):
        order_task(database, name)
    for _ in range(2):
        assert database.write(_complain_in, "default") == 2
    assert database.write(_complain_in, "high") == 0


def _move(
    database: Database, number: int, old: TaskState, new: TaskState, *also: ColumnElement[bool], **values: Any
) -> bool:
    return database.write(lambda session: move(session, Task, number, old, new, BY, *also, **values))


def _complain_in(session: Session, queue: str) -> int:
    return change(session, Task, Task.queue == queue, error="same")


def _count(database: Database) -> int:
    with database.read() as session:
        return session.query(Task).count()
