"""What run_as_user.sh won't do: everything but a build user's command in a workspace below the configured folder."""

import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .leash import REPO, SUDOERS, Caller, Run

REFUSED, MISUSED = 77, 2


def _refused(run: Run, *words: str) -> None:
    assert run.wait() == REFUSED, run.texts()
    out, err = run.texts()
    assert out == ""
    assert err.startswith("run_as_user.sh: refused: ")
    assert all(word in err for word in words), err


@pytest.mark.parametrize("user", ["root", "0", "nobody", "daemon", "no-such-user", "", "*", "../root"])
def test_users(caller: Caller, user: str) -> None:
    _refused(caller.call("run", user, caller.workspace(), "--", "id"), f"'{user}'")


def test_root_the_service_and_the_unknown_even_where_they_are_configured(by_sudo: Caller) -> None:
    workspace = by_sudo.workspace()
    _refused(by_sudo.call("run", "root", workspace, "--", "id"), "never run as root")
    _refused(by_sudo.call("run", by_sudo.user.pw_name, workspace, "--", "id"), "never run as the service itself")
    _refused(by_sudo.call("run", "nobody-known", workspace, "--", "id"), "there is no user")


@pytest.mark.parametrize(
    "path",
    [
        "{root}",
        "{root}/",
        "{root}/12/13",
        "{root}/12/",
        "{root}/../12",
        "{root}/.",
        "{root}/..",
        "{root}/x",
        "{root}/1 ",
        "{root}//12",
        "{root}/12/../13",
        "{root}/*",
        "{root}/-1",
        "12",
        "/",
        "/tmp",
        "/etc",
        "",
        "{root}x/12",
        "/12",
    ],
)
def test_paths(caller: Caller, path: str) -> None:
    workspace = path.format(root=caller.root)
    _refused(
        caller.call("run", caller.builder.pw_name, workspace, "--", "id"), f"'{workspace}'", f"{caller.root}/DIGITS"
    )
    _refused(caller.call("remove", workspace), f"'{workspace}'", f"{caller.root}/DIGITS")


def test_a_workspace_that_is_missing_or_a_file(caller: Caller) -> None:
    workspace = caller.workspace()
    (workspace / "in").rmdir()
    workspace.rmdir()
    _refused(caller.run(workspace, "id"), "not a folder")
    caller.write(workspace, "")
    _refused(caller.run(workspace, "id"), "not a folder")


def test_a_workspace_behind_a_symlink(caller: Caller, open_folder: Path) -> None:
    elsewhere, workspace = open_folder / "elsewhere" / str(id(caller)), caller.workspace()
    elsewhere.mkdir(parents=True)
    (elsewhere / "file").touch()
    (workspace / "in").rmdir()
    workspace.rmdir()
    workspace.symlink_to(elsewhere)
    _refused(caller.run(workspace, "id"), "symlink")
    assert [each.name for each in elsewhere.iterdir()] == ["file"]
    assert caller.call("remove", workspace).wait() == 0, "the link itself may go"
    assert not workspace.is_symlink()
    assert (elsewhere / "file").exists()


@pytest.mark.parametrize("action", ["run", "remove"])
def test_a_folder_of_workspaces_behind_a_symlink(by_root: Caller, open_folder: Path, action: str) -> None:
    link = open_folder / f"link-{action}"
    link.symlink_to(by_root.root)
    through = Caller(by_root.argv, by_root.user, by_root.builder, link, by_root.build_users, numbers=by_root.numbers)
    workspace = through.workspace()
    run = through.run(workspace, "id") if action == "run" else through.call("remove", workspace)
    _refused(run, "symlink")
    assert workspace.exists()


@pytest.mark.parametrize("name", ["tmp", "work", "out", "in"])
def test_folders_of_the_build_behind_a_symlink(caller: Caller, open_folder: Path, name: str) -> None:
    elsewhere, workspace = open_folder / f"precious-{name}", caller.workspace()
    elsewhere.mkdir(mode=0o700, exist_ok=True)
    before = elsewhere.stat()
    (workspace / "in").rmdir()
    (workspace / name).symlink_to(elsewhere)
    run = caller.run(workspace, "id")
    assert run.wait() in (REFUSED, MISUSED, 1, 125), run.texts()
    assert run.texts()[0] == ""
    after = elsewhere.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


