"""One build from its enqueueing to its report: each step once, by its token, and only in its time."""

import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from orders import HOST, MINUTE, NOW, SITE, Launch, all_rows, build_row, claim, fail, order_task, start_build, succeed

from isobuild import tick
from isobuild.db import Database
from isobuild.domain import builds, tasks, turns
from isobuild.domain.builds import End
from isobuild.domain.hosts import Host, process_start
from isobuild.domain.states import BuildState, RunnerState, TaskState
from isobuild.domain.tables import Runner
from isobuild.errors import LostBuild, NotFound, ReportRefused

LATER = NOW + MINUTE
ME = os.getpid()


@pytest.fixture
def launch(database: Database) -> Launch:
    """The launch of the one task's build."""
    order_task(database, "tea")
    return start_build(database)


def test_enqueue_makes_a_pending_build_and_nothing_more(database: Database) -> None:
    """S0.5, S0.6, S0.7, S0.9, S1.40: where no build is, one is made, idle and not finished; and only one."""
    order_task(database, "tea")
    assert database.write(turns.enqueue, HOST, LATER) == 1
    build = build_row(database, 1)
    assert (build.task_id, build.state, build.attempt, build.host, build.slot) == (1, BuildState.PENDING, 1, "oven", 0)
    assert (build.finished, build.busy) == (False, False)
    assert (build.open_task, build.open_slot, build.created_at) == (1, "oven/0", LATER)
    assert (build.token, build.runner_id, build.started_at, build.percent) == (None, None, None, 0.0)
    assert database.write(turns.enqueue, HOST, LATER) == 0


def test_slots_are_filled_in_their_order_and_again_when_they_are_free(database: Database) -> None:
    """S0.9, S1.42, S2.5: as many as are missing, and again when one has finished."""
    for number in range(5):
        order_task(database, f"os{number}", NOW + number * MINUTE)
    wide = Host("oven", slots=3)
    assert database.write(turns.enqueue, wide, LATER) == 3
    assert [build_row(database, number).slot for number in (1, 2, 3)] == [0, 1, 2]
    database.write(tasks.cancel, 2, "ann", LATER)
    assert database.write(turns.enqueue, wide, LATER) == 1
    assert (build_row(database, 4).task_id, build_row(database, 4).slot) == (4, 1)


def test_fewer_slots_than_open_builds_is_no_error(database: Database) -> None:
    """S1.42, S4.C3: what runs above a lowered limit counts, and nothing is added."""
    for number in range(3):
        order_task(database, f"os{number}")
    database.write(turns.enqueue, Host("oven", slots=2), NOW)
    assert database.write(turns.enqueue, HOST, NOW) == 0


def test_each_host_has_its_own_slots(database: Database) -> None:
    for number in range(3):
        order_task(database, f"os{number}", NOW + number * MINUTE)
    assert [database.write(turns.enqueue, Host(name), NOW) for name in ("oven", "stove", "oven")] == [1, 1, 0]
    assert [(build_row(database, n).task_id, build_row(database, n).host) for n in (1, 2)] == [
        (1, "oven"),
        (2, "stove"),
    ]


def test_flag_busy_works_once_and_gives_a_token_of_its_own(database: Database) -> None:
    """S0.12, S3.5, S4.9: only a pending build is launched; its token and its time come together."""
    order_task(database, "tea")
    tick.enqueue(database, SITE, NOW)
    assert database.write(builds.pending_on, HOST) == [1]
    token = database.write(builds.flag_busy, 1, HOST, LATER)
    assert token is not None
    assert len(token) == 32
    build = build_row(database, 1)
    assert (build.state, build.token, build.started_at) == (BuildState.RUNNING, token, LATER)
    assert build.leased_until == LATER + HOST.lease
    assert database.write(builds.pending_on, HOST) == []
    assert database.write(builds.flag_busy, 1, HOST, LATER) is None
    assert build_row(database, 1).token == token


