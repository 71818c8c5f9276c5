"""The zsync file, made by zsyncmake while the ISO is read by others."""

import os
from collections.abc import Callable, Iterator
from hashlib import sha1
from pathlib import Path
from typing import BinaryIO

import pytest

from isobuild.trust import zsync

CONTENT = os.urandom(5 << 20)


@pytest.fixture(autouse=True)
def zsyncmake(needed: Callable[[str], str]) -> None:
    needed("zsyncmake")


@pytest.fixture
def iso(tmp_path: Path) -> Iterator[BinaryIO]:
    path = tmp_path / "tea.iso"
    path.write_bytes(CONTENT)
    with path.open("rb") as file:
        yield file


def test_it_tells_of_all_bytes_and_hinders_no_other_reader(tmp_path: Path, iso: BinaryIO) -> None:
    iso.read(1000)
    with zsync.Making(tmp_path, "tea.iso", iso) as making:
        assert iso.read() == CONTENT[1000:]
        assert making.end()
    head = zsync.head(making.path.read_bytes())
    digest = sha1(CONTENT, usedforsecurity=False).hexdigest()
    wanted = {"Filename": "tea.iso", "URL": "tea.iso", "Length": f"{len(CONTENT)}", "SHA-1": digest}
    assert head.items() >= wanted.items()
    assert head["Blocksize"] == "2048"


def test_the_same_iso_gives_the_same_bytes(tmp_path: Path, iso: BinaryIO) -> None:
    made = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        with zsync.Making(folder, "tea.iso", iso) as making:
            assert making.end()
        made.append(making.path.read_bytes())
    assert made[0] == made[1]


def test_one_that_can_not_be_written_says_so_and_hinders_nothing(tmp_path: Path, iso: BinaryIO) -> None:
    with zsync.Making(tmp_path / "no/such/folder", "tea.iso", iso) as making:
        assert not making.end()
    assert "No such file or directory" in making.fault
    assert iso.read() == CONTENT


def test_one_that_is_given_up_leaves_no_process(tmp_path: Path, iso: BinaryIO) -> None:
    with pytest.raises(RuntimeError), zsync.Making(tmp_path, "tea.iso", iso) as making:
        raise RuntimeError
    assert not making._process.is_alive()


@pytest.mark.parametrize("data", [b"", b"zsync: 1", b"an ISO\n\n", b"\n\n", b"\xff" * 99999])
def test_what_is_no_zsync_file(data: bytes) -> None:
    with pytest.raises(ValueError, match="no zsync file"):
        zsync.head(data)
