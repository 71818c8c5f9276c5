"""Faults that are planted are found, and by an order of the statements that no test by hand would think of."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from isobuild.db import Database
from isobuild.domain import builds, guard
from isobuild.domain.builds import End
from isobuild.domain.columns import Base
from isobuild.domain.history import By
from isobuild.domain.tables import Build
from proof.scene import Scene
from proof.scenes.builds import (
    finish_and_finish,
    finish_and_finish_with_a_wrong_token,
    finish_and_reap,
    launch_and_launch,
)
from proof.scenes.people import cancel_and_enqueue
from proof.stage import Played, Stage

Prepare = Callable[[Database], Scene]
change, end = guard.change, builds.end


def first_wrong(stage: Stage, prepare: Prepare) -> Played | None:
    return next((played for played in stage.play(prepare) if played.wrong), None)


def is_one_after_the_other(played: Played) -> bool:
    """Whether each did all it did before the next began."""
    actors = [step.actor for step in played.schedule.steps]
    return actors == sorted(actors, key=actors.index)


# the faults


def without_the_state(session: Session, row: type[Base], *where: ColumnElement[bool], **values: Any) -> int:
    """`WHERE id = …` only."""
    return change(session, row, where[0], **values)


def without_the_count(session: Session, row: type[Base], *where: ColumnElement[bool], **values: Any) -> int:
    change(session, row, *where, **values)
    return 1


def with_a_look_before(session: Session, row: type[Base], *where: ColumnElement[bool], **values: Any) -> int:
    """Read, then write."""
    if session.scalar(select(row.__table__.c.id).where(*where)) is None:
        return 0
    return change(session, row, where[0], **values)


def without_the_token(session: Session, build: Build, ended: End, by: By, *also: ColumnElement[bool]) -> bool:
    return end(session, build, ended, by, *also[1:])


@pytest.mark.parametrize("prepare", [launch_and_launch, finish_and_finish, finish_and_reap, cancel_and_enqueue])
@pytest.mark.parametrize("fault", [without_the_state, without_the_count])
def test_a_move_without_its_guard_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, prepare: Prepare, fault: Callable[..., int]
) -> None:
    monkeypatch.setattr(guard, "change", fault)
    played = first_wrong(stage, prepare)
    print(played)
    assert played


@pytest.mark.parametrize("prepare", [launch_and_launch, finish_and_finish, finish_and_reap, cancel_and_enqueue])
def test_a_look_before_the_write_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch, prepare: Prepare) -> None:
    """One after the other they do no harm. SQLite lets one write at a time, from its look on."""
    monkeypatch.setattr(guard, "change", with_a_look_before)
    played = first_wrong(stage, prepare)
    print(played)
    assert (played is None) == (stage.database.engine.dialect.name == "sqlite")
    assert played is None or not is_one_after_the_other(played)


def test_a_finish_without_its_token_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "end", without_the_token)
    played = first_wrong(stage, finish_and_finish_with_a_wrong_token)
    print(played)
    assert played
    assert "wrong" in played.wrong[0]
