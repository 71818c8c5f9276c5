"""A loop among the rows: its seat, what it takes, and what becomes of it."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from orders import BY, HOST, MINUTE, NOW, FakeLauncher, build_row, fail, order_task, run_tick, task_row, url_of
from together import Crowd, crowd

from isobuild import tick
from isobuild.db import Database
from isobuild.domain import builds, history, listing, reaping, runners, taking, tasks, turns
from isobuild.domain.builds import End
from isobuild.domain.hosts import Host
from isobuild.domain.states import BuildState, Cause, RunnerState, TaskState
from isobuild.domain.tables import Runner
from isobuild.domain.taking import Taken
from isobuild.errors import LostBuild, LostSeat, NoSeat

WIDE = replace(HOST, slots=3)
OTHER = Host("stove")
LATER = NOW + HOST.lease + MINUTE
MEMORY = 70 << 20
DONE = End(state=BuildState.FAILED, cause=Cause.UPSTREAM, error="The mirror is away.")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that can be killed, as if it were a loop."""
    with subprocess.Popen(["sleep", "600"]) as running:
        yield running
        running.kill()


@pytest.fixture(scope="module")
def six() -> Iterator[Crowd]:
    with crowd(6) as ready:
        yield ready


def sit(database: Database, host: Host = HOST, pid: int = os.getpid()) -> int:
    return database.write(runners.sit_down, pid, host, NOW)


def take(database: Database, me: int, host: Host = HOST, attempts: int | None = None, now: datetime = NOW) -> Taken:
    taken = _take(database, me, host, attempts, now)
    assert taken
    return taken


def _take(
    database: Database, me: int, host: Host = HOST, attempts: int | None = None, now: datetime = NOW
) -> Taken | None:
    return database.write(taking.take, me, host, attempts, MEMORY, now)


def runner_row(database: Database, number: int = 1) -> Runner:
    with database.read() as session:
        return session.get_one(Runner, number)


# its row and its seat


def test_a_seat_fits_while_its_host_has_it(database: Database) -> None:
    first, second = sit(database, WIDE), sit(database, WIDE)
    with database.read() as session:
        fits = [[runners.fits(session, number, host) for host in (WIDE, HOST, OTHER)] for number in (first, second)]
    assert fits == [[True, True, False], [True, False, False]]
    database.write(runners.end, first, MEMORY, NOW)
    with database.read() as session:
        assert not runners.fits(session, first, WIDE)


def test_a_loop_is_a_row_with_its_process_and_a_seat(database: Database) -> None:
    """S1.20, S1.21, S1.23: the process that made it, when it began, that it runs."""
    row = runner_row(database, sit(database))
    assert (row.kind, row.pid, row.host, row.state) == ("work", os.getpid(), "oven", RunnerState.RUNNING)
    assert (row.started_at, row.finished_at, row.seat) == (NOW, None, "oven/0")
    assert row.leased_until == NOW + HOST.lease


def test_there_are_as_many_seats_as_slots(database: Database) -> None:
    """S1.27, S1.30, S1.42: a loop more is refused; one host's loops are no matter of another's."""
    loops = [sit(database, WIDE) for _ in range(3)]
    assert [runner_row(database, me).seat for me in loops] == ["oven/0", "oven/1", "oven/2"]
    with pytest.raises(NoSeat, match="Host oven has 3 slots"):
        sit(database, WIDE)
    sit(database, OTHER)
    database.write(runners.end, loops[1], MEMORY, NOW)
    assert runner_row(database, sit(database, WIDE)).seat == "oven/1"


def test_a_loop_that_ends_says_so_and_when(database: Database) -> None:
    """S1.35, S1.33: state and time, both."""
    database.write(runners.end, sit(database), MEMORY, LATER)
    row = runner_row(database)
    assert (row.state, row.finished_at, row.seat, row.memory) == (RunnerState.ENDED, LATER, None, MEMORY)