def test_each_attempt_has_another_token(database: Database, launch: Launch) -> None:
    """S4.9: a token for each time that it is taken."""
    fail(database, launch)
    again = start_build(database, NOW + timedelta(hours=1))
    assert again.task == launch.task
    assert again.token != launch.token


# the runner


def test_claim_takes_the_build_for_one_process(database: Database, launch: Launch) -> None:
    """S1.19, S3.4, S4.12, S4.C7: one runner has it, and sees it as it is now."""
    build, task = claim(database, launch, ME, LATER)
    assert (build.id, build.state, task.name, task.state) == (1, BuildState.RUNNING, "tea", TaskState.BUILDING)
    assert build.leased_until == LATER + HOST.lease
    with database.read() as session:
        runner = session.get_one(Runner, build.runner_id)
    assert (runner.pid, runner.pid_start, runner.state) == (ME, process_start(ME), RunnerState.RUNNING)
    before = all_rows(database)
    for pid in (ME, 1):
        with pytest.raises(LostBuild, match=r"^Build 1 is no longer this runner's: another runner has it"):
            claim(database, launch, pid, LATER)
    assert all_rows(database) == before


def test_a_heartbeat_prolongs_the_lease_and_may_repeat_itself(database: Database, launch: Launch) -> None:
    for _ in range(2):
        database.write(builds.heartbeat, 1, launch.token, HOST, LATER)
        assert build_row(database, 1).leased_until == LATER + HOST.lease


def test_progress_is_told(database: Database, launch: Launch) -> None:
    """S1.13, S4.25: what a runner may change about its build is how far it is."""
    for _ in range(2):
        database.write(builds.progress, 1, launch.token, 32.8, "squash")
        assert (build_row(database, 1).percent, build_row(database, 1).step) == (32.8, "squash")


def test_what_was_told_meanwhile_outlives_the_end(database: Database, launch: Launch) -> None:
    """S1.32: the end of a build does not write over what its script told on the way."""
    database.write(builds.progress, 1, launch.token, 32.8, "squash")
    database.write(builds.finish, 1, launch.token, End(state=BuildState.FAILED, error="It broke."), LATER)
    build = build_row(database, 1)
    assert (build.state, build.percent, build.step, build.error) == (BuildState.FAILED, 32.8, "squash", "It broke.")


