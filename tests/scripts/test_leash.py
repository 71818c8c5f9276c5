"""The leash: whatever ends, and however, the whole tree of processes ends with it."""

import signal
from pathlib import Path

import pytest

from .leash import Caller, Run, Sleeper, processes, until

HOLDER = "import subprocess, sys; subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE).wait()"


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


def _tree(sleeper: Sleeper) -> tuple[str, ...]:
    """A child, a daemon in a session of its own, a double fork that forgot its parent, and one that ignores signals."""
    return (
        "sh",
        "-c",
        f"{sleeper} & setsid {sleeper} & (setsid sh -c '{sleeper} & exec {sleeper}' &) ; "
        f"(trap '' HUP INT TERM; exec {sleeper}) & exec {sleeper}",
    )


def _sub_uids(sleeper: Sleeper) -> tuple[str, ...]:
    """Folders, a file and a process that belong to the build user's sub-uids."""
    return (
        *("unshare", "--user", "--map-root-user", "--map-auto", "sh", "-c"),
        "mkdir -p a/b && echo text >a/b/c && chown -R 1234:1234 a && chmod 0700 a && "
        f"exec setpriv --reuid=1234 --clear-groups {sleeper}",
    )


def _started(run: Run, sleeper: Sleeper, number: int) -> Run:
    until(lambda: len(sleeper.pids) == number or run.process.poll() is not None, "the tree has grown")
    assert run.process.poll() is None, run.texts()
    return run


def _close(run: Run) -> None:
    assert run.process.stdin
    run.process.stdin.close()


def test_when_the_leash_closes_the_tree_and_the_workspace_go(caller: Caller, sleeper: Sleeper) -> None:
    workspace = caller.workspace()
    run = _started(caller.run(workspace, *_tree(sleeper)), sleeper, 6)
    _close(run)
    assert run.wait() == 129
    assert not sleeper.pids
    assert not workspace.exists()


def test_when_the_leash_closes_sub_uids_and_their_files_go(caller: Caller, sleeper: Sleeper) -> None:
    workspace = caller.workspace()
    run = _started(caller.run(workspace, *_sub_uids(sleeper)), sleeper, 1)
    strangers = {Path(f"/proc/{sleeper.pids[0]}").stat().st_uid, (workspace / "work" / "a").stat().st_uid}
    assert not strangers & {0, caller.user.pw_uid, caller.builder.pw_uid}
    _close(run)
    assert run.wait() == 129
    assert not sleeper.pids
    assert not workspace.exists()


def test_when_the_caller_is_killed_the_tree_and_the_workspace_go(caller: Caller, sleeper: Sleeper) -> None:
    workspace = caller.workspace()
    holder = caller.call(
        *("run", caller.builder.pw_name, workspace, "--", *_tree(sleeper)), before=("/usr/bin/python3", "-c", HOLDER)
    )
    _started(holder, sleeper, 6)
    holder.process.kill()
    until(lambda: not sleeper.pids, "the tree has ended")
    until(lambda: not workspace.exists(), "the workspace is removed")


@pytest.mark.parametrize("tree", [_tree, _sub_uids])
def test_when_the_script_is_killed_the_tree_goes_and_remove_does_the_rest(
    caller: Caller, sleeper: Sleeper, tree: object
) -> None:
    workspace = caller.workspace()
    assert callable(tree)
    run = _started(caller.run(workspace, *tree(sleeper)), sleeper, 6 if tree is _tree else 1)
    run.process.kill()
    until(lambda: not sleeper.pids, "the tree has ended")
    until(lambda: not _mentioned(workspace), "no process of the script's is left")
    assert workspace.exists()
    assert caller.call("remove", workspace).wait() == 0
    assert not workspace.exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_when_the_script_is_told_to_end_the_workspace_stays(
    caller: Caller, sleeper: Sleeper, number: signal.Signals, status: int
) -> None:
    workspace = caller.workspace()
    run = _started(caller.run(workspace, *_tree(sleeper)), sleeper, 6)
    run.process.send_signal(number)
    assert run.wait() == status
    assert not sleeper.pids
    assert (workspace / "work").is_dir()


@pytest.mark.parametrize("options", [(), ("--time", 1)])
def test_when_the_command_ends_nothing_of_it_is_left(
    caller: Caller, sleeper: Sleeper, options: tuple[str, ...]
) -> None:
    workspace = caller.workspace()
    ending = f"setsid {sleeper} & setsid {sleeper} & " + ("exec sleep 3600" if options else "exit 3")
    assert caller.run(workspace, "sh", "-c", ending, options=options).wait() == (124 if options else 3)
    assert not sleeper.pids
    assert not _mentioned(workspace)
    assert (workspace / "work").is_dir()


def test_the_build_can_t_end_its_keeper(by_sudo: Caller, sleeper: Sleeper) -> None:
    workspace = by_sudo.workspace()
    kills = "kill -KILL -1; kill -STOP -1; kill -KILL 1; kill -STOP 1; kill -TERM 1"
    run = _started(by_sudo.run(workspace, "sh", "-c", f"{kills}; exec {sleeper}"), sleeper, 1)
    assert run.texts()[1].count("not permitted") >= 3
    _close(run)
    assert run.wait() == 129
    assert not sleeper.pids


def test_remove_takes_what_a_build_left(caller: Caller) -> None:
    workspace = caller.workspace()
    assert caller.run(workspace, "sh", "-c", "mkdir -p a/b && chmod 0 a && echo iso >../out/x").wait() == 0
    assert caller.call("remove", workspace).wait() == 0
    assert not workspace.exists()
    assert caller.call("remove", workspace).wait() == 0, "and a second time changes nothing"


def test_a_kernel_without_user_namespaces_still_ends_the_process_group(by_user: Caller, sleeper: Sleeper) -> None:
    workspace = by_user.workspace()
    tree = ("sh", "-c", f"readlink /proc/self/ns/pid; {sleeper} & (trap '' TERM; exec {sleeper})")
    run = by_user.call("run", by_user.builder.pw_name, workspace, "--", *tree, before=by_user.without_namespaces)
    _started(run, sleeper, 2)
    assert run.texts()[0].strip() == str(Path("/proc/self/ns/pid").readlink())
    _close(run)
    assert run.wait() == 129
    until(lambda: not sleeper.pids, "the process group has ended")
    assert not workspace.exists()


def _mentioned(workspace: Path) -> list[list[str]]:
    return [argv for _, argv in processes() if any(str(workspace) in argument for argument in argv)]
