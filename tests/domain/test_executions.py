"""When an order was last carried out with success: written in the same transaction, once for equal orders."""

import os
from dataclasses import replace

import pytest
from orders import HOST, MINUTE, NOW, all_rows, claim, fail, order_task, start_build, succeed, task_row, url_of
from together import crowd

from isobuild.db import Database
from isobuild.domain import executions, tasks
from isobuild.domain.keys import key
from isobuild.domain.states import Cause, TaskState
from isobuild.domain.tables import LastExecution, Runner, Task
from isobuild.errors import ReportRefused

LATER = NOW + MINUTE
OVEN = replace(HOST, instance="0d9a3c52-7f3e-4b86-9a52-2f8f4a9d7c11")
OPTIONS = {"size": 3}


def last(database: Database, recipe: str = "tiny", **options: object) -> LastExecution | None:
    with database.read() as session:
        return executions.last(session, recipe, options or OPTIONS)


def test_success_is_recorded_with_the_time_and_whose_it_was(database: Database) -> None:
    """S3.8, S3.12: a success is recorded by the job itself, with the time and the instance that did it."""
    order_task(database, "tea", options=OPTIONS, write_last_exec=True, instance="where it was ordered")
    launch = start_build(database, host=OVEN)
    claim(database, launch, os.getpid(), host=OVEN)
    assert last(database) is None
    succeed(database, launch, LATER)
    found = last(database)
    assert found is not None
    assert (found.at, found.instance, found.task_id) == (LATER, OVEN.instance, 1)
    assert (found.key, found.job) == (key("tiny", OPTIONS), {"recipe": "tiny", "options": OPTIONS})


def test_who_never_was_carried_out_is_told_from_who_was(database: Database) -> None:
    """S3.10: whether it was ever executed, and when, can be asked."""
    order_task(database, "tea", options=OPTIONS, write_last_exec=True)
    succeed(database, start_build(database))
    assert last(database) is not None
    assert last(database, size=4) is None
    assert last(database, "debian-live") is None


def test_by_default_nothing_is_recorded(database: Database) -> None:
    """S3.6: only where the order says so."""
    order_task(database, "tea", options=OPTIONS)
    succeed(database, start_build(database))
    assert last(database) is None


@pytest.mark.parametrize("end", ["failed", "tried again", "canceled"])
def test_only_success_is_recorded(database: Database, end: str) -> None:
    order_task(database, "tea", options=OPTIONS, write_last_exec=True)
    launch = start_build(database)
    if end == "canceled":
        database.write(tasks.cancel, 1, "ann", LATER)
    fail(database, launch, cause=Cause.REQUEST if end == "failed" else Cause.HOST)
    assert last(database) is None


def test_a_report_that_is_refused_records_nothing(database: Database) -> None:
    """S3.8: in the same transaction as the success, so never without it."""
    order_task(database, "tea", options=OPTIONS, write_last_exec=True)
    launch = start_build(database)
    with pytest.raises(ReportRefused):
        succeed(database, replace(launch, token="another"))
    assert last(database) is None
    succeed(database, launch)
    before = all_rows(database)["last_executions"]
    with pytest.raises(ReportRefused):
        succeed(database, launch, LATER)
    assert all_rows(database)["last_executions"] == before


def test_equal_orders_have_one_record_of_the_latest(database: Database) -> None:
    for number, options in enumerate(({"a": 1, "b": 2}, {"b": 2, "a": 1})):
        order_task(database, f"os{number}", options=options, write_last_exec=True)
        succeed(database, start_build(database), NOW + number * MINUTE)
    found = last(database, a=1, b=2)
    assert found is not None
    assert (found.at, found.task_id) == (LATER, 2)
    assert len(all_rows(database)["last_executions"]) == 1


def test_an_order_that_is_answered_at_once_was_carried_out_too(database: Database) -> None:
    order_task(database, "tea", options=OPTIONS, fingerprint="f")
    succeed(database, start_build(database))
    order_task(database, "same", LATER, options=OPTIONS, fingerprint="f", write_last_exec=True, instance="here")
    assert task_row(database, 2).state is TaskState.READY
    found = last(database)
    assert found is not None
    assert (found.at, found.instance, found.task_id) == (LATER, "here", 2)


def test_those_who_follow_are_recorded_with_the_one_they_follow(database: Database) -> None:
    order_task(database, "tea", options=OPTIONS, fingerprint="f")
    order_task(database, "same", options=OPTIONS, fingerprint="f", write_last_exec=True, instance="here")
    succeed(database, start_build(database), LATER)
    found = last(database)
    assert found is not None
    assert (found.at, found.task_id) == (LATER, 2)


def note(database: Database, number: int) -> None:
    database.write(executions.record, number + 1, LATER)


def test_eight_equal_orders_that_end_at_once_have_one_record(database: Database) -> None:
    for number in range(8):
        order_task(database, f"os{number}", options=OPTIONS, write_last_exec=True)
    with crowd(8) as eight:
        eight.each(note, url_of(database))
    assert len(all_rows(database)["last_executions"]) == 1


def test_who_executes_and_since_when_are_known_together(database: Database) -> None:
    """S3.4, S3.5: while nobody executes it both are empty; then both are set: the instance, and the time."""
    order_task(database, "tea")
    launch = start_build(database, host=OVEN)
    build, _ = claim(database, launch, os.getpid(), host=OVEN)
    assert build.started_at == NOW
    with database.read() as session:
        runner = session.get_one(Runner, build.runner_id or 0)
    assert (runner.instance, runner.started_at) == (OVEN.instance, NOW)


def test_an_order_knows_the_installation_that_took_it(database: Database) -> None:
    """S3.2, S3.3: who created it, for debugging, and when, in UTC."""
    order_task(database, "tea", instance=OVEN.instance)
    task: Task = task_row(database, 1)
    assert (task.instance, task.created_at.isoformat()) == (OVEN.instance, "2026-11-21T07:00:00.123456+00:00")


def test_an_order_is_a_few_rows_and_starts_nothing(database: Database) -> None:
    """S3.1, S3.7: what is ordered is written down as JSON, and carried out in the background."""
    order_task(database, "tea", options=OPTIONS)
    rows = {table: len(found) for table, found in all_rows(database).items() if found}
    assert rows == {"users": 1, "tasks": 1, "history": 1}
    assert task_row(database, 1).options == OPTIONS
