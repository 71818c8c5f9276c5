"""The runner that is kept ready."""

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest
from sites import wait_for

from isobuild.launchers.local import LocalLauncher
from isobuild.launchers.spare import SpareLauncher

#: stands for `isobuild`: says what it was told, by argument and environment or by a line on stdin
RUNNER = """#!/bin/sh
[ $# -gt 1 ] && told="$2 $ISOBUILD_TOKEN cold" || { read -r told && told="$told warm"; }
echo "$told" >>"$TOLD"
"""


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return tmp_path / "told"


@pytest.fixture
def launcher(tmp_path: Path, told: Path) -> Iterator[SpareLauncher]:
    program = tmp_path / "isobuild"
    program.write_text(RUNNER)
    program.chmod(0o755)
    launcher = SpareLauncher(LocalLauncher([str(program)], tmp_path / "logs", os.environ | {"TOLD": str(told)}))
    yield launcher
    launcher.close()


def lines(told: Path) -> list[str]:
    return told.read_text().splitlines() if told.exists() else []


def test_a_build_goes_to_the_spare(launcher: SpareLauncher, told: Path) -> None:
    launcher.prepare()
    for number in (7, 8, 9):
        launcher.launch(number, f"token{number}")
    wait_for(lambda: len(lines(told)) == 3)
    assert sorted(lines(told)) == ["7 token7 warm", "8 token8 warm", "9 token9 warm"]


def test_without_a_spare_a_runner_starts_from_cold(launcher: SpareLauncher, told: Path) -> None:
    launcher.launch(7, "secret")
    wait_for(lambda: lines(told) == ["7 secret cold"])


def test_a_spare_that_died_is_replaced(launcher: SpareLauncher, told: Path) -> None:
    script = Path(launcher.cold.command[0])
    script.write_text("#!/bin/sh\nexit 1\n")
    launcher.prepare()
    wait_for(lambda: has_no_reader(launcher))
    script.write_text(RUNNER)
    launcher.launch(7, "secret")
    wait_for(lambda: lines(told) == ["7 secret cold"])
    launcher.launch(8, "secret")
    wait_for(lambda: lines(told) == ["7 secret cold", "8 secret warm"])


def has_no_reader(launcher: SpareLauncher) -> bool:
    poll = select.poll()
    poll.register(launcher._pipe or 0, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def test_a_spare_ends_with_its_keeper(launcher: SpareLauncher, told: Path) -> None:
    launcher.prepare()
    launcher.close()
    launcher.prepare()
    launcher.launch(7, "secret")
    wait_for(lambda: "7 secret warm" in lines(told))
    assert lines(told)[-1] == "7 secret warm"
