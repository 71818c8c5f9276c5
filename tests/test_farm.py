"""The loops of deploy/ and docs/farm.md: the files are read as their readers do, and say only what there is."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
from typer.main import get_command

from isobuild.cli.app import app
from isobuild.config import Settings

TOP = Path(__file__).parent.parent
SUPERVISOR = TOP / "deploy/supervisor/isobuild.conf"
UNIT = TOP / "deploy/isobuild-work@.service"
FARM = (TOP / "docs/farm.md").read_text()
#: of a [program:x] in Supervisor's manual, those that we need
KNOWN = {
    "command", "process_name", "numprocs", "user", "directory", "environment", "autostart", "autorestart", "startsecs",
    "startretries", "stopsignal", "stopwaitsecs", "redirect_stderr", "stdout_logfile", "stdout_logfile_maxbytes",
}  # fmt: skip


def programs() -> dict[str, dict[str, str]]:
    """Supervisor's programs, without the words before their queue."""
    parser = ConfigParser(interpolation=None, inline_comment_prefixes=(";",))
    parser.read(SUPERVISOR)
    return {name.removeprefix("program:isobuild-"): dict(parser[name]) for name in parser.sections()}


def options() -> set[str]:
    """What `isobuild work` takes."""
    command = get_command(app).commands["work"]  # type: ignore[attr-defined]
    return {name for each in command.params for name in each.opts}


def test_supervisor_has_loops_for_each_queue() -> None:
    """S2.19: high 2, default 4, low 1, with 3, 3 and 2 attempts."""
    loops = {queue: (int(each["numprocs"]), each["command"].rpartition(" ")[2]) for queue, each in programs().items()}
    assert loops == {"high": (2, "3"), "default": (4, "3"), "low": (1, "2")}
    assert tuple(loops) == Settings.model_fields["queues"].default
    assert f"`slots = {sum(count for count, _ in loops.values())}`" in SUPERVISOR.read_text()
    for queue, each in programs().items():
        assert f" --queue {queue} --attempts " in each["command"]
        assert each.keys() == KNOWN
        assert (each["autostart"], each["autorestart"], each["redirect_stderr"]) == ("true", "true", "true")
        assert (each["user"], each["stopsignal"]) == ("isobuild", "TERM")
        assert "%(process_num)" in each["process_name"]
        assert each["stdout_logfile"].endswith("/%(program_name)s.log")
        assert int(each["stopwaitsecs"]) > Settings.model_fields["time_limit"].default


def test_each_slot_of_the_example_has_a_build_user() -> None:
    example = tomllib.loads("".join(re.findall(r"```toml\n(.*?)```", FARM, re.DOTALL)))
    assert len(set(Settings(**example).build_users)) == example["slots"] == 7


def _commands() -> Iterator[str]:
    yield from (each["command"] for each in programs().values())
    yield from re.findall(r"^(?:ExecStart|# .*OPTIONS)=.*", UNIT.read_text(), re.MULTILINE)
    yield from re.findall(r"OPTIONS=[^']*", FARM)
    yield from re.findall(r"^\| `(--.*?)` \|", FARM, re.MULTILINE)


def test_every_option_exists_and_is_told_of() -> None:
    """S2.17: the flags."""
    used = {option for command in _commands() for option in re.findall(r"--[a-z-]+", command)}
    assert used == options() - {"--help"}


def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "isobuild-work@1.service"
    mine = re.sub(r"^(User|Group)=.*\n", "", UNIT.read_text(), flags=re.MULTILINE)
    unit.write_text(mine.replace("/opt/isobuild/bin/isobuild", "/bin/true"))
    verified = subprocess.run([analyze, "verify", "--man=no", unit], check=False, capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_unit_lets_a_build_be_finished() -> None:
    lines = UNIT.read_text().splitlines()
    assert {"KillMode=mixed", "Restart=always", "TimeoutStopSec=15min"} <= set(lines)
    assert [line.partition("=")[2] for line in lines if line.startswith("ExecStop=")] == [
        "-/bin/kill -TERM $MAINPID",
        "-/usr/bin/tail --pid=$MAINPID -f /dev/null",
    ]
