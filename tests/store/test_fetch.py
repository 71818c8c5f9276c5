"""A copy out of the store is checked, and appears whole or not at all."""

import io
import os
from hashlib import sha256
from pathlib import Path

import pytest

from isobuild.errors import BadInput, Damaged
from isobuild.store import fetch

CONTENT = b"an ISO" * 300_000
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(CONTENT)
    return tmp_path / "source"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def test_a_copy_takes_the_place_of_what_was_there(source: Path, folder: Path) -> None:
    (folder / "x.iso").write_text("an older one")
    fetch.to_file(source, folder / "x.iso", DIGEST)
    assert (folder / "x.iso").read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == ["x.iso"]


def test_a_damaged_file_changes_nothing(source: Path, folder: Path) -> None:
    (folder / "x.iso").write_text("an older one")
    source.write_bytes(CONTENT[:-1])
    with pytest.raises(Damaged):
        fetch.to_file(source, folder / "x.iso", DIGEST)
    assert [path.read_text() for path in folder.iterdir()] == ["an older one"]


@pytest.mark.parametrize("place", ["no/such/x.iso", "folder"])
def test_a_place_that_can_not_be_written(source: Path, folder: Path, place: str) -> None:
    with pytest.raises(BadInput, match="a place that can be written"):
        fetch.to_file(source, folder.parent / place, DIGEST)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["folder", "source"]


def test_a_device_stays_one(source: Path, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(BadInput, match="this is no file"):
        fetch.to_file(source, folder / "pipe", DIGEST)
    assert (folder / "pipe").is_fifo()


def test_to_a_stream(source: Path) -> None:
    target = io.BytesIO()
    fetch.to_stream(source, target, DIGEST)
    assert target.getvalue() == CONTENT
    with pytest.raises(Damaged):
        fetch.to_stream(source, io.BytesIO(), "5a" * 32)