@pytest.mark.parametrize("option", ["--env", "--stdin"])
def test_files_outside(caller: Caller, open_folder: Path, option: str) -> None:
    workspace, outside = caller.workspace(), open_folder / "run.sh"
    link = workspace / "in" / "link"
    link.symlink_to(outside)
    sibling = caller.write(caller.workspace() / "in" / "file", "A=1\n")
    climbing = f"{workspace}/in/../../{sibling.parts[-3]}/in/file"
    for given in (outside, "/etc/passwd", link, sibling, climbing, f"{workspace}/in/../../.."):
        _refused(caller.run(workspace, "env", options=(option, given)), option, f"'{given}'", "not inside")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "usage"),
        (("run",), "usage"),
        (("steal", "{user}", "{workspace}"), "usage"),
        (("remove",), "usage"),
        (("remove", "{workspace}", "{workspace}"), "usage"),
        (("run", "{user}"), "usage"),
        (("run", "{user}", "{workspace}"), "no COMMAND"),
        (("run", "{user}", "{workspace}", "--"), "no COMMAND"),
        (("run", "{user}", "{workspace}", "id"), "no option 'id'"),
        (("run", "{user}", "{workspace}", "--uid", "0", "--", "id"), "no option '--uid'"),
        (("run", "{user}", "{workspace}", "--time"), "--time: '' is not a whole number"),
        (("run", "{user}", "{workspace}", "--time", "--", "id"), "--time: '--' is not a whole number"),
        (("run", "{user}", "{workspace}", "--soft", "0.5", "--", "id"), "--soft: '0.5' is not a whole number"),
        (("run", "{user}", "{workspace}", "--memory", "1G", "--", "id"), "--memory: '1G' is not a whole number"),
        (("run", "{user}", "{workspace}", "--nice", "-5", "--", "id"), "--nice: '-5' is not a whole number"),
        (("run", "{user}", "{workspace}", "--processes", "a[$(id)]", "--", "id"), "--processes: 'a[$(id)]' is not"),
        (("run", "{user}", "{workspace}", "--env", "{workspace}/in/no", "--", "id"), "there is no file"),
    ],
)
def test_bad_usage(by_user: Caller, args: tuple[str, ...], words: str) -> None:
    filled = [arg.format(user=by_user.builder.pw_name, workspace=by_user.workspace()) for arg in args]
    run = by_user.call(*filled)
    assert run.wait() == MISUSED
    assert words in run.texts()[1]
    assert run.texts()[1].count("\n") == 1


@pytest.mark.parametrize("line", ["no-equals", "1A=x", "A-B=x", "=x", "export A=x", "BASH_FUNC_id%%=() { :; }"])
def test_lines_of_the_env_file(caller: Caller, line: str) -> None:
    workspace = caller.workspace()
    file = caller.write(workspace / "in" / "env", f"GOOD=1\n{line}\n")
    run = caller.run(workspace, "env", options=("--env", file))
    assert run.wait() == MISUSED
    assert run.texts() == ("", f"run_as_user.sh: --env: '{file}' has a line that is not KEY=VALUE\n")


def test_the_env_file_is_read_with_the_caller_s_rights(by_sudo: Caller) -> None:
    workspace = by_sudo.workspace()
    file = workspace / "in" / "env"
    file.write_text("SECRET=of-root-s\n")
    file.chmod(0o600)
    run = by_sudo.run(workspace, "env", options=("--env", file))
    assert run.wait() == MISUSED
    assert "of-root-s" not in "".join(run.texts())


def test_no_folder_is_configured(by_root: Caller) -> None:
    nowhere = Caller(by_root.argv, by_root.user, by_root.builder, Path(), "")
    nowhere_at_all = nowhere.call("run", "nobody", "/1", "--", "id", before=("env", "-u", "ISOBUILD_WORK_ROOT"))
    _refused(nowhere_at_all, "set ISOBUILD_WORK_ROOT")


