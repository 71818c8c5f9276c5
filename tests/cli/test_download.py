"""Taking an ISO home."""

import subprocess
import sys
from pathlib import Path

import pytest
from sites import Site

from cli.conftest import Call


@pytest.fixture
def built(site: Site) -> Site:
    site.order()
    site.carry()
    return site


def test_to_a_folder_a_file_and_stdout(built: Site, call: Call, tmp_path: Path) -> None:
    said = call("download", 1, "-o", tmp_path)
    assert said.out == f"{tmp_path}/first.iso\n"
    assert said.err == f"6 B, sha256 {built.task()['sha256']}\n"
    assert (tmp_path / "first.iso").read_bytes() == b"an ISO"
    assert call("download", 1, "-o", tmp_path / "other").code == 0
    command = [sys.executable, "-m", "isobuild", "download", "1", "-o", "-"]
    piped = subprocess.run(command, env=built.env, capture_output=True, check=True)
    assert (piped.stdout, piped.stderr) == (b"an ISO", b"")


def test_nothing_is_written_over(built: Site, call: Call, tmp_path: Path) -> None:
    (tmp_path / "first.iso").write_text("mine")
    said = call("download", 1, "-o", tmp_path)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert (tmp_path / "first.iso").read_text() == "mine"
    assert call("download", 1, "-o", tmp_path, "--force").code == 0
    assert (tmp_path / "first.iso").read_text() == "an ISO"


def test_with_all_that_lies_beside_it(built: Site, call: Call, tmp_path: Path) -> None:
    said = call("download", 1, "--all", "-o", tmp_path)
    assert said.code == 0
    assert said.out.splitlines()[0] == f"{tmp_path}/first.iso"
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in built.stored()}
    assert "first.SHA256SUMS" in said.out
    again = call("download", 1, "--all", "-o", tmp_path)
    assert (again.code, again.out) == (2, "")
    nowhere = call("download", 1, "--all", "-o", tmp_path / "no")
    assert (nowhere.code, "a folder, for several files" in nowhere.err) == (2, True)


def test_a_damaged_file_is_not_handed_out(built: Site, call: Call, tmp_path: Path) -> None:
    built.isos()[0].write_text("AN ISO")
    said = call("download", 1, "-o", tmp_path)
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert "the file in the store is damaged" in said.err
    assert not list(tmp_path.iterdir())


def test_a_place_that_can_not_be_written(built: Site, call: Call, tmp_path: Path) -> None:
    said = call("download", 1, "-o", tmp_path / "no/such/folder/x.iso")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "a place that can be written" in said.err


def test_a_file_that_is_gone_from_the_store(built: Site, call: Call, tmp_path: Path) -> None:
    built.isos()[0].unlink()
    assert call("download", 1, "-o", tmp_path).code == 4


def test_before_it_is_ready(call: Call, site: Site) -> None:
    site.order()
    said = call("download", 1)
    assert (said.code, said.out) == (3, "")
    assert said.err == "isobuild: Task 1 is pending: its ISO can be downloaded only when it is ready.\n"
