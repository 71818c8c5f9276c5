"""How a command of a build is run: as whom, where, with what, within which limits."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .leash import SCRIPT, Caller, Sleeper, processes, until


def test_what_became_private_between_two_commands_is_the_build_user_s_too(caller: Caller) -> None:
    workspace = caller.workspace()
    _out(caller, "true", workspace=workspace)
    caller.write(workspace / "in" / "late", "sesame", mode=0o640)
    assert _out(caller, "cat", "../in/late", workspace=workspace) == "sesame"


def _out(caller: Caller, *command: str, options: tuple[object, ...] = (), workspace: Path | None = None) -> str:
    run = caller.run(workspace or caller.workspace(), *command, options=options)
    assert run.wait() == 0, run.texts()
    return run.texts()[0]


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -TERM $$", 143), ("exec /no/such", 127)],
)
def test_the_exit_status_is_the_command_s(caller: Caller, command: str, status: int) -> None:
    workspace = caller.workspace()
    assert caller.run(workspace, "sh", "-c", command).wait() == status
    assert (workspace / "out").is_dir(), "the workspace stays"


def test_nothing_is_said_that_the_command_does_not_say(caller: Caller) -> None:
    run = caller.run(caller.workspace(), "sh", "-c", "echo out; echo err >&2; kill -SEGV $$")
    assert run.wait() == 139
    assert run.texts() == ("out\n", "err\n")


def test_the_command_is_the_build_user_s_with_no_rights_of_root_s(caller: Caller) -> None:
    assert _out(caller, "id", "-un").strip() == caller.builder.pw_name
    status = dict(line.split(":\t", 1) for line in _out(caller, "cat", "/proc/self/status").splitlines())
    assert set(status["Uid"].split()) == {str(caller.builder.pw_uid)}
    assert set(status["Gid"].split()) == {str(caller.builder.pw_gid)}
    setid_within_its_own_user_namespace = 0 if caller.config or caller.build_users else 0xC0
    assert int(status["CapEff"], 16) == setid_within_its_own_user_namespace


def test_arguments_arrive_as_they_are(caller: Caller) -> None:
    """S0.C7: no argument is expanded on its way."""
    arguments = ["", " a  b", "$(id)", "'", '"', "*", "-n", "--", "\n"]
    assert _out(caller, "printf", "%s\\0", *arguments).split("\0")[:-1] == arguments


def test_the_environment_is_clean(caller: Caller) -> None:
    workspace = caller.workspace()
    lines = _out(caller, "env", workspace=workspace).splitlines()
    assert dict(line.split("=", 1) for line in lines) == {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": f"{workspace}/work",
        "PWD": f"{workspace}/work",
        "TMPDIR": f"{workspace}/tmp",
        "LANG": "C.UTF-8",
        "USER": caller.builder.pw_name,
        "LOGNAME": caller.builder.pw_name,
    }


def test_the_env_file_is_added(caller: Caller) -> None:
    workspace = caller.workspace()
    text = "A=b  c\nB=\"'$(id)\\t=x\n\n_C3=\nLANG=id_ID.UTF-8"
    file = caller.write(workspace / "in" / "env", text, mode=0o600)
    lines = _out(caller, "env", workspace=workspace, options=("--env", file)).splitlines()
    assert {"A=b  c", "B=\"'$(id)\\t=x", "_C3=", "LANG=id_ID.UTF-8"} <= set(lines)


def test_what_is_in_the_env_file_is_in_no_argv(caller: Caller) -> None:
    workspace, sleeper = caller.workspace(), Sleeper()
    secret = sleeper.duration[::-1]
    file = caller.write(workspace / "in" / "env", f"TOKEN={secret}\n", mode=0o600)
    run = caller.run(workspace, "sh", "-c", f'[ "$TOKEN" ] && exec {sleeper}', options=("--env", file))
    until(lambda: bool(sleeper.pids), "the command runs")
    assert not [argv for _, argv in processes() if secret in " ".join(argv)]
    run.process.stdin.close()  # type: ignore[union-attr]
    run.wait()


def test_stdin_is_empty_or_the_file(caller: Caller) -> None:
    workspace = caller.workspace()
    assert _out(caller, "cat", workspace=workspace) == ""
    file = caller.write(workspace / "in" / "text", "hello\n")
    assert _out(caller, "cat", workspace=workspace, options=("--stdin", file)) == "hello\n"


def test_stdin_is_opened_with_the_build_user_s_rights(by_root: Caller) -> None:
    workspace = by_root.workspace()
    file = by_root.write(workspace / "in" / "text", "hello\n", mode=0o600)
    run = by_root.run(workspace, "cat", options=("--stdin", file))
    assert run.wait() != 0
    assert "Permission denied" in run.texts()[1]


def test_session_terminal_and_open_files(caller: Caller) -> None:
    pid, _, _, _, _, session, terminal = _out(caller, "sh", "-c", "cat /proc/$$/stat").split()[:7]
    assert (session, terminal) == (pid, "0"), "the leader of its own session, with no terminal"
    descriptors = _out(caller, "sh", "-c", "exec ls /proc/$$/fd").split()
    assert set(descriptors) <= {"0", "1", "2", "3"}, "3 is the folder that ls reads"


LIBC_S_OWN = 0b11 << 31  # signals 32 and 33, which no program can set through it


def test_signals_are_not_ignored(caller: Caller) -> None:
    status = _out(caller, "grep", "SigIgn", "/proc/self/status")
    assert int(status.split()[1], 16) & ~LIBC_S_OWN == 0


@pytest.mark.parametrize("kind", ["pid", "mnt", "ipc"])
def test_the_command_has_namespaces_of_its_own(caller: Caller, kind: str) -> None:
    assert _out(caller, "readlink", f"/proc/self/ns/{kind}").strip() != str(Path(f"/proc/self/ns/{kind}").readlink())


def test_out_is_the_service_s_to_read_and_nobody_else_s(by_sudo: Caller, account: Callable[[], object]) -> None:
    workspace = by_sudo.workspace()
    _out(by_sudo, "sh", "-c", "umask; echo iso >../out/x.iso; echo scratch >x", workspace=workspace)
    for user, readable in ((by_sudo.user, True), (account(), False)):
        ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]  # type: ignore[attr-defined]
        read = subprocess.run(["setpriv", *ids, "cat", workspace / "out" / "x.iso"], capture_output=True, check=False)
        assert (read.returncode == 0) == readable, read
        listing = subprocess.run(["setpriv", *ids, "ls", workspace / "tmp"], capture_output=True, check=False)
        assert listing.returncode != 0
    assert (workspace / "work" / "x").stat().st_mode & 0o777 == 0o640


def test_a_second_step_finds_what_the_first_left(caller: Caller) -> None:
    workspace = caller.workspace()
    _out(caller, "sh", "-c", "echo one >x; echo two >$TMPDIR/y; echo three >../out/z", workspace=workspace)
    assert _out(caller, "sh", "-c", "cat x $TMPDIR/y ../out/z", workspace=workspace).split() == ["one", "two", "three"]


def test_inputs_can_be_read_and_not_changed(by_sudo: Caller) -> None:
    workspace = by_sudo.workspace()
    by_sudo.write(workspace / "in" / "plan", "step\n")
    assert _out(by_sudo, "cat", "../in/plan", workspace=workspace) == "step\n"
    assert by_sudo.run(workspace, "touch", "../in/plan").wait() == 1
    assert by_sudo.run(workspace, "rm", "-f", "../in/plan").wait() == 1


@pytest.mark.parametrize(
    ("option", "command", "status"),
    [
        (("--time", 1), "sleep 3600", 124),
        (("--file-size", 1000), "exec head -c 5000 /dev/zero >big", 153),
        (("--memory", 100_000_000), "exec dd if=/dev/zero of=/dev/null bs=500M count=1", 1),
        (("--processes", 10), "for i in $(seq 20); do sleep 3600 & done; exit 0", 2),
    ],
)
def test_limits_bite(caller: Caller, option: tuple[object, ...], command: str, status: int) -> None:
    workspace = caller.workspace()
    run = caller.run(workspace, "sh", "-c", command, options=option)
    assert run.wait() == status, run.texts()
    big = workspace / "work" / "big"
    assert not big.exists() or big.stat().st_size == 1000


def test_the_build_is_nice_and_dumps_no_core(caller: Caller) -> None:
    assert _out(caller, "sh", "-c", "nice; ulimit -c").split() == ["10", "0"]
    assert _out(caller, "nice", options=("--nice", 15)).strip() == "15"


def test_mmdebstrap_works_in_it(caller: Caller, needed: Callable[[str], str]) -> None:
    needed("mmdebstrap"), needed("newuidmap")
    workspace = caller.workspace()
    for name in ("Packages", "Release"):
        caller.write(workspace / "in" / name, "Origin: nobody\n" if name == "Release" else "")
    caller.write(workspace / "in" / "hook", '#!/bin/sh\ntouch "$1/hooked"\n', mode=0o755)
    command = ["mmdebstrap", "--mode=unshare", "--variant=custom", f"--customize-hook={workspace}/in/hook"]
    run = caller.run(workspace, *command, "", "root", f"deb [trusted=yes] copy:{workspace}/in ./")
    assert run.wait() == 0, run.texts()
    assert "ermission denied" not in run.texts()[1]
    own = {caller.user.pw_uid, caller.builder.pw_uid, 0}
    assert (workspace / "work" / "root" / "hooked").stat().st_uid not in own, "made by a sub-uid"
    assert caller.call("remove", workspace).wait() == 0
    assert not workspace.exists()


def test_shellcheck_has_nothing_to_say(needed: Callable[[str], str]) -> None:
    subprocess.run([needed("shellcheck"), SCRIPT], check=True)
