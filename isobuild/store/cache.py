"""What builds made that other builds can use: packages as they were fetched, and stages, each a few files.

    CACHE/files/<SHA-256>    the content, each once
    CACHE/stages/<key>       a stage: its name, the seconds that it took, and its files, as JSON
    CACHE/turns/<key>        locked by who makes the stage at present
    CACHE/uses/<key>         a byte for each build that used the stage again

Only the service writes here, and what is here has the hash of its name. A build gets a link to it, and so keeps what
it was given, whatever is pruned meanwhile. A file appears whole or not at all, and who is killed leaves a part that
the next pruning removes.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, BinaryIO

PART = ".part"
RESERVE = 4 << 30  # bytes that are left free on the disk for builds, or a tenth of it
STALE = 86400.0  # seconds after which a part is nobody's


@dataclass(frozen=True, slots=True)
class Made:
    """A stage as it is kept: its name, the seconds that it took to make, and its files (name -> SHA-256)."""

    name: str
    seconds: float
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """What the cache holds: stages by their keys, the count and bytes of all files."""

    stages: Mapping[str, Made]
    files: int
    bytes: int


class Cache:
    """A cache in one folder, of at most `size` bytes after each pruning; 0: nothing is kept."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.size = size

    def has(self, digest: str) -> bool:
        """Whether a file with this SHA-256 is here."""
        return self._file(digest).is_file()

    def give(self, digest: str, target: Path) -> bool:
        """Put the file at `target` too, to be read only; False if it is not here (any more)."""
        try:
            os.utime(self._file(digest))  # it is used: others go before it
            link(self._file(digest), target)
        except FileNotFoundError:
            return False
        return True

    def take(self, file: BinaryIO, wanted: str | None = None) -> str | None:
        """Keep the content of an open file; its SHA-256, or None if that is not the one that it should have.

        What counts is the copy: whoever wrote the file may still change it.
        """
        digest = sha256()

        def copy(part: IO[bytes]) -> None:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
                part.write(chunk)

        def name() -> str | None:
            return digest.hexdigest() if wanted in (None, digest.hexdigest()) else None

        return self._write("files", name, copy)

    def find(self, key: str) -> Made | None:
        """The stage of this key, if all its files are here."""
        try:
            made = Made(**json.loads((self.folder / "stages" / key).read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return made if all(map(self.has, made.files.values())) else None

    def keep(self, key: str, made: Made) -> None:
        """Remember a stage whose files are here."""
        content = json.dumps(asdict(made)).encode()
        self._write("stages", lambda: key, lambda part: part.write(content))

    def use(self, key: str) -> None:
        """Count that a build uses a stage that another made, if there is room to count."""
        with suppress(OSError):
            (self.folder / "uses").mkdir(parents=True, exist_ok=True)
            with (self.folder / "uses" / key).open("ab") as uses:
                uses.write(b".")

    def uses(self, key: str) -> int:
        """How often the stage was used again since it was made."""
        try:
            return (self.folder / "uses" / key).stat().st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def turn(self, key: str, wait: Callable[[], object]) -> Iterator[None]:
        """Be the only one who makes this stage; while another does, `wait` is called again and again, and may raise."""
        (self.folder / "turns").mkdir(parents=True, exist_ok=True)
        with (self.folder / "turns" / key).open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    wait()
            yield

    def held(self) -> Held:
        """What is here."""
        keys = _names(self.folder / "stages")
        found = {key: made for key in keys if (made := self.find(key))}
        sizes = [path.stat().st_size for path in _paths(self.folder / "files")]
        return Held(found, len(sizes), sum(sizes))

    def weigh(self, made: Made) -> int:
        """The bytes of a stage's files."""
        return sum(self._file(each).stat().st_size for each in made.files.values() if self.has(each))

    def prune(self, size: int | None = None) -> int:
        """Let files go, those unused for longest first, until there are `size` bytes at most; the bytes that went.

        By default there may be as many as is set, and fewer where the disk would be full of them.
        """
        _sweep_parts(self.folder)
        facts = sorted((seen.st_mtime, seen.st_size, path) for path, seen in _seen(self.folder / "files"))
        held = sum(fact[1] for fact in facts)
        over = held - (min(self.size, held + self._spare()) if size is None else size)
        gone = 0
        for _, freed, path in facts:
            if gone >= over:
                break
            path.unlink(missing_ok=True)
            gone += freed
        for key in _names(self.folder / "stages"):
            if not self.find(key):
                for kind in ("stages", "uses"):
                    (self.folder / kind / key).unlink(missing_ok=True)
        self._sweep_turns()
        return gone

    def _spare(self) -> int:
        """The bytes that are free on the disk beyond those that builds need; negative if there are too few."""
        if not self.folder.is_dir():
            return 0
        disk = shutil.disk_usage(self.folder)
        return disk.free - min(RESERVE, disk.total // 10)

    def _sweep_turns(self) -> None:
        """Remove the locks of stages that nobody makes, and that are not there: their builds failed."""
        for path in _paths(self.folder / "turns"):
            if not self.find(path.name):
                with suppress(OSError), path.open("r") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()

    def _file(self, digest: str) -> Path:
        return self.folder / "files" / digest

    def _write(self, kind: str, name: Callable[[], str | None], write: Callable[[IO[bytes]], object]) -> str | None:
        """Write a file that then gets this name, if it is to have one; the name."""
        folder = self.folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=".", suffix=PART, delete=False) as part:
            try:
                write(part)
                part.flush()
                os.fsync(part.fileno())  # what has the name has the content, whatever becomes of the power
                os.fchmod(part.fileno(), 0o444)
                named = name()
                if named:
                    Path(part.name).replace(folder / named)
                return named
            finally:
                Path(part.name).unlink(missing_ok=True)


def link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where that is another disk. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o444)


def _names(folder: Path) -> list[str]:
    return [path.name for path in _paths(folder)]


def _paths(folder: Path) -> list[Path]:
    return [path for path in folder.glob("[!.]*") if path.is_file()] if folder.is_dir() else []


def _seen(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in _paths(folder):
        with suppress(FileNotFoundError):
            yield path, path.stat()


def _sweep_parts(folder: Path) -> None:
    for part in folder.glob(f"*/.*{PART}"):
        with suppress(FileNotFoundError):
            if part.stat().st_mtime < time.time() - STALE:
                part.unlink()
