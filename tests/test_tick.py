"""The tick: both rules in order, alone and in a crowd, with launchers that fail and folders to sweep."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from orders import (
    HOST,
    MINUTE,
    NOW,
    SITE,
    FakeLauncher,
    all_rows,
    build_row,
    claim,
    order_task,
    run_tick,
    start_build,
    succeed,
    task_row,
    url_of,
)
from together import Crowd, crowd

from isobuild import tick
from isobuild.db import Database
from isobuild.domain import listing, tasks
from isobuild.domain.hosts import Host
from isobuild.domain.pruning import Keep
from isobuild.domain.states import BuildState, Cause, TaskState
from isobuild.errors import LaunchFailed
from isobuild.launchers.local import LocalLauncher
from isobuild.nightly import Nightly
from isobuild.store.local import LocalStore

WIDE = Host("oven", slots=3)


@pytest.fixture
def launcher(database: Database) -> FakeLauncher:
    return FakeLauncher(database)


@pytest.fixture(scope="module")
def eight() -> Iterator[Crowd]:
    with crowd(8) as ready:
        yield ready


def test_a_tick_with_nothing_to_do_is_idle_and_changes_nothing(database: Database, launcher: FakeLauncher) -> None:
    """S0.11: all built: nothing is inserted."""
    before = all_rows(database)
    done = run_tick(database, launcher)
    assert done == tick.Ticked(reaped=0, enqueued=0, launched=0, pruned=0)
    assert done.idle
    assert all_rows(database) == before


def test_one_tick_takes_the_oldest_task_from_order_to_launch(database: Database, launcher: FakeLauncher) -> None:
    """S0.C1: rule 2 sees the build that rule 1 has just made."""
    first = order_task(database, "first")
    order_task(database, "second", NOW + MINUTE)
    assert run_tick(database, launcher) == tick.Ticked(reaped=0, enqueued=1, launched=1, pruned=0)
    assert launcher.tasks == [first]


def test_a_tick_that_died_between_the_rules_is_finished_by_the_next(database: Database, launcher: FakeLauncher) -> None:
    """S0.12, S0.24: idle and not finished is a state of its own, and is launched from there."""
    order_task(database, "first")
    tick.enqueue(database, SITE, NOW)
    assert run_tick(database, launcher, NOW + MINUTE) == tick.Ticked(reaped=0, enqueued=0, launched=1, pruned=0)
    assert launcher.tasks == [1]


def test_the_flag_is_committed_before_the_launch(database: Database) -> None:
    """S0.13: flagged first, then started."""
    order_task(database, "first")
    launch = start_build(database)
    assert (launch.finished, launch.busy, launch.committed_token) == (False, True, launch.token)


def test_eight_ticks_at_once_start_one_build(database: Database, eight: Crowd) -> None:
    """S0.20, S0.C4: one build at a time, however many ticks overlap."""
    for number in range(1, 6):
        order_task(database, f"os{number}", NOW + number * MINUTE)
    for number in range(1, 6):
        now = NOW + (10 + number) * MINUTE
        (launch,) = eight.tick(url_of(database), now, HOST)
        assert launch.task == number
        assert _states(database) == ["succeeded"] * (number - 1) + ["running"]
        succeed(database, launch, now)


def test_eight_ticks_at_once_with_three_slots_start_three_builds(database: Database, eight: Crowd) -> None:
    """S0.C4: overlapping ticks neither insert nor launch anything twice."""
    for number in range(1, 11):
        order_task(database, f"os{number}", NOW + number * MINUTE)
    started: list[int] = []
    for left in (10, 7, 4, 1):
        now = NOW + (30 - left) * MINUTE
        launches = eight.tick(url_of(database), now, WIDE)
        assert len(launches) == min(3, left)
        started += sorted(launch.task for launch in launches)
        for launch in launches:
            assert launch.committed_token == launch.token
            succeed(database, launch, now)
    assert started == list(range(1, 11))
    assert _states(database) == ["succeeded"] * 10


def test_eight_hosts_at_once_build_each_task_once(database: Database, eight: Crowd) -> None:
    """S2.C6, S4.18: several hosts share one database, and carry out nothing twice."""
    hosts = [Host(f"oven{number}", lease=timedelta(days=1)) for number in range(8)]
    for number in range(1, 6):
        order_task(database, f"os{number}", NOW + number * MINUTE)
    started: list[int] = []
    for minute in range(10, 15):  # a host that comes second for a task goes away empty; each time one comes first
        started += [launch.task for launch in eight.tick(url_of(database), NOW + minute * MINUTE, *hosts)]
    assert sorted(started) == [1, 2, 3, 4, 5]
    assert len({build_row(database, number).host for number in _builds(database)}) == 5


def test_a_launch_that_fails_is_the_hosts_fault_and_the_queue_goes_on(
    database: Database, launcher: FakeLauncher, tmp_path: Path
) -> None:
    """S0.C5: a launch that fails is noticed."""
    first = order_task(database, "first", retry_delay=90)
    second = order_task(database, "second", NOW + MINUTE)
    broken = LocalLauncher([str(tmp_path / "no-isobuild")], tmp_path / "logs")
    now = NOW + 2 * MINUTE
    assert run_tick(database, broken, now) == tick.Ticked(reaped=0, enqueued=1, launched=0, pruned=0)
    build, task = build_row(database, 1), task_row(database, first)
    assert (build.state, build.cause, build.finished_at) == (BuildState.FAILED, Cause.HOST, now)
    assert build.error == f"The build could not be started: there is no command {tmp_path / 'no-isobuild'}"
    assert (task.state, task.attempts) == (TaskState.PENDING, 1)
    assert task.not_before == now + tasks.delay(1, 90, tasks.spread(first, 1))

    run_tick(database, launcher, now + MINUTE)  # the first waits for its back-off, the second goes
    assert launcher.tasks == [second]
    succeed(database, launcher.launched[0], now + MINUTE)
    run_tick(database, launcher, now + 2 * MINUTE)
    assert launcher.tasks == [second, first]
    assert build_row(database, 3).attempt == 2


def test_a_launcher_that_never_works_exhausts_the_attempts(database: Database, tmp_path: Path) -> None:
    order_task(database, "first", max_attempts=2, retry_delay=60)
    broken = LocalLauncher([str(tmp_path / "no-isobuild")], tmp_path / "logs")
    for minute in range(5):
        run_tick(database, broken, NOW + minute * MINUTE)
    task = task_row(database, 1)
    assert (task.state, task.attempts, task.cause) == (TaskState.FAILED, 2, Cause.HOST)
    assert _states(database) == ["failed", "failed"]


def test_what_a_dead_runner_held_is_free_in_the_same_tick(database: Database, launcher: FakeLauncher) -> None:
    """S1.39: the dead are looked for first, and then the next task begins."""
    for name in ("first", "second"):
        order_task(database, name)
    with subprocess.Popen(["true"]) as runner:
        runner.wait()
    claim(database, start_build(database), runner.pid)
    done = run_tick(database, launcher, NOW + MINUTE)
    assert (done.reaped, done.enqueued, done.launched) == (1, 1, 1)
    assert launcher.tasks == [2]


def test_a_host_without_slots_launches_nothing(database: Database, launcher: FakeLauncher) -> None:
    order_task(database, "first")
    assert run_tick(database, launcher, host=Host("desk", slots=0)).idle


def test_hosts_launch_their_own_builds_only(database: Database, launcher: FakeLauncher) -> None:
    order_task(database, "first")
    tick.enqueue(database, SITE, NOW)
    assert run_tick(database, launcher, host=Host("other")).idle
    assert run_tick(database, launcher).launched == 1


def test_prune_expires_what_is_past_its_time_and_sweeps_its_file(database: Database, tmp_path: Path) -> None:
    """S2.22: the clean-up: files older than some days."""
    store = LocalStore(tmp_path)
    site = tick.Site(host=HOST, places=(store,), keep=Keep(isos=timedelta(days=1)))
    order_task(database, "first")
    launch = start_build(database)
    succeed(database, launch)
    _leave_file(tmp_path, launch.build)
    assert tick.prune(database, site, NOW + timedelta(days=1)) == 0
    assert tick.prune(database, site, NOW + timedelta(days=1, microseconds=1)) == 2
    assert task_row(database, 1).state is TaskState.EXPIRED
    assert list(tmp_path.iterdir()) == []


def test_without_a_limit_an_iso_is_kept_for_good(database: Database) -> None:
    order_task(database, "first")
    succeed(database, start_build(database))
    assert tick.prune(database, SITE, NOW + timedelta(days=36500)) == 0
    assert task_row(database, 1).state is TaskState.READY


def test_the_sweep_keeps_what_is_open_or_ready_and_nothing_else(database: Database, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for name in ("ready", "removed", "failed", "running"):
        order_task(database, name, max_attempts=1)
    launches = {}
    for name in ("ready", "removed"):
        launches[name] = start_build(database)
        succeed(database, launches[name])
    launches["failed"] = start_build(database)
    database.write(tasks.cancel, launches["failed"].task, "ann", NOW)
    launches["running"] = start_build(database, NOW + 2 * MINUTE)  # after the canceled one is reaped: it had no runner
    database.write(tasks.remove, launches["removed"].task, "ann", NOW)
    for launch in launches.values():
        _leave_file(tmp_path, launch.build)
    _leave_file(tmp_path, 99)  # another database's
    (tmp_path / "not-a-build").mkdir()

    assert tick.sweep(database, store, (), NOW) == 2
    kept = {str(launches[name].build) for name in ("ready", "running")}
    assert {folder.name for folder in tmp_path.iterdir()} == kept | {"99", "not-a-build"}
    assert tick.sweep(database, store, (), NOW) == 0


def test_a_place_without_a_folder_is_swept(database: Database, tmp_path: Path) -> None:
    assert tick.sweep(database, LocalStore(tmp_path / "none"), (), NOW) == 0


def _leave_file(folder: Path, build: int) -> None:
    (folder / str(build)).mkdir()
    (folder / str(build) / "tealinux.iso").write_bytes(b"iso")


def _states(database: Database) -> list[str]:
    return [build_row(database, number).state for number in _builds(database)]


def _builds(database: Database) -> list[int]:
    with database.read() as session:
        return sorted(build["id"] for build in listing.list_builds(session))


def test_newer_packages_are_looked_for_once_a_night(database: Database, tmp_path: Path) -> None:
    looks: list[int] = []
    nightly = Nightly(tmp_path / "updates", timedelta(days=1))
    site = tick.Site(host=HOST, nightly=nightly, look_for_updates=lambda: looks.append(1))
    ticked = [tick.tick(database, FakeLauncher(database), site, NOW + hour * 60 * MINUTE) for hour in range(49)]
    assert [each.looked for each in ticked].count(1) == len(looks) == 2


def test_a_look_that_can_not_be_started_is_tried_again(database: Database, tmp_path: Path) -> None:
    def broken() -> None:
        raise LaunchFailed(what="no processes are left")

    nightly = Nightly(tmp_path / "updates", timedelta(days=1))
    nightly.is_due(NOW)
    site = tick.Site(host=HOST, nightly=nightly, look_for_updates=broken)
    assert tick.tick(database, FakeLauncher(database), site, NOW + 1440 * MINUTE).idle
    assert nightly.is_due(NOW + 1441 * MINUTE)
