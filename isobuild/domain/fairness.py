"""Fairness: one user's hundred orders do not hold up another's one; whoever had the fewest builds lately goes first."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from isobuild.domain.guard import change
from isobuild.domain.tables import Task, User

FADES = timedelta(hours=24)  # a build counts half after this


class Waiting(NamedTuple):
    """A task that waits, so that they sort as they were ordered."""

    rank: int
    created_at: datetime
    task: int
    user: int


def next_of(session: Session, ready: Sequence[ColumnElement[bool]], rank: int, now: datetime) -> Task | None:
    """Which of equal tasks is the next: the oldest one of the user with the smallest load."""
    turns = [(load, task) for task, load in _oldest_of_each(session, ready, rank, now).items()]
    return session.get(Task, min(turns)[1].task, populate_existing=True) if turns else None


def line_up(
    session: Session, ready: Sequence[ColumnElement[bool]], most: int, extra: Counter[int], now: datetime
) -> list[int]:
    """The numbers of the tasks that are ready, as they will go: the `most` oldest, and the oldest of each user.

    `extra` are the builds that those before them will have given to each user; it is brought up to date.
    """
    places = Task.rank, Task.created_at, Task.id, Task.user_id
    oldest = select(*places).where(*ready).order_by(Task.rank, Task.created_at, Task.id).limit(most)
    waiting = {Waiting(*row) for row in session.execute(oldest)}
    if waiting:
        waiting |= _oldest_of_each(session, ready, min(waiting).rank, now).keys()
    loads = _loads(session, {each.user for each in waiting}, now)
    return [
        number
        for _, equal in groupby(sorted(waiting), lambda each: each.rank)
        for number in _take_turns(equal, loads, extra)
    ]


def _take_turns(equal: Iterable[Waiting], loads: dict[int, float], extra: Counter[int]) -> list[int]:
    turns = []
    for each in equal:
        turns.append((loads[each.user] + extra[each.user], each))
        extra[each.user] += 1
    return [each.task for _, each in sorted(turns)]


def _oldest_of_each(
    session: Session, ready: Sequence[ColumnElement[bool]], rank: int, now: datetime
) -> dict[Waiting, float]:
    """The oldest task of each user, with the user's load: a look into the index for each, however many tasks wait."""
    equal = [*ready, Task.rank == rank]
    heads = select(User.id, User.load, User.load_at, _oldest(Task.created_at, equal), _oldest(Task.id, equal))
    return {
        Waiting(rank, created, task, user): _faded(load, at, now)
        for user, load, at, created, task in session.execute(heads)
        if task
    }


def _oldest(what: InstrumentedAttribute[Any], equal: Sequence[ColumnElement[bool]]) -> ScalarSelect[Any]:
    his = select(what).where(*equal, Task.user_id == User.id).order_by(Task.created_at, Task.id).limit(1)
    return his.correlate(User).scalar_subquery()


def _loads(session: Session, users: Iterable[int], now: datetime) -> dict[int, float]:
    return {user.id: load(user, now) for user in session.scalars(select(User).where(User.id.in_(users)))}


def load(user: User, now: datetime) -> float:
    """How many builds a user had lately, each counted half as much after a day."""
    return _faded(user.load, user.load_at, now)


def _faded(load: float, at: datetime | None, now: datetime) -> float:
    return load * math.pow(0.5, max(now - at, timedelta(0)) / FADES) if at else 0.0


def count(session: Session, user: int, now: datetime) -> None:
    """Note that the user has a build more."""
    row = session.get_one(User, user, populate_existing=True, with_for_update={"key_share": True})
    change(session, User, User.id == user, load=load(row, now) + 1, load_at=now)
