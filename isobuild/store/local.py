"""A store in a folder of this host: `STORE/<build>/<name>`.

A file appears whole or not at all: it is written beside, under a name that is never looked for, made
durable, and then given its name.
"""

import glob
import os
import re
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Protocol

from isobuild.errors import HostFault, NoRoom, NotFound, ReportRefused

CHUNK = 1 << 20
NUMBER = re.compile("[1-9][0-9]{0,8}")  # of a build, as it is written: what is named otherwise is nobody's
RESERVE = 64 << 20  # bytes that stay free: the database and the logs live on the same disk, as a rule


class Readable(Protocol):
    """A file that is open."""

    def fileno(self) -> int: ...  # noqa: D102
    def read(self, size: int, /) -> bytes: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the store: its name, size in bytes, SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


class LocalStore:
    """Finished files below one folder, which only the service writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, build: int, source: Readable, name: str, alive: Callable[[int], None] = lambda _: None) -> Stored:
        """Copy an open file into the store as the artifact `name` of a build, hashing as it goes.

        `alive` is called with the bytes copied so far after each MiB; what it raises ends the copy and leaves nothing.
        Raises NoRoom (before anything is written), HostFault, and ReportRefused if the build has brought another
        file already.
        """
        size = os.fstat(source.fileno()).st_size
        path = self.folder / str(build) / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._check_room(size)
            digest = self._write(source, path, alive)
            for folder in (path.parent, self.folder):
                _sync_folder(folder)
            return Stored(name=name, size=path.stat().st_size, sha256=digest)
        except OSError as error:
            if error.errno in {ENOSPC, EDQUOT}:
                raise NoRoom(path=self.folder, free=_words(self._free()), needed=_words(size)) from error
            raise HostFault(what=f"The ISO can't be stored: {error}.") from error

    def _write(self, source: Readable, path: Path, alive: Callable[[int], None]) -> str:
        with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as part:
            try:
                digest = _copy(source, part, alive)
                os.fsync(part.fileno())
                _appear(Path(part.name), path, digest)
            finally:
                Path(part.name).unlink(missing_ok=True)
        for left in path.parent.glob(".*.part"):  # by a report that was killed
            left.unlink(missing_ok=True)
        return digest

    def path(self, build: int, name: str) -> Path:
        """Where the artifact lies, to be read. Raises NotFound."""
        path = self.folder / str(build) / name
        if not path.is_file():
            raise NotFound(what="file", given=name, hint="It is no longer in the store.")
        return path

    def owned(self) -> Iterable[int]:
        """The builds that have a folder here."""
        return numbered(folder.name for folder in self.folder.iterdir()) if self.folder.is_dir() else ()

    def size(self, build: int) -> int:
        """The bytes that removing the files of a build gives back."""
        return size_of(self.folder / str(build))

    def remove(self, build: int) -> None:
        """Remove all files of a build; none is fine. Raises OSError if one can't go, when the others are gone."""
        folder = self.folder / str(build)
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.lexists(folder):
            with suppress(FileNotFoundError):  # somebody else removes it too
                shutil.rmtree(folder)

    def free(self) -> int:
        """The bytes that are free on its disk. Raises OSError."""
        return shutil.disk_usage(self.folder).free

    def held(self) -> int:
        """The bytes of removed files that somebody still reads, as far as that can be seen: they will be free too."""
        return sum(_held(f"{self.folder}/").values())

    def _free(self) -> int:
        return max(0, self.free() - RESERVE)

    def _check_room(self, size: int) -> None:
        if (free := self._free()) < size:
            raise NoRoom(path=self.folder, free=_words(free), needed=_words(size))


def numbered(names: Iterable[str]) -> set[int]:
    """The builds whose number is among these names."""
    return {int(name) for name in names if NUMBER.fullmatch(name)}


def size_of(folder: Path) -> int:
    """The bytes of the files below a folder, as far as they can be seen; a file that has another name too has none."""
    return sum(bytes_of(Path(top, name)) for top, _, names in os.walk(folder) for name in names)


def bytes_of(file: Path) -> int:
    """The bytes that removing a file gives back, as far as they can be seen."""
    try:
        seen = file.lstat()
    except OSError:  # it has just gone, or may not be looked at
        return 0
    return seen.st_size if seen.st_nlink == 1 else 0


def _held(below: str) -> dict[int, int]:
    """The removed files that processes have open: their inodes and bytes."""
    found: dict[int, int] = {}
    for link in glob.iglob("/proc/[0-9]*/fd/*"):  # noqa: PTH207 (which stumbles over a process that ends)
        with suppress(OSError):
            name = os.readlink(link)  # noqa: PTH115 (many of them)
            if name.startswith(below) and name.endswith(" (deleted)") and not (seen := Path(link).stat()).st_nlink:
                found[seen.st_ino] = seen.st_size
    return found


def _appear(part: Path, path: Path, digest: str) -> None:
    part.chmod(0o644)
    try:
        path.hardlink_to(part)  # unlike a rename, it never puts one report's file in the place of another's
    except FileExistsError:
        with path.open("rb") as there:
            if file_digest(there, "sha256").hexdigest() != digest:
                raise ReportRefused(why="the build has brought another file already") from None
    except FileNotFoundError:
        raise ReportRefused(why="another report was sooner") from None


def _copy(source: Readable, target: IO[bytes], alive: Callable[[int], None]) -> str:
    digest = sha256()
    done = 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        target.write(chunk)
        done += len(chunk)
        alive(done)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _words(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"