def test_a_loop_that_died_is_lost_with_its_build_at_once(database: Database, process: subprocess.Popen[bytes]) -> None:
    """S1.21, S1.24, S1.39: runner and build in one transaction; its seat and its slot are free."""
    order_task(database, "tea")
    me = sit(database, pid=process.pid)
    take(database, me)
    assert database.write(reaping.reap, HOST, LATER) == 0  # it lives, however old its lease is
    process.kill()
    process.wait()
    assert database.write(reaping.reap, HOST, LATER) == 1
    assert (runner_row(database).state, runner_row(database).finished_at) == (RunnerState.LOST, LATER)
    assert (build_row(database, 1).state, build_row(database, 1).cause) == (BuildState.FAILED, Cause.LOST)
    assert (task_row(database, 1).state, task_row(database, 1).attempts) == (TaskState.PENDING, 1)
    assert runner_row(database, sit(database)).seat == "oven/0"


def test_a_loop_of_another_host_is_lost_when_its_lease_has_run_out(database: Database) -> None:
    me = sit(database)
    assert database.write(reaping.reap, OTHER, NOW + HOST.lease) == 0
    assert database.write(runners.beat, me, HOST, MEMORY, NOW + MINUTE / 2) is True
    assert database.write(reaping.reap, OTHER, NOW + HOST.lease + timedelta(seconds=1)) == 0
    database.write(reaping.reap, OTHER, LATER)
    assert runner_row(database).state is RunnerState.LOST
    assert database.write(runners.beat, me, HOST, MEMORY, LATER) is False


# what it takes


def test_what_it_takes_is_claimed_in_the_same_transaction(database: Database) -> None:
    """S1.12, S1.19, S1.31: when it began and whose it is; there is no moment in which another might have it."""
    order_task(database, "tea")
    me = sit(database)
    taken = take(database, me)
    build = build_row(database, taken.build.id)
    assert (build.state, build.runner_id, build.started_at, build.token) == (BuildState.RUNNING, me, NOW, taken.token)
    assert (taken.build.state, taken.task.state) == (BuildState.RUNNING, TaskState.BUILDING)
    with pytest.raises(LostBuild):
        database.write(builds.claim, build.id, taken.token, me, HOST, NOW)
    assert _take(database, me) is None
    with database.read() as session:
        said = [(event.new, event.who, event.why) for event in history.of(session, 1)][1:]
    assert said == [
        ("building", "loop on oven", "its turn has come"),
        ("pending", "loop on oven", "its turn has come"),
        ("running", "loop on oven", "taken"),
    ]


def test_before_it_began_there_is_no_time(database: Database) -> None:
    """S1.12: until it is taken, there is none."""
    order_task(database, "tea")
    database.write(turns.enqueue, HOST, NOW)
    assert build_row(database, 1).started_at is None


def test_queue_by_queue_and_no_others(database: Database) -> None:
    """S2.13, S2.17: those queues only, in that order."""
    for name in ("high", "default", "low"):
        order_task(database, name, queue=name)
    host = replace(WIDE, queues=("low", "high"))
    me = sit(database, WIDE)
    names = [taken.task.name for _ in range(3) if (taken := _take(database, me, host))]
    assert names == ["low", "high"]
    assert task_row(database, 2).state is TaskState.PENDING


def test_builds_that_a_tick_left_are_taken_first_if_they_are_of_its_queues(database: Database) -> None:
    for name in ("high", "low"):
        order_task(database, name, queue=name)
    database.write(turns.enqueue, replace(HOST, slots=2), NOW)
    order_task(database, "late", queue="low")
    me = sit(database, WIDE)
    low = replace(WIDE, queues=("low",))
    assert [taken.task.name for _ in range(3) if (taken := _take(database, me, low))] == ["low", "late"]
    assert build_row(database, 1).state is BuildState.PENDING


@pytest.mark.parametrize("attempts", [1, 3])
def test_its_attempts_are_its_tasks(database: Database, attempts: int) -> None:
    """S2.C4, S2.17: 1 means 1."""
    order_task(database, "tea")
    me = sit(database)
    for attempt in range(1, attempts + 1):
        now = NOW + attempt * timedelta(hours=1)
        taken = take(database, me, HOST, attempts, now)
        assert (taken.task.max_attempts, taken.build.attempt) == (attempts, attempt)
        database.write(builds.finish, taken.build.id, taken.token, DONE, now)
    assert (task_row(database, 1).state, task_row(database, 1).attempts) == (TaskState.FAILED, attempts)


