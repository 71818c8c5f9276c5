"""Uploads: each is whole or not there, is called by what is in it, and goes when nobody wants it."""

import hashlib
import io
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from isobuild.errors import HostFault, NoRoom, TooLarge
from isobuild.store.uploads import Uploads

NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=8)
WEEK = NOW - timedelta(days=7)
CONTENT = b"a picture"
UPLOAD = f"upload:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", largest=1 << 20)


def put(uploads: Uploads, content: bytes = CONTENT, name: str = "picture.png", at: datetime = NOW) -> str:
    kept = uploads.put(io.BytesIO(content), name)
    os.utime(uploads.path(kept.upload), (at.timestamp(), at.timestamp()))
    return kept.upload


def left(uploads: Uploads) -> list[str]:
    return sorted(path.name for path in uploads.folder.iterdir() if path.name != ".lock")


def test_an_upload_is_called_by_what_is_in_it(uploads: Uploads) -> None:
    assert put(uploads) == UPLOAD
    path = uploads.path(UPLOAD)
    assert (path.read_bytes(), uploads.name(UPLOAD)) == (CONTENT, "picture.png")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert stat.S_IMODE(uploads.folder.stat().st_mode) == 0o700


def test_the_same_again_is_one(uploads: Uploads) -> None:
    put(uploads, at=OLD)
    assert put(uploads, name="other.png") == UPLOAD
    assert uploads.name(UPLOAD) == "other.png"
    assert len(left(uploads)) == 2
    assert uploads.old(WEEK) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\me\\a.png", "a.png"),
        ("two\nlines", "twolines"),
        ("x" * 300, "x" * 100),
        ("", ""),
    ],
)
def test_a_name_is_for_people_only(uploads: Uploads, given: str, kept: str) -> None:
    assert uploads.name(put(uploads, name=given)) == kept


def test_what_is_too_large_leaves_nothing(uploads: Uploads) -> None:
    with pytest.raises(TooLarge, match="1048576 bytes at most"):
        put(uploads, bytes((1 << 20) + 1))
    with pytest.raises(TooLarge), uploads.receive("x", size=(1 << 20) + 1):
        pass
    assert left(uploads) == []


def test_room_is_looked_for_first(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=(64 << 20) + 10))
    with pytest.raises(NoRoom, match="has room for 0 MiB more"), uploads.receive("x", size=1 << 20):
        pass
    assert left(uploads) == []


def test_a_disk_that_fills_leaves_nothing(uploads: Uploads) -> None:
    with pytest.raises(NoRoom), uploads.receive("x") as incoming:
        incoming.write(b"half")
        raise OSError(28, "No space left on device")
    assert left(uploads) == []


def test_who_goes_away_leaves_nothing(uploads: Uploads) -> None:
    with pytest.raises(RuntimeError), uploads.receive("x") as incoming:
        incoming.write(b"half")
        raise RuntimeError("the connection was lost")
    assert left(uploads) == []


@pytest.mark.parametrize("upload", ["upload:../x", "upload:", UPLOAD, f"{UPLOAD}.name", "upload:.lock"])
def test_what_is_none_is_not_here(uploads: Uploads, upload: str) -> None:
    put(uploads, b"another")
    with pytest.raises(HostFault, match="is not among the uploads of this host"):
        uploads.path(upload)
    assert not uploads.hold(upload)
    assert uploads.name("upload:" + "0" * 64) == ""


def test_the_old_go_unless_they_are_held_meanwhile(uploads: Uploads) -> None:
    old, held, young = put(uploads, b"1", at=OLD), put(uploads, b"2", at=OLD), put(uploads, b"3")
    found = uploads.old(WEEK)
    assert found == sorted([old, held])
    assert uploads.hold(held)
    assert uploads.remove(found, WEEK) == 1
    assert {name.partition(".")[0] for name in left(uploads)} == {each[7:] for each in (held, young)}


def test_what_was_never_finished_goes_too(uploads: Uploads) -> None:
    put(uploads)
    for name, at in ((".a.part", OLD), (".b.part", NOW)):
        (uploads.folder / name).touch()
        os.utime(uploads.folder / name, (at.timestamp(), at.timestamp()))
    uploads.remove([], WEEK)
    assert [name for name in left(uploads) if name.endswith(".part")] == [".b.part"]


def test_a_site_without_uploads_has_none(uploads: Uploads) -> None:
    assert uploads.old(WEEK) == []
    assert not uploads.hold(UPLOAD)


def test_a_site_without_uploads_has_none_to_remove(uploads: Uploads) -> None:
    assert uploads.remove([], NOW) == 0
    assert not uploads.folder.exists()
