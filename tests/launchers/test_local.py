"""A runner outlives who launched it, is told its build and token, and prints to a file of its own."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from isobuild.errors import LaunchFailed
from isobuild.launchers.local import LocalLauncher

TOKEN = "5a" * 16
PATIENCE = 30.0


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A runner that writes what it was given to `told`, once it is whole."""
    return _write(
        tmp_path / "runner",
        """
        echo out; echo err >&2
        { echo "$*"; echo "$ISOBUILD_TOKEN"; echo "$OTHER"; cat; } >"$0.part"
        mv "$0.part" "$0.told"
        """,
    )


def test_it_is_told_its_build_and_its_token(program: Path, tmp_path: Path) -> None:
    """S0.14, S0.15: it is told the build, not a user's name."""
    LocalLauncher([str(program), "-m", "isobuild"], tmp_path / "logs", {"OTHER": "other"}).launch(7, TOKEN)
    assert _told(program) == ["-m isobuild run 7", TOKEN, "other"]  # and nothing on stdin


def test_what_it_prints_is_kept_and_added_to(program: Path, tmp_path: Path) -> None:
    """S0.14: what it prints goes to a file, not to /dev/null."""
    logs = tmp_path / "deep" / "logs"
    launcher = LocalLauncher([str(program)], logs)
    for count in (1, 2):
        launcher.launch(7, TOKEN)
        _told(program).clear()
        program.with_suffix(".told").unlink()
        assert (logs / "7.runner").read_text() == "out\nerr\n" * count


def test_the_token_is_not_in_its_arguments(tmp_path: Path) -> None:
    program = _write(tmp_path / "runner", 'echo $$ >"$0.part"; mv "$0.part" "$0.told"; exec sleep 60')
    LocalLauncher([str(program)], tmp_path).launch(7, TOKEN)
    pid = int(_told(program)[0])
    try:
        assert TOKEN not in Path(f"/proc/{pid}/cmdline").read_text()
        _wait_for(lambda: TOKEN in Path(f"/proc/{pid}/environ").read_text())
        assert stat.S_IMODE(Path(f"/proc/{pid}/environ").stat().st_mode) == 0o400
        assert os.getsid(pid) != os.getsid(0)
    finally:
        os.kill(pid, 9)


def test_it_returns_at_once_and_the_runner_outlives_its_parent(tmp_path: Path) -> None:
    """S0.14, S1.36: it is detached, and nobody waits for it."""
    program = _write(
        tmp_path / "runner",
        """
        echo $$ >"$0.pid.part"; mv "$0.pid.part" "$0.pid"
        while [ ! -e "$0.go" ]; do sleep 0.02; done
        echo "$PPID"; echo alive
        mv "$0.pid" "$0.told"
        """,
    )
    code = (
        "import sys; from pathlib import Path; from isobuild.launchers.local import LocalLauncher;"
        "LocalLauncher([sys.argv[1]], Path(sys.argv[2])).launch(7, 'x')"
    )
    subprocess.run([sys.executable, "-c", code, program, tmp_path], check=True)
    program.with_suffix(".go").touch()  # the parent is gone; only now may the runner go on
    _told(program)
    assert (tmp_path / "7.runner").read_text().endswith("alive\n")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/no/such/isobuild"], "there is no command /no/such/isobuild"),
        (["no-such-isobuild"], "there is no command no-such-isobuild"),
    ],
)
def test_a_command_that_is_not_there(tmp_path: Path, command: list[str], words: str) -> None:
    with pytest.raises(LaunchFailed, match=f"^The build could not be started: {words}$") as failed:
        LocalLauncher(command, tmp_path).launch(7, TOKEN)
    assert failed.value.cause == "host"


def test_a_command_that_cannot_be_executed(tmp_path: Path) -> None:
    file = tmp_path / "runner"
    file.write_text("#!/bin/sh\n")
    with pytest.raises(LaunchFailed, match=r"^The build could not be started: "):
        LocalLauncher([str(file)], tmp_path).launch(7, TOKEN)


def test_a_command_whose_interpreter_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "runner"
    file.write_text("#!/no/such/interpreter\n")
    file.chmod(0o755)
    with pytest.raises(LaunchFailed, match=r"^The build could not be started: "):
        LocalLauncher([str(file)], tmp_path).launch(7, TOKEN)


def test_logs_that_cannot_be_written(program: Path, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    with pytest.raises(LaunchFailed, match=r"^The build could not be started: .*logs"):
        LocalLauncher([str(program)], tmp_path / "logs").launch(7, TOKEN)


def test_a_runner_that_fails_at_once_is_no_trouble_for_its_launcher(tmp_path: Path) -> None:
    program = _write(tmp_path / "runner", 'touch "$0.told"; exit 3')
    LocalLauncher([str(program)], tmp_path).launch(7, TOKEN)
    _told(program)


def _write(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def _told(program: Path) -> list[str]:
    _wait_for(program.with_suffix(".told").exists)
    return program.with_suffix(".told").read_text().splitlines()


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
