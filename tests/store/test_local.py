"""A file appears in the store whole or not at all, and is never another's."""

import hashlib
import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

import pytest

from isobuild.errors import HostFault, LostBuild, NoRoom, NotFound, ReportRefused
from isobuild.store.local import CHUNK, RESERVE, LocalStore

DATA = os.urandom(2 * CHUNK + 12345)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def source(tmp_path: Path) -> Iterator[BinaryIO]:
    (tmp_path / "built.iso").write_bytes(DATA)
    with (tmp_path / "built.iso").open("rb") as file:
        yield file


class FailingSource(io.BytesIO):
    """A file on a disk that fails after its first MiB."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.file = file

    def fileno(self) -> int:
        return self.file.fileno()

    def read(self, size: int | None = -1) -> bytes:
        if self.file.tell():
            raise OSError(5, "Input/output error")
        return self.file.read(size or -1)


def left(store: LocalStore) -> list[str]:
    """Every file below the store, hidden ones too."""
    return sorted(str(path.relative_to(store.folder)) for path in store.folder.rglob("*") if path.is_file())


def test_put_copies_the_file_with_its_size_and_hash(store: LocalStore, source: BinaryIO) -> None:
    stored = store.put(7, source, "tea.iso")
    assert (stored.name, stored.size, stored.sha256) == ("tea.iso", len(DATA), hashlib.sha256(DATA).hexdigest())
    assert store.path(7, "tea.iso") == store.folder / "7" / "tea.iso"
    assert store.path(7, "tea.iso").read_bytes() == DATA
    assert left(store) == ["7/tea.iso"]


def test_an_empty_file(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with (tmp_path / "empty").open("rb") as empty:
        stored = store.put(7, empty, "tea.iso")
    assert (stored.size, stored.sha256) == (0, hashlib.sha256().hexdigest())
    assert store.path(7, "tea.iso").read_bytes() == b""


def test_it_tells_how_far_it_is(store: LocalStore, source: BinaryIO) -> None:
    told: list[int] = []
    store.put(7, source, "tea.iso", told.append)
    assert told == [CHUNK, 2 * CHUNK, len(DATA)]


def test_it_is_not_to_be_seen_before_it_is_whole(store: LocalStore, source: BinaryIO) -> None:
    def look(_: int) -> None:
        with pytest.raises(NotFound):
            store.path(7, "tea.iso")
        assert all(Path(name).name.startswith(".") for name in left(store))

    store.put(7, source, "tea.iso", look)


@pytest.mark.parametrize("failure", [LostBuild(build=7, why="it was reaped"), KeyboardInterrupt()])
def test_what_alive_raises_ends_the_copy_and_leaves_nothing(
    store: LocalStore, source: BinaryIO, failure: BaseException
) -> None:
    def stop(_: int) -> NoReturn:
        raise failure

    with pytest.raises(type(failure)):
        store.put(7, source, "tea.iso", stop)
    assert left(store) == []


def test_a_source_that_fails_midway_leaves_nothing(store: LocalStore, source: BinaryIO) -> None:
    with pytest.raises(Exception, match="Input/output error") as failed:
        store.put(7, FailingSource(source), "tea.iso")
    assert getattr(failed.value, "cause", "host") == "host"
    assert left(store) == []


def test_a_second_try_after_a_failure(store: LocalStore, source: BinaryIO) -> None:
    with pytest.raises(HostFault):
        store.put(7, FailingSource(source), "tea.iso")
    source.seek(0)
    store.put(7, source, "tea.iso")
    assert store.path(7, "tea.iso").read_bytes() == DATA


def test_the_same_file_may_come_twice_and_another_may_not(store: LocalStore, source: BinaryIO, tmp_path: Path) -> None:
    first = store.put(7, source, "tea.iso")
    source.seek(0)
    assert store.put(7, source, "tea.iso") == first
    (tmp_path / "other").write_bytes(b"another")
    with (tmp_path / "other").open("rb") as other, pytest.raises(ReportRefused, match="another file already"):
        store.put(7, other, "tea.iso")
    assert store.path(7, "tea.iso").read_bytes() == DATA
    assert left(store) == ["7/tea.iso"]


def test_the_same_name_of_two_builds_is_two_files(store: LocalStore, source: BinaryIO, tmp_path: Path) -> None:
    store.put(7, source, "tea.iso")
    (tmp_path / "other").write_bytes(b"another")
    with (tmp_path / "other").open("rb") as other:
        store.put(8, other, "tea.iso")
    assert store.path(7, "tea.iso").read_bytes() == DATA
    assert store.path(8, "tea.iso").read_bytes() == b"another"


def test_a_missing_file_is_named(store: LocalStore) -> None:
    with pytest.raises(NotFound, match=r"^There is no file tea.iso. It is no longer in the store.$"):
        store.path(7, "tea.iso")


def test_what_is_owned_and_removed(store: LocalStore, source: BinaryIO) -> None:
    assert list(store.owned()) == []
    for build in (7, 12):
        source.seek(0)
        store.put(build, source, "tea.iso")
    (store.folder / "lost+found").mkdir()
    assert sorted(store.owned()) == [7, 12]
    store.remove(7)
    store.remove(7)
    assert list(store.owned()) == [12]
    assert left(store) == ["12/tea.iso"]


def test_what_is_no_number_of_a_build_is_nobodys(store: LocalStore) -> None:
    for name in ("007", "0", "\u0663", "99999999999999999999", "-1", "1.5", "12"):
        (store.folder / name).mkdir(parents=True)
    assert list(store.owned()) == [12]


def test_what_cannot_be_removed_is_told_and_the_rest_goes(store: LocalStore, tmp_path: Path) -> None:
    store.folder.mkdir()
    (store.folder / "7").write_bytes(b"no folder")
    with pytest.raises(NotADirectoryError, match="7"):
        store.remove(7)
    (tmp_path / "elsewhere").mkdir()
    (store.folder / "8").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        store.remove(8)


def test_a_removed_file_is_held_while_somebody_reads_it(store: LocalStore, source: BinaryIO) -> None:
    """S4.26: a slow download gives its room back when it has ended."""
    store.put(7, source, "tea.iso")
    with store.path(7, "tea.iso").open("rb"):
        assert store.held() == 0
        store.remove(7)
        assert store.held() == len(DATA)
    assert store.held() == 0


def test_no_room_is_noticed_before_anything_is_written(store: LocalStore, tmp_path: Path) -> None:
    with (tmp_path / "vast").open("w+b") as vast:
        vast.truncate(1 << 42)  # sparse: more than any disk of a test has
        with pytest.raises(NoRoom, match=r"has room for .* MiB more, and 4194304.0 MiB are needed") as failed:
            store.put(7, vast, "tea.iso", lambda _: pytest.fail("something was copied"))
    assert failed.value.cause == "host"
    assert left(store) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with room for a few MiB beyond the reserve."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    size = RESERVE + 3 * CHUNK
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "isobuild", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"a disk can't be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_the_reserve_stays_free(small_disk: Path, source: BinaryIO) -> None:
    store = LocalStore(small_disk)
    store.put(7, source, "tea.iso")
    source.seek(0)
    with pytest.raises(NoRoom, match=r"has room for (0.9|1.0) MiB more, and 2\.0 MiB are needed"):
        store.put(8, source, "tea.iso")
    assert left(store) == ["7/tea.iso"]


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(small_disk: Path, source: BinaryIO) -> None:
    store = LocalStore(small_disk)

    def somebody_else(done: int) -> None:
        if done == CHUNK:
            _fill(small_disk / "somebody-else")

    with pytest.raises(NoRoom):
        store.put(7, source, "tea.iso", somebody_else)
    assert left(store) == ["somebody-else"]


def test_a_folder_that_cannot_be_written_is_the_hosts_fault(store: LocalStore, source: BinaryIO) -> None:
    store.folder.parent.joinpath("store").write_text("a file where a folder should be")
    with pytest.raises(Exception, match=r"store") as failed:
        store.put(7, source, "tea.iso")
    assert getattr(failed.value, "cause", None) == "host"


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(CHUNK))
        except OSError:
            return
