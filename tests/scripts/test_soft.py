"""The soft limit: whoever belongs to the build is asked to end, and nobody else."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .leash import Caller, Sleeper, until

TIDY = 'trap "echo tidy; exit %d" TERM; echo ready; while :; do sleep 0.05; done'
DEAF = "trap '' TERM; echo deaf; while :; do sleep 0.05; done"


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


def _tree(sleeper: Sleeper) -> str:
    """Three that end when asked, wherever they hide, and a command that then tells so."""
    hidden = f"{sleeper} & setsid {sleeper} & (setsid sh -c '{sleeper} & wait' &)"
    return f'{hidden}; trap "asked=1" TERM; until [ "$asked" ]; do sleep 0.05; done; wait; exit 5'


@contextmanager
def _stranger(caller: Caller, sleeper: Sleeper) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the build user's that has nothing to do with the build."""
    ids = {"user": caller.builder.pw_uid, "group": caller.builder.pw_gid} if os.geteuid() == 0 else {}
    with subprocess.Popen(str(sleeper).split(), **ids) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def test_all_of_the_build_are_asked_and_nobody_else(caller: Caller, sleeper: Sleeper) -> None:
    with _stranger(caller, Sleeper()) as stranger:
        run = caller.run(caller.workspace(), "sh", "-c", _tree(sleeper), options=("--soft", 1, "--time", 60))
        until(lambda: len(sleeper.pids) == 3, "the tree has grown")
        assert run.wait() == 5, "the command's own status"
        assert not sleeper.pids
        assert stranger.poll() is None


def test_sub_uids_are_asked(caller: Caller, sleeper: Sleeper) -> None:
    other = f"setpriv --reuid=1234 --clear-groups {sleeper} & wait; wait $!; echo $?"
    command = ("unshare", "--user", "--map-root-user", "--map-auto", "sh", "-c", f"trap : TERM; {other}")
    run = caller.run(caller.workspace(), *command, options=("--soft", 1, "--time", 30))
    assert run.wait() == 0, run.texts()
    assert run.texts()[0] == "143\n"
    assert not sleeper.pids


@pytest.mark.parametrize("status", [0, 9])
def test_a_script_may_tidy_up_and_end_as_it_likes(by_user: Caller, status: int) -> None:
    run = by_user.run(by_user.workspace(), "sh", "-c", TIDY % status, options=("--soft", 1, "--time", 60))
    assert (run.wait(), run.texts()[0]) == (status, "ready\ntidy\n")


def test_one_that_knows_nothing_of_it_ends_by_the_signal(by_user: Caller) -> None:
    run = by_user.run(by_user.workspace(), "sh", "-c", "sleep 3600; echo never", options=("--soft", 1))
    assert (run.wait(), run.texts()) == (143, ("", ""))


def test_one_that_is_deaf_is_killed_when_the_time_is_up(caller: Caller) -> None:
    run = caller.run(caller.workspace(), "sh", "-c", DEAF, options=("--soft", 1, "--time", 2))
    assert (run.wait(), run.texts()[0]) == (124, "deaf\n")


def test_the_leash_holds_after_it(caller: Caller, sleeper: Sleeper) -> None:
    workspace = caller.workspace()
    tree = f'trap "{sleeper}" TERM; while :; do sleep 0.05; done'
    run = caller.run(workspace, "sh", "-c", tree, options=("--soft", 1, "--time", 60))
    until(lambda: bool(sleeper.pids), "the request has come")
    assert run.process.stdin
    run.process.stdin.close()
    assert run.wait() == 129
    assert not sleeper.pids
    assert not workspace.exists()


def test_without_one_nobody_is_asked(by_user: Caller) -> None:
    run = by_user.run(by_user.workspace(), "sh", "-c", TIDY % 3, options=("--soft", 0, "--time", 1))
    assert (run.wait(), run.texts()[0]) == (124, "ready\n")


def test_one_that_comes_after_the_end_changes_nothing(by_user: Caller) -> None:
    run = by_user.run(by_user.workspace(), "sh", "-c", TIDY % 3, options=("--soft", 60, "--time", 1))
    assert (run.wait(), run.texts()[0]) == (124, "ready\n")


def test_without_namespaces_the_process_group_alone_is_asked(by_user: Caller, sleeper: Sleeper) -> None:
    with _stranger(by_user, Sleeper()) as stranger:
        command = ("sh", "-c", f"{sleeper} & {sleeper}; wait; exit 5")
        args = ("run", by_user.builder.pw_name, by_user.workspace(), "--soft", 1, "--", *command)
        run = by_user.call(*args, before=by_user.without_namespaces)
        until(lambda: len(sleeper.pids) == 2, "the group has grown")
        assert run.wait() == 143
        until(lambda: not sleeper.pids, "the group has ended")
        assert stranger.poll() is None
