"""What the state machine and the chaos run have found, each as short as can be."""

import os

import pytest
from orders import HOST, NOW, build_row, claim, order_task, start_build, succeed, task_row
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from isobuild.db import Database
from isobuild.domain import builds, reaping, runners
from isobuild.domain.states import BuildState, Cause, TaskState


def test_a_build_whose_runner_ended_without_a_word_is_reaped(database: Database) -> None:
    """The runner could not report for want of a database; that came back just when the runner wrote its own end."""
    order_task(database, "tea")
    launch = start_build(database)
    claim(database, launch, os.getpid())
    assert database.write(reaping.reap, HOST, NOW) == 0
    database.write(runners.end, 1, 0, NOW)
    assert database.write(reaping.reap, HOST, NOW) == 1
    assert (build_row(database, 1).state, build_row(database, 1).cause) == (BuildState.FAILED, Cause.LOST)
    assert task_row(database, 1).state is TaskState.PENDING


@pytest.mark.parametrize("database", ["mariadb", "postgresql"], indirect=True)
def test_a_build_that_ends_while_owners_are_looked_up_keeps_its_file(database: Database) -> None:
    """Nothing is ready without its file: on a server two statements of one transaction see different moments."""
    order_task(database, "tea")
    launch = start_build(database)
    looks: list[ORMExecuteState] = []

    def between(look: ORMExecuteState) -> None:
        looks.append(look)
        if len(looks) == 2:
            succeed(database, launch)

    def owners(session: Session) -> set[int]:
        event.listen(session, "do_orm_execute", between)
        return builds.owners(session, [launch.build])

    assert database.write(owners) == {launch.build}
    assert task_row(database, 1).state is TaskState.READY