ACTS: dict[str, Callable[[Database, int, str], object]] = {
    "claim": lambda database, build, token: database.write(builds.claim, build, token, ME, HOST, LATER),
    "heartbeat": lambda database, build, token: database.write(builds.heartbeat, build, token, HOST, LATER),
    "progress": lambda database, build, token: database.write(builds.progress, build, token, 50.0, "squash"),
    "asked": lambda database, build, token: database.write(builds.asked, build, token),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_runner_that_lost_its_build_is_told_so_and_changes_nothing(
    database: Database, launch: Launch, act: str
) -> None:
    """S4.12, S4.30: the token is looked at again with every write: a slow runner notices that it was replaced."""
    _refused(database, LostBuild, lambda: ACTS[act](database, 1, "other"), "the token is not the one of build 1")
    _refused(database, LostBuild, lambda: ACTS[act](database, 9, launch.token), "there is no build 9")
    succeed(database, launch)
    ended = r"build 1 has ended already \(succeeded\)"
    _refused(database, LostBuild, lambda: ACTS[act](database, 1, launch.token), ended)


# the report


def test_a_report_that_is_late_repeated_unknown_or_not_the_builds_changes_nothing(
    database: Database, launch: Launch
) -> None:
    """S0.16, S4.9: a report must show the token of the open build."""
    order_task(database, "next", LATER)
    refused = {
        "there is no build 9": Launch(9, launch.token, 1, False, True, None),
        "the token is not the one of build 1": Launch(1, "0" * 32, 1, False, True, None),
    }
    for why, report in refused.items():
        for tell in (succeed, fail):
            _refused(database, ReportRefused, partial(tell, database, report), why)
    succeed(database, launch)
    for tell in (succeed, fail):
        _refused(database, ReportRefused, partial(tell, database, launch), "build 1 has ended already")


def test_the_token_of_another_build_is_a_wrong_one(database: Database) -> None:
    """S0.16: the callback ends the build of its own task, and no other."""
    for name in ("one", "two"):
        order_task(database, name)
    first = start_build(database)
    other = start_build(database, host=Host("stove"))
    for build, token, task in ((first.build, other.token, 1), (other.build, first.token, 2)):
        mixed = Launch(build, token, task, False, True, None)
        why = f"the token is not the one of build {build}"
        _refused(database, ReportRefused, partial(succeed, database, mixed), why)


@pytest.mark.parametrize("token", ["", "None", "é🐧", "x" * 100_000])
def test_a_build_that_was_not_launched_has_no_token_to_guess(database: Database, token: str) -> None:
    order_task(database, "tea")
    tick.enqueue(database, SITE, NOW)
    report = Launch(1, token, 1, False, False, None)
    _refused(database, ReportRefused, lambda: succeed(database, report), "the token is not the one of build 1")


def test_the_report_of_an_earlier_attempt_does_not_touch_the_present_one(database: Database, launch: Launch) -> None:
    """S0.16: only the open build of that task."""
    fail(database, launch)
    start_build(database, NOW + timedelta(hours=1))
    _refused(database, ReportRefused, lambda: succeed(database, launch), r"build 1 has ended already \(failed\)")


def test_the_report_of_a_canceled_build_is_late(database: Database, launch: Launch) -> None:
    canceled = End(state=BuildState.CANCELED)
    database.write(builds.finish, 1, launch.token, canceled, LATER)
    _refused(database, ReportRefused, lambda: succeed(database, launch), r"build 1 has ended already \(canceled\)")


def test_a_report_is_whole_or_not_at_all(database: Database, launch: Launch) -> None:
    """S0.17: build and task change together."""
    before = all_rows(database)
    file_without_hash = type("File", (), {"name": "tea.iso", "size": 1, "sha256": None})()
    end = End(state=BuildState.SUCCEEDED, files={"iso": file_without_hash})
    with pytest.raises(Exception, match="sha256"):
        database.write(builds.finish, 1, launch.token, end, LATER)
    assert all_rows(database) == before


@pytest.mark.parametrize("end", [end for end in BuildState if end.finished])
def test_every_end_has_its_time(database: Database, launch: Launch, end: BuildState) -> None:
    """S1.14: when it was finished, whatever it came to."""
    assert build_row(database, 1).finished_at is None
    database.write(builds.finish, 1, launch.token, End(state=end), LATER)
    assert (build_row(database, 1).state, build_row(database, 1).finished_at) == (end, LATER)


def test_check_token_says_why_not(database: Database, launch: Launch) -> None:
    database.write(builds.check_token, 1, launch.token)
    _refused(database, ReportRefused, lambda: database.write(builds.check_token, 1, "other"), "the token is not")
    _refused(database, ReportRefused, lambda: database.write(builds.check_token, 9, "other"), "there is no build 9")


def test_an_unknown_build_is_named(database: Database) -> None:
    for find in (builds.get, builds.task_of):
        with pytest.raises(NotFound, match=r"^There is no build 4. 'isobuild builds' lists them.$"):
            database.write(find, 4)


def test_owners_are_the_open_and_the_ready(database: Database) -> None:
    for name in ("ready", "failed", "running"):
        order_task(database, name, max_attempts=1)
    succeed(database, start_build(database))
    fail(database, start_build(database))
    start_build(database)
    assert database.write(builds.owners, [1, 2, 3, 99]) == {1, 3}
    assert database.write(builds.owners, [2]) == database.write(builds.owners, []) == set()
    with database.read() as session:
        assert builds.task_of(session, 1).state is TaskState.READY


def _refused(database: Database, kind: type[Exception], act: Callable[[], object], why: str) -> None:
    """The act is refused for that reason, and every row is as before."""
    before = all_rows(database)
    with pytest.raises(kind, match=why):
        act()
    assert all_rows(database) == before
