"""What is in an ISO: its own files, and those of the systems that it holds as squashfs, read where they lie.

Nothing is mounted or unpacked, and no rights are needed: xorriso tells where each file begins, and unsquashfs reads a
squashfs from there. Several of them, in one folder, are layers: stacked in the order of their names, as live-boot does.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import sh

from isobuild.errors import BadInput, HostFault
from isobuild.image import medium
from isobuild.image.upstream import identity

MAGIC = b"hsqs"  # of a squashfs
SECTOR = medium.SECTOR
EXTENT = re.compile(r"File data lba:\s*(\d+) ,\s*(\d+) ,\s*(\d+) ,\s*(\d+) , '(.*)'", re.DOTALL)
LISTED = re.compile(r"([bcdlps-][rwxsStT-]{9}) (\S+)/(\S+)\s+(\d+(?:,\s*\d+)?) \S+ \S+ squashfs-root(/.*)?")
WHITEOUT = ("c", "0, 0")
STATUS, RELEASE = "var/lib/dpkg/status", "usr/lib/os-release"
LIMIT = 900  # seconds
ENV = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a system: `kind` and rights as `ls` shows them, owner, bytes, and where a link leads."""

    mode: str
    owner: str
    size: int = 0
    target: str = ""


@dataclass(frozen=True, slots=True)
class Extent:
    """A file of the medium: its bytes, and at which of the ISO's it begins."""

    size: int
    at: int


@dataclass(frozen=True)
class Contents:
    """All that is in an ISO, by path."""

    iso: Path
    label: str
    size: int
    files: Mapping[str, Extent]
    """Of the medium itself."""
    system: Mapping[str, Entry] = field(default_factory=dict)
    """Of the system that it starts; empty if it holds none as squashfs."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """The Debian packages of that system: name -> version."""


def read(iso: Path) -> Contents:
    """Read an ISO. Raises BadInput for what is none, or can't be read, and HostFault if a tool is missing."""
    looked = medium.look(iso)
    files = _extents(iso)
    system: dict[str, Entry] = {}
    packages: dict[str, str] = {}
    for layer in _layers(iso, files):
        offset = files[layer].at
        system = stack(system, _list(iso, offset))
        packages = installed(_inside(iso, offset, STATUS).get(STATUS, "")) or packages
    return Contents(iso, looked.label, iso.stat().st_size, files, system, packages)


@dataclass(frozen=True, slots=True)
class Base:
    """What the system of an ISO has that more comes on top of: dpkg's status, and what its os-release(5) says."""

    status: str
    release: Mapping[str, str]


def base(iso: Path) -> Base:
    """What an ISO's system has; read once for each ISO. Raises BadInput, HostFault, OSError."""
    return _base(iso, *identity(iso))


@lru_cache(maxsize=4)
def _base(iso: Path, *_identity: int) -> Base:
    files = _extents(iso)
    found: dict[str, str] = {}
    for layer in _layers(iso, files):
        found |= _inside(iso, files[layer].at, STATUS, RELEASE)
    lines = (line.partition("=") for line in found.get(RELEASE, "").splitlines())
    return Base(found.get(STATUS, ""), {name: value.strip('"') for name, _, value in lines})


def stack(below: Mapping[str, Entry], above: Mapping[str, Entry]) -> dict[str, Entry]:
    """One layer over another; a whiteout takes away what is below it (the kernel's overlayfs)."""
    gone = {path for path, entry in above.items() if (entry.mode[0], entry.target) == WHITEOUT}
    hidden = gone | {path for path in above if path in below and _is_folder(below[path]) > _is_folder(above[path])}
    kept = {path: entry for path, entry in below.items() if not _is_below(path, hidden)}
    return kept | {path: entry for path, entry in above.items() if path not in gone}


def parse(listing: str) -> dict[str, Entry]:
    """What `unsquashfs -lln` prints, by path from the root."""
    return dict(_entries(listing.splitlines()))


def digest(iso: Path, extent: Extent) -> str:
    """SHA-256, in hexadecimal, of a file of the medium."""
    found, left = sha256(), extent.size
    with iso.open("rb") as file:
        file.seek(extent.at)
        while left and (chunk := file.read(min(left, 1 << 20))):
            found.update(chunk)
            left -= len(chunk)
    return found.hexdigest()


