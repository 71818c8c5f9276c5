"""The one door: as whom a command runs, how it ends, and that nothing of it stays."""

import os
import pwd
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sites import Site, wait_for

from isobuild import site as parts
from isobuild.errors import HostFault
from isobuild.runner.door import Door, Limits, Running

Run = Callable[..., Running]


@pytest.fixture
def door(site: Site) -> Door:
    settings = site.settings()
    parts.prepare(settings)
    (settings.workspaces / "1").mkdir(mode=0o711)
    return parts.door(settings)


@pytest.fixture
def heard() -> dict[str, str]:
    return {"out": "", "err": ""}


@pytest.fixture
def run(door: Door, heard: dict[str, str]) -> Iterator[Run]:
    """Runs a command behind the door, in workspace 1."""
    started: list[Running] = []

    def hear(stream: str, chunk: str) -> None:
        heard[stream] += chunk

    def run(*argv: str, options: tuple[str, ...] = ()) -> Running:
        started.append(door.run(door.user(0), door.root / "1", list(options), argv, hear))
        return started[-1]

    yield run
    for running in started:
        running.release()
        running.wait(30)


def test_a_command_runs_as_the_build_user_in_its_workspace(run: Run, heard: dict[str, str], door: Door) -> None:
    assert run("sh", "-c", "id -un; pwd; echo aside >&2").wait(30) == 0
    assert heard == {"out": f"{door.user(0)}\n{door.root}/1/work\n", "err": "aside\n"}


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill $$", 143)])
def test_the_exit_status_passes_through(run: Run, script: str, status: int) -> None:
    assert run("sh", "-c", script).wait(30) == status


def test_an_argument_is_never_a_shell_string(run: Run, heard: dict[str, str]) -> None:
    """S0.C7: what somebody typed is an argument, and never a shell's line."""
    words = ("$(id)", "a b; id", "'", '"', "*", "", "-n")
    assert run("printf", "%s|", *words).wait(30) == 0
    assert heard["out"] == "".join(f"{word}|" for word in words)


def test_it_is_heard_while_it_runs(run: Run, heard: dict[str, str]) -> None:
    run("sh", "-c", "echo here; sleep 305")
    wait_for(lambda: heard["out"] == "here\n")


def test_who_lets_go_ends_all_that_it_started(run: Run, site: Site) -> None:
    running = run("sh", "-c", "setsid sleep 301 & (sleep 302 &) ; sleep 303")
    wait_for(lambda: len(site.processes("sleep")) == 3)
    assert running.wait(0) is None
    running.release()
    running.release()
    assert running.wait(30) == 129
    wait_for(lambda: not site.processes())
    assert site.workspaces() == []


def test_limits_are_arguments() -> None:
    limits = Limits(seconds=0.2, memory=5, processes=6, file_size=7)
    rest = ["--memory", "5", "--processes", "6", "--file-size", "7"]
    assert limits.arguments() == ["--time", "1", *rest]
    for soft, seconds in ((0.2, "1"), (2.0, "2"), (2.1, "3")):  # never sooner than it is over for the runner
        assert replace(limits, soft=soft).arguments() == ["--time", "1", "--soft", seconds, *rest]


def test_a_limit_of_time_has_its_status(run: Run) -> None:
    assert run("sleep", "304", options=("--time", "1")).wait(30) == 124


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may choose who builds run as")
def test_each_slot_has_a_user_in_turn() -> None:
    door = Door(Path("/x"), ("ann", "bob"), Path("/y"), sudo=False)
    assert [door.user(slot) for slot in range(3)] == ["ann", "bob", "ann"]


def test_without_root_rights_it_is_the_present_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    assert Door(Path("/x"), ("ann",), Path("/y"), sudo=False).user(0) == pwd.getpwuid(65534).pw_name
    assert Door(Path("/x"), ("ann",), Path("/y"), sudo=True).user(0) == "ann"


def test_a_script_that_is_not_there_is_the_hosts_fault(door: Door, tmp_path: Path) -> None:
    broken = Door(tmp_path / "missing.sh", door.users, door.root, door.sudo)
    with pytest.raises(HostFault, match=r"missing\.sh can't be started"):
        broken.run("x", door.root / "1", [], ("true",), lambda *_: None)
    with pytest.raises(HostFault, match=r"missing\.sh can't be started"):
        broken.remove(door.root / "1")


def test_what_the_door_refuses_is_said(door: Door) -> None:
    with pytest.raises(HostFault, match="not a workspace"):
        door.remove(Path("/tmp/elsewhere"))
