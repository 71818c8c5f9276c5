"""Whether a process of this machine lives, by its number and its start."""

import os
import subprocess
from pathlib import Path

import pytest

from isobuild.domain.hosts import Host, boot_id, process_start


def test_a_living_process_has_one_start() -> None:
    start = process_start(os.getpid())
    assert start is not None
    assert start == process_start(os.getpid())
    assert start.startswith(f"{boot_id()}/")
    assert start.rpartition("/")[2].isdecimal()


def test_an_ended_process_has_none() -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    assert process_start(ended.pid) is None


def test_a_zombie_has_none() -> None:
    with subprocess.Popen(["true"]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet collected
        assert process_start(zombie.pid) is None


def test_processes_have_starts_of_their_own() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        assert process_start(other.pid) not in {None, process_start(os.getpid())}
        other.kill()


def test_a_command_with_parentheses_and_spaces_in_its_name(tmp_path: Path) -> None:
    odd = tmp_path / "a) Z 1 (b"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([odd, "60"]) as process:
        start = process_start(process.pid)
        process.kill()
    assert start is not None
    assert start.startswith(f"{boot_id()}/")


def test_a_host_is_a_value() -> None:
    assert Host("oven") == Host("oven", 1, ("high", "default", "low"))
    with pytest.raises(AttributeError):
        Host("oven").slots = 2  # type: ignore[misc]
