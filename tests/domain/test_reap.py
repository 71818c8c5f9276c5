"""The dead are reaped and the living are not, however old their leases are."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from orders import (
    HOST,
    MINUTE,
    NOW,
    SITE,
    Launch,
    all_rows,
    build_row,
    claim,
    fail,
    order_task,
    start_build,
    succeed,
    task_row,
)
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from isobuild import tick
from isobuild.db import Database
from isobuild.domain import builds, reaping, runners, tasks
from isobuild.domain.guard import change
from isobuild.domain.hosts import Host
from isobuild.domain.states import BuildState, Cause, TaskState
from isobuild.domain.tables import Build, Runner
from isobuild.errors import CannotRemove, ReportRefused

OTHER = Host("stove")
INSTANT = timedelta(microseconds=1)
EXPIRED = NOW + HOST.lease + INSTANT
YEARS = timedelta(days=3650)


@pytest.fixture
def launch(database: Database) -> Launch:
    """The launch of the one task's build, which nobody has claimed yet."""
    order_task(database, "tea")
    return start_build(database)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as running:
        yield running
        running.kill()


def reap(database: Database, host: Host = HOST, now: datetime = NOW) -> int:
    return database.write(reaping.reap, host, now)


def assert_lost(database: Database, error: str) -> None:
    build, task = build_row(database, 1), task_row(database, 1)
    assert (build.state, build.cause, build.error) == (BuildState.FAILED, Cause.LOST, error)
    assert (build.open_task, build.open_slot) == (None, None)
    assert (task.state, task.attempts, task.cause) == (TaskState.PENDING, 1, Cause.LOST)
    assert task.not_before is not None


# on this host: by its process


def test_a_process_that_is_gone_is_reaped_at_once(
    database: Database, launch: Launch, process: subprocess.Popen[bytes]
) -> None:
    """S1.16, S1.39, S4.30: a runner that died (`timeout`, there) is noticed when its process is gone."""
    claim(database, launch, process.pid)
    assert reap(database) == 0
    process.kill()
    process.wait()
    assert reap(database) == 1
    assert_lost(database, f"The runner on oven (process {process.pid}) is gone.")
    assert reap(database) == 0