def test_failures_count_until_there_is_a_success(database: Database) -> None:
    """S1.22: the task goes by its last build."""
    order_task(database, "tea")
    me = sit(database)
    for hour, end in enumerate((DONE, DONE, End(state=BuildState.SUCCEEDED))):
        now = NOW + hour * timedelta(hours=1)
        assert task_row(database, 1).attempts == hour
        taken = take(database, me, now=now)
        database.write(builds.finish, taken.build.id, taken.token, end, now)
    assert (task_row(database, 1).attempts, task_row(database, 1).state) == (0, TaskState.READY)


def test_a_task_that_is_removed_takes_its_builds_along(database: Database) -> None:
    """S1.25: builds are their task's."""
    order_task(database, "tea")
    taken = take(database, sit(database))
    database.write(builds.finish, taken.build.id, taken.token, DONE, NOW)
    database.write(tasks.remove, 1, "ann", NOW)
    with database.read() as session:
        assert listing.list_builds(session) == []


def test_a_loop_that_was_taken_for_lost_takes_nothing(database: Database) -> None:
    order_task(database, "tea")
    me = sit(database)
    database.write(reaping.reap, OTHER, LATER)
    with pytest.raises(LostSeat):
        take(database, me)
    assert task_row(database, 1).state is TaskState.PENDING
    with database.read() as session:
        assert listing.list_builds(session) == []


def _build(database: Database, number: int) -> list[int]:
    """A loop of a crowd: the tasks that it built."""
    me, built = sit(database, replace(HOST, slots=6)), []
    while taken := database.write(taking.take, me, replace(HOST, slots=6), None, MEMORY, NOW):
        built.append(taken.task.id)
        database.write(builds.finish, taken.build.id, taken.token, End(state=BuildState.SUCCEEDED), NOW)
    database.write(runners.end, me, MEMORY, NOW)
    return built


def test_six_loops_at_once_build_each_task_once(database: Database, six: Crowd) -> None:
    """S1.31, S2.C6, S4.12: whoever is second takes another."""
    for number in range(40):
        order_task(database, f"tea-{number}")
    built = [task for tasks in six.each(_build, url_of(database)) for task in tasks]
    assert sorted(built) == list(range(1, 41))
    with database.read() as session:
        assert len(listing.list_builds(session)) == 40


# beside the tick


def test_where_loops_build_the_tick_does_all_the_rest(database: Database, process: subprocess.Popen[bytes]) -> None:
    order_task(database, "tea")
    launcher, site = FakeLauncher(database), tick.Site(host=HOST, launches=False)
    assert tick.tick(database, launcher, site, NOW).idle
    take(database, sit(database, pid=process.pid))
    process.kill()
    process.wait()
    assert tick.tick(database, launcher, site, NOW).reaped == 1
    assert (task_row(database, 1).state, launcher.launched) == (TaskState.PENDING, [])


def test_what_a_tick_enqueued_before_is_left_to_the_loops(database: Database) -> None:
    order_task(database, "tea")
    launcher = FakeLauncher(database)
    database.write(turns.enqueue, HOST, NOW)
    assert tick.tick(database, launcher, tick.Site(host=HOST, launches=False), NOW).idle
    assert take(database, sit(database)).build.id == 1


def test_tick_and_loop_share_the_slots_of_a_host(database: Database) -> None:
    host, launcher = replace(HOST, slots=2), FakeLauncher(database)
    for name in ("a", "b", "c"):
        order_task(database, name)
    me = sit(database, host)
    taken = take(database, me, host)
    run_tick(database, launcher, NOW, host)
    assert (taken.task.id, launcher.tasks) == (1, [2])
    assert _take(database, me, host) is None
    fail(database, launcher.launched[0])
    assert take(database, me, host).task.id == 3
    assert run_tick(database, launcher, NOW, host).launched == 0


def test_by_is_kept(database: Database) -> None:
    """S4.24: who took it is in the history, whoever it was."""
    order_task(database, "tea")
    database.write(turns.enqueue, HOST, NOW, 1, BY)
    with database.read() as session:
        assert {event.who for event in history.of(session, 1)[1:]} == {"ann"}
