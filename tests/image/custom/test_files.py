"""files.sh on a disk that fills: that is the machine's fault, and everything else the order's."""

import subprocess
from importlib import resources
from pathlib import Path

import pytest

from isobuild.image import custom

SMALL = """\
mount -t tmpfs -o size=16k,nr_inodes=4 full "$1"
exec sh -eu "$2/custom/files.sh"
"""


def put(tmp_path: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    """Run it as the root of a namespace, on a small disk at tmp_path/full; each line is a path and its content."""
    inputs, full = tmp_path / "in", tmp_path / "full"
    (inputs / "custom" / "content").mkdir(parents=True)
    full.mkdir()
    table = []
    for number, line in enumerate(lines):
        path, _, content = line.partition(" ")
        (inputs / "custom" / "content" / f"{number}").write_text(content)
        source = f"custom/content/{number}" if content else "-"
        table.append("\t".join((source, "0644", "root", "root", f"{full}/{path}\n")))
    (inputs / "custom" / "files").write_text("".join(table))
    for name, source in {"files.sh": "files.sh", "common": "common.sh"}.items():
        (inputs / "custom" / name).write_text(resources.files(custom).joinpath("sh", source).read_text())
    command = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-euc", SMALL, "sh", f"{full}", f"{inputs}")
    env = {"HERE": f"{inputs}/custom", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, env=env, check=False, capture_output=True, text=True)


def test_there_is_room(tmp_path: Path) -> None:
    done = put(tmp_path, "a tea")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("lines", [("big " + "tea" * 20_000,), ("a tea", "b tea", "c tea", "d tea"), ("a/b/c/d/e",)])
def test_a_full_disk_is_the_machine_s_fault(tmp_path: Path, lines: tuple[str, ...]) -> None:
    done = put(tmp_path, *lines)
    assert done.returncode == 71
    assert done.stderr.startswith("E: the disk is full: ")
    assert "No space left on device" in done.stderr


def test_a_file_in_the_place_of_a_folder_is_the_order_s(tmp_path: Path) -> None:
    done = put(tmp_path, "a tea", "a/b tea")
    assert done.returncode == 65
    assert done.stderr.endswith("/full/a can't be a folder: there is a file in its place\n")
