"""Files that people bring for their ISOs: `UPLOADS/<sha256>`, each whole or not there at all.

An upload is called by what is in it, `upload:<sha256>`; `<sha256>.name` beside it holds the file's own name.
"""

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from errno import EDQUOT, ENOSPC
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import IO, BinaryIO

from isobuild.errors import HostFault, NoRoom, TooLarge
from isobuild.store.local import CHUNK, RESERVE, bytes_of

PREFIX = "upload:"
DIGEST = re.compile(r"[0-9a-f]{64}")
LONGEST = 100  # characters of a file's name that are kept
FORSAKEN = 86400  # seconds after which what nobody finished is removed


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An upload: what orders call it, its own name, its size in bytes."""

    upload: str
    name: str
    size: int


class Uploads:
    """The uploads of a site; none has more than `largest` bytes."""

    def __init__(self, folder: Path, largest: int) -> None:
        self.folder = folder
        self.largest = largest

    def put(self, source: BinaryIO, name: str) -> Uploaded:
        """Keep a file. Raises TooLarge, NoRoom, HostFault; then nothing is kept."""
        with self.receive(name) as incoming:
            while chunk := source.read(CHUNK):
                incoming.write(chunk)
            return incoming.keep()

    @contextmanager
    def receive(self, name: str, size: int = 0) -> "Iterator[Incoming]":
        """Take a file in as it comes; what was not kept in the end is gone. `size`: its bytes, as far as is known."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            self._check(size)
            with NamedTemporaryFile(dir=self.folder, prefix=".", suffix=".part", delete=False) as part:
                try:
                    yield Incoming(self, part, _plain(name))
                finally:
                    Path(part.name).unlink(missing_ok=True)
        except OSError as error:
            if error.errno in {ENOSPC, EDQUOT}:
                raise self._no_room(size) from error
            raise HostFault(what=f"The upload can't be stored: {error}.") from error

    def _check(self, size: int) -> None:
        if size > self.largest:
            raise TooLarge(field="file", given=f"{size} bytes", allowed=f"{self.largest} bytes at most")
        if shutil.disk_usage(self.folder).free - RESERVE < size:
            raise self._no_room(size)

    def _no_room(self, size: int) -> NoRoom:
        free = max(0, shutil.disk_usage(self.folder).free - RESERVE)
        return NoRoom(path=self.folder, free=f"{free >> 20} MiB", needed=f"{size >> 20} MiB" if size else "more")

    def path(self, upload: str) -> Path:
        """The file of an upload, to be read. Raises HostFault if it is not here."""
        path = self.folder / upload.removeprefix(PREFIX)
        if not DIGEST.fullmatch(path.name) or not path.is_file():
            raise HostFault(what=f"{upload} is not among the uploads of this host: bring it again, then retry.")
        return path

    def name(self, upload: str) -> str:
        """The file's own name; empty if that is not known."""
        with suppress(OSError):
            return _plain((self.folder / f"{upload.removeprefix(PREFIX)}.name").read_text())
        return ""

    def hold(self, upload: str, now: datetime | None = None) -> bool:
        """Whether it is here; if so it is as new, so that nobody prunes it before the order is written."""
        with suppress(OSError, HostFault), self.alone():
            os.utime(self.path(upload), (now.timestamp(),) * 2 if now else None)
            return True
        return False

    # keeping

    def old(self, before: datetime) -> list[str]:
        """The uploads that nobody has brought, or held, since then."""
        found = (each for each in self.folder.glob("*") if DIGEST.fullmatch(each.name))
        return sorted(f"{PREFIX}{each.name}" for each in found if _changed_at(each) < before.timestamp())

    def refresh(self, uploads: Collection[str], now: datetime) -> None:
        """Let these be as new."""
        for upload in uploads:
            self.hold(upload, now)

    def remove(self, uploads: Collection[str], before: datetime) -> int:
        """Remove those of them that are still old, and what was never finished; the bytes that this gave back."""
        freed = 0
        if not self.folder.is_dir():  # nothing was ever brought
            return freed
        for part in self.folder.glob(".*.part"):
            if _changed_at(part) < before.timestamp() and _changed_at(part) < time.time() - FORSAKEN:
                part.unlink(missing_ok=True)
        with self.alone():
            for upload in set(self.old(before)).intersection(uploads):
                path = self.folder / upload.removeprefix(PREFIX)
                freed += bytes_of(path)
                path.unlink(missing_ok=True)
                path.with_name(f"{path.name}.name").unlink(missing_ok=True)
        return freed

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While nobody else holds or removes one. Raises OSError if there is no folder of uploads."""
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Incoming:
    """A file that is being brought."""

    def __init__(self, uploads: Uploads, part: IO[bytes], name: str) -> None:
        self._uploads = uploads
        self._part = part
        self._name = name
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, chunk: bytes) -> None:
        """Take more of it. Raises TooLarge, OSError."""
        self._size += len(chunk)
        if self._size > self._uploads.largest:
            most = f"{self._uploads.largest} bytes at most"
            raise TooLarge(field="file", given=self._name or "the file", allowed=most)
        self._digest.update(chunk)
        self._part.write(chunk)

    def keep(self) -> Uploaded:
        """It is whole: keep it."""
        self._part.flush()
        os.fsync(self._part.fileno())
        path = self._uploads.folder / self._digest.hexdigest()
        part = Path(self._part.name)
        part.chmod(0o644)
        with self._uploads.alone():
            path.with_name(f"{path.name}.name").write_text(self._name)
            part.rename(path)
        _sync(self._uploads.folder)
        return Uploaded(f"{PREFIX}{path.name}", self._name, self._size)


def _plain(name: str) -> str:
    """The last part of a path, as far as it can be printed."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(letter for letter in last if letter.isprintable())[:LONGEST]


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
