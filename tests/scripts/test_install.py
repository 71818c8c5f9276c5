"""What scripts/install refuses, and whose files it leaves alone; its functions are called, and nothing is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import ROOT

INSTALL = Path(__file__).parents[2] / "scripts" / "install"
FUNCTIONS, BEGIN, _ = INSTALL.read_text().partition('[ "$(id -u)" = 0 ] || exec sudo')


def call(function: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Call one of its functions."""
    assert BEGIN
    words = "".join(f"{name}='{value}'\n" for name, value in settings.items())
    script = f"{FUNCTIONS}\n{words}{function}"
    return subprocess.run(["sh", "-c", script, INSTALL], capture_output=True, text=True, check=False)


def command(folder: Path, prints: str, code: int = 0) -> Path:
    """An installed isobuild that answers so, whatever it is asked."""
    path = folder / "isobuild"
    path.write_text(f"#!/bin/sh\necho '{prints}'\nexit {code}\n")
    path.chmod(0o755)
    return path


def test_a_first_call_meets_nothing(tmp_path: Path) -> None:
    assert call("check_idle", program=tmp_path, command=tmp_path / "isobuild").returncode == 0


def test_it_refuses_while_something_runs(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    with subprocess.Popen(["sleep", "60"], executable=shutil.which("sleep"), env={}) as other:
        assert call("check_idle", program=tmp_path, command=tmp_path / "isobuild").returncode == 0
        other.kill()
    with subprocess.Popen([python, "60"], executable=shutil.which("sleep")) as daemon:
        said = call("check_idle", program=tmp_path, command=tmp_path / "isobuild")
        daemon.kill()
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith(f"install: isobuild runs here (process {daemon.pid}): stop it first")


def test_it_refuses_while_builds_are_open(tmp_path: Path) -> None:
    said = call("check_idle", program=tmp_path, command=command(tmp_path, '[{"id": 7}]'))
    assert said.returncode == 1
    assert said.stderr.startswith("install: builds are open, which ")


@pytest.mark.parametrize(("prints", "code"), [("[]", 0), ("isobuild: The database is at revision none", 1)])
def test_it_goes_on_when_none_is_open(tmp_path: Path, prints: str, code: int) -> None:
    assert call("check_idle", program=tmp_path, command=command(tmp_path, prints, code)).returncode == 0


@pytest.mark.skipif(not ROOT, reason="only root can give files away")
def test_it_leaves_the_workspaces_alone(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("isobuild.sqlite3", "store/1/x.iso", "work/7/work/root", "others")]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    os.chown(files[3], 1234, 1234)
    (tmp_path / "link").symlink_to("/etc/hostname")
    assert call("own_home", state=tmp_path, user="nobody").returncode == 0
    nobody = (tmp_path / "link").lstat().st_uid
    assert [file.stat().st_uid for file in files] == [nobody, nobody, 0, 1234]
    assert (nobody, (tmp_path / "work").stat().st_uid, (tmp_path / "work/7").stat().st_uid) == (65534, 65534, 0)
    assert Path("/etc/hostname").stat().st_uid == 0