def _extents(iso: Path) -> dict[str, Extent]:
    said = _run(iso, "xorriso", "-report_about", "WARNING", "-indev", f"stdio:{iso}", "-find", "/", "-type", "f",
                "-exec", "report_lba", "--")  # fmt: skip
    found: dict[str, Extent] = {}
    for line in said.splitlines():
        if match := EXTENT.fullmatch(line):
            number, start, _, size, path = match.groups()
            if number == "0":  # the others of a large file follow it
                found[_plain(path)] = Extent(int(size), int(start) * SECTOR)
    return found


def _plain(quoted: str) -> str:
    """A path as xorriso quotes it for a shell, within its quotes."""
    return quoted.replace("'\"'\"'", "'")


def _layers(iso: Path, files: Mapping[str, Extent]) -> list[str]:
    """The squashfs files that the system is stacked of: those of the folder that has most of them, in bytes."""
    folders: dict[PurePosixPath, list[str]] = {}
    with iso.open("rb") as file:
        for path, extent in files.items():
            if extent.size > len(MAGIC) and _begins(file, extent.at):
                folders.setdefault(PurePosixPath(path).parent, []).append(path)
    return sorted(max(folders.values(), key=lambda paths: sum(files[path].size for path in paths), default=[]))


def _begins(file: Any, at: int) -> bool:
    file.seek(at)
    return bool(file.read(len(MAGIC)) == MAGIC)


def _list(iso: Path, offset: int) -> dict[str, Entry]:
    return parse(_run(iso, "unsquashfs", "-lln", "-o", offset, iso))


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, Entry]]:
    for line in lines:
        if not (match := LISTED.fullmatch(line)):
            continue
        mode, user, group, size, path = match.groups(default="/")
        device = mode[0] in "bc"
        name, _, target = path.partition(" -> ") if mode[0] == "l" else (path, "", "")
        told = re.sub(r",\s*", ", ", size) if device else target
        yield name, Entry(mode, f"{user}:{group}", 0 if device or mode[0] == "d" else int(size), told)


def _inside(iso: Path, offset: int, *paths: str) -> dict[str, str]:
    """The texts of those of these files that a layer has."""
    with TemporaryDirectory(prefix="isobuild-contents-") as scratch:
        place = Path(scratch) / "root"
        _run(iso, "unsquashfs", "-n", "-no-xattrs", "-o", offset, "-d", place, iso, *paths)
        there = (path for path in paths if (place / path).is_file() and not (place / path).is_symlink())
        return {path: (place / path).read_text(errors="replace") for path in there}


def installed(status: str) -> dict[str, str]:
    """The packages that a dpkg status file has as installed; a second one of a name as `name:architecture`."""
    found: dict[str, str] = {}
    for paragraph in status.split("\n\n"):
        facts = dict(line.partition(": ")[::2] for line in paragraph.splitlines() if line[:1] not in {" ", ""})
        if facts.get("Status", "").endswith(" installed"):
            name = facts.get("Package", "")
            found[name if name not in found else f"{name}:{facts.get('Architecture', '')}"] = facts.get("Version", "")
    return found


def _run(iso: Path, program: str, *arguments: object) -> str:
    try:
        return str(sh.Command(program)(*arguments, _env=ENV, _tty_out=False, _timeout=LIMIT, _decode_errors="replace"))
    except sh.CommandNotFound as error:
        raise HostFault(what=f"{error} is not installed.") from None
    except (sh.ErrorReturnCode, sh.TimeoutException) as error:
        said = getattr(error, "stderr", b"").decode(errors="replace").strip().splitlines()
        why = said[-1][:200] if said else "it takes too long"
        raise BadInput(field="FILE", given=str(iso), allowed=f"an ISO whose contents can be read ({why})") from None


def _is_folder(entry: Entry) -> bool:
    return entry.mode[0] == "d"


def _is_below(path: str, hidden: set[str]) -> bool:
    parts = path.split("/")
    return bool(hidden) and any("/".join(parts[:end]) in hidden for end in range(2, len(parts) + 1))