def test_a_zombie_is_dead(database: Database, launch: Launch, process: subprocess.Popen[bytes]) -> None:
    claim(database, launch, process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert reap(database) == 1


def test_another_process_with_the_same_number_is_not_the_runner(database: Database, launch: Launch) -> None:
    claim(database, launch, os.getpid())
    database.write(lambda session: change(session, Runner, Runner.id == 1, pid_start="another boot/1"))
    assert reap(database) == 1
    assert_lost(database, f"The runner on oven (process {os.getpid()}) is gone.")


def test_a_runner_that_died_while_it_claimed_is_dead(
    database: Database, launch: Launch, process: subprocess.Popen[bytes]
) -> None:
    process.kill()
    process.wait()
    claim(database, launch, process.pid)
    assert reap(database, now=EXPIRED) == 1


def test_a_living_process_is_never_reaped_even_with_an_old_lease(database: Database, launch: Launch) -> None:
    claim(database, launch, os.getpid())
    before = all_rows(database)
    assert reap(database, now=NOW + YEARS) == 0
    assert all_rows(database) == before


def test_a_runner_that_never_came_is_lost_when_its_lease_is_over(database: Database, launch: Launch) -> None:
    """S0.C5: a launch that came to nothing does not hold up the queue for ever."""
    assert reap(database, now=EXPIRED - INSTANT) == 0
    assert reap(database, now=EXPIRED) == 1
    assert_lost(database, "The runner on oven was never seen.")


# on another host: by its lease


def test_another_host_is_believed_until_its_lease_is_over(database: Database, launch: Launch) -> None:
    claim(database, launch, os.getpid())
    assert reap(database, OTHER, EXPIRED - INSTANT) == 0
    assert reap(database, OTHER, EXPIRED) == 1
    assert_lost(database, f"The runner on oven (process {os.getpid()}) is gone.")


def test_a_heartbeat_keeps_another_hosts_build(database: Database, launch: Launch) -> None:
    claim(database, launch, os.getpid())
    database.write(builds.heartbeat, 1, launch.token, HOST, NOW + MINUTE)
    assert reap(database, OTHER, EXPIRED) == 0


def test_a_heartbeat_between_the_look_and_the_end_means_that_it_lives(database: Database, launch: Launch) -> None:
    claim(database, launch, os.getpid())
    with database.read() as session:
        (seen,) = runners.lost(session, OTHER, EXPIRED)
    database.write(builds.heartbeat, 1, launch.token, HOST, NOW + MINUTE)
    before = all_rows(database)
    assert database.write(runners.lose, seen, EXPIRED) is False
    assert all_rows(database) == before


def test_a_report_of_the_lost_one_comes_too_late(database: Database, launch: Launch) -> None:
    """S4.C2: who lost his build can't complete it any more."""
    reap(database, now=EXPIRED)
    before = all_rows(database)
    with pytest.raises(ReportRefused, match=r"build 1 has ended already \(failed\)"):
        succeed(database, launch, EXPIRED)
    assert all_rows(database) == before


def test_a_lost_build_counts_as_an_attempt(database: Database) -> None:
    """S1.22: died ones count as failed ones do."""
    order_task(database, "tea", max_attempts=2, retry_delay=30)
    for minute in (0, 5):
        start_build(database, NOW + minute * MINUTE)
        reap(database, now=NOW + (minute + 2) * MINUTE)
    task = task_row(database, 1)
    assert (task.state, task.cause, task.error) == (TaskState.FAILED, Cause.LOST, "The runner on oven was never seen.")


def test_a_dead_runner_that_was_asked_to_stop_is_canceled(
    database: Database, launch: Launch, process: subprocess.Popen[bytes]
) -> None:
    claim(database, launch, process.pid)
    database.write(tasks.cancel, 1, "ann", NOW)
    process.kill()
    process.wait()
    assert reap(database) == 1
    build, task = build_row(database, 1), task_row(database, 1)
    assert (build.state, build.cause, build.error) == (BuildState.CANCELED, None, "canceled by a person")
    assert (task.state, task.attempts) == (TaskState.CANCELED, 0)


# enqueued, and never launched


def test_a_pending_build_of_a_host_that_never_came_back_is_taken_back(database: Database) -> None:
    order_task(database, "tea")
    tick.enqueue(database, SITE, NOW)
    assert reap(database, OTHER, EXPIRED - INSTANT) == reap(database, HOST, EXPIRED + YEARS) == 0
    assert reap(database, OTHER, EXPIRED) == 1
    build, task = build_row(database, 1), task_row(database, 1)
    assert (build.state, build.cause, build.error) == (BuildState.CANCELED, Cause.LOST, "oven never launched it.")
    assert (task.state, task.attempts, task.not_before) == (TaskState.PENDING, 0, None)
    assert start_build(database, EXPIRED, OTHER).build == 2
    assert database.write(builds.flag_busy, 1, HOST, EXPIRED) is None  # the host comes back too late


def test_all_the_lost_are_reaped_in_one_go(database: Database) -> None:
    """S0.C10: every open build is looked at, not the last one alone."""
    wide = Host("oven", slots=3)
    for number in range(3):
        order_task(database, f"os{number}")
    tick.tick(database, _Mute(), tick.Site(host=wide), NOW)
    assert reap(database, wide, EXPIRED) == 3


# at the same moment


@pytest.mark.parametrize("database", ["mariadb", "postgresql"], indirect=True)
def test_a_build_that_begins_while_its_task_is_removed_is_not_forgotten(database: Database) -> None:
    """S0.C8: on a server two writers overlap; on SQLite one waits for the other."""
    order_task(database, "tea")
    begun: list[Future[int]] = []

    def overlap(state: ORMExecuteState) -> None:
        if state.is_delete and not begun:
            begun.append(pool.submit(tick.enqueue, database, SITE, NOW))
            wait(begun, 1)  # it is done, or it waits for us

    def remove(session: Session) -> None:
        event.listen(session, "do_orm_execute", overlap)
        tasks.remove(session, 1, "ann", NOW)

    with ThreadPoolExecutor(1) as pool, suppress(CannotRemove):
        database.write(remove)
    rows = all_rows(database)
    assert len(rows["builds"]) == len(rows["tasks"]) == begun[0].result()


@pytest.mark.parametrize("database", ["mariadb", "postgresql"], indirect=True)
def test_a_cancel_while_the_build_fails_is_not_forgotten(database: Database, launch: Launch) -> None:
    failed: list[Future[None]] = []

    def overlap(state: ORMExecuteState) -> None:
        if state.is_update and state.bind_mapper and state.bind_mapper.class_ is Build and not failed:
            failed.append(pool.submit(fail, database, launch))
            wait(failed, 1)

    def cancel(session: Session) -> None:
        event.listen(session, "do_orm_execute", overlap)
        tasks.cancel(session, 1, "ann", NOW)

    with ThreadPoolExecutor(1) as pool:
        database.write(cancel)
    failed[0].result()
    assert task_row(database, 1).state is TaskState.CANCELED


class _Mute:
    def launch(self, build: int, token: str) -> None:
        pass