@pytest.fixture
def config(by_sudo: Caller) -> Iterator[Path]:
    """The file that the script believes when it is called through sudo; as it was, afterwards."""
    assert by_sudo.config
    text = by_sudo.config.read_text()
    yield by_sudo.config
    by_sudo.config.unlink(missing_ok=True)
    by_sudo.config.write_text(text)
    by_sudo.config.chmod(0o644)


def _open_to(mode: int) -> Callable[[Path, Caller], None]:
    return lambda config, caller: config.chmod(mode)


@pytest.mark.parametrize(
    "spoil",
    [
        _open_to(0o664),
        _open_to(0o646),
        lambda config, caller: caller.own(config),
        lambda config, caller: config.unlink(),
        lambda config, caller: config.rename(config.with_name("real")).chmod(0o644) or config.symlink_to("real"),
    ],
    ids=["group", "others", "the service's", "missing", "symlink"],
)
def test_a_configuration_that_others_could_have_written(
    by_sudo: Caller, config: Path, spoil: Callable[[Path, Caller], object]
) -> None:
    spoil(config, by_sudo)
    _refused(by_sudo.run(by_sudo.workspace(), "id"), f"{config} must be a file of root's")


@pytest.mark.parametrize("line", ["users: a b", "user = a", "$(touch {marker})", "root=/", "users = a\rroot"])
def test_a_configuration_with_a_line_that_says_nothing(by_sudo: Caller, config: Path, line: str) -> None:
    marker = config.with_name("marker")
    config.write_text(config.read_text() + line.format(marker=marker) + "\n")
    run = by_sudo.run(by_sudo.workspace(), "id")
    assert run.wait() == REFUSED
    assert not marker.exists(), "it is parsed, never run"


def test_the_example_configuration_is_understood(by_sudo: Caller, config: Path) -> None:
    config.write_text((REPO / "deploy" / "run_as_user.conf").read_text())
    _refused(by_sudo.call("run", "x", "/1", "--", "id"), "allowed: isobuild-build")
    _refused(by_sudo.call("remove", "/1"), "/var/lib/isobuild/work/DIGITS")


def test_the_rule_of_sudo_is_valid_and_says_no_more_than_it_should(needed: Callable[[str], str]) -> None:
    subprocess.run([needed("visudo"), "-cf", SUDOERS], check=True)
    rules = [line for line in SUDOERS.read_text().splitlines() if line and not line.startswith(("#", "Defaults!"))]
    assert rules == ["isobuild ALL = (root) NOPASSWD: /usr/lib/isobuild/run_as_user.sh"]


def test_the_service_may_start_nothing_else_as_root(by_sudo: Caller) -> None:
    other = Caller(("sudo", "-n"), by_sudo.user, by_sudo.builder, by_sudo.root, "")
    for command in ("id", "/bin/bash", f"{by_sudo.argv[2]}/../run.sh", "-u nobody " + by_sudo.argv[2]):
        run = other.call(*command.split(), "x")
        assert run.wait() == 1
        assert "uid=" not in run.texts()[0]


def test_remove_follows_no_symlink(caller: Caller, open_folder: Path) -> None:
    elsewhere, workspace = open_folder / "kept", caller.workspace()
    elsewhere.mkdir(exist_ok=True)
    (elsewhere / "file").touch()
    elsewhere.chmod(0o777)
    assert caller.run(workspace, "ln", "-s", str(elsewhere), "../out/link").wait() == 0
    assert caller.call("remove", workspace).wait() == 0
    assert not workspace.exists()
    assert (elsewhere / "file").exists()


def test_remove_stops_at_a_mount(by_root: Caller, open_folder: Path) -> None:
    workspace, kept = by_root.workspace(), open_folder / "mounted"
    kept.mkdir()
    (kept / "file").touch()
    mount = workspace / "in"
    subprocess.run(["mount", "--bind", kept, mount], check=True)
    try:
        _refused(by_root.call("remove", workspace), "something is mounted")
    finally:
        subprocess.run(["umount", mount], check=True)
    assert (kept / "file").exists()
    assert by_root.call("remove", workspace).wait() == 0


def test_the_script_is_what_only_its_owner_writes() -> None:
    script = REPO / "scripts" / "run_as_user.sh"
    assert os.access(script, os.X_OK)
    assert not script.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
