"""What is in a file that somebody brought, as its first bytes tell: whether it is what an option asks for.

Nothing is unpacked, and only as much is read as tells it at once: a build may still find that it is damaged.
"""

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from isobuild.errors import BadInput, HostFault
from isobuild.image import medium

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
ZSTD = b"\x28\xb5\x2f\xfd"
INTERLACED = 28  # the byte of a PNG that says whether it is (https://www.w3.org/TR/png-3/#11IHDR)
#: of a JPEG's markers (ITU-T T.81, table B.1): frames but three that are none, those without a length, start of scan
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
BARE = frozenset(range(0xD0, 0xD8)) | {0x01}
BASELINE, SCAN, FILL = 0xC0, 0xDA, 0xFF
PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
NONE = (tarfile.TarError, EOFError, ValueError, zlib.error, lzma.LZMAError)
FAR = 16 << 20  # bytes of an archive, unpacked, that are looked at
THEME = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*")

PICTURE = "a PNG or JPEG picture, which this is not"
SHOWN = "a picture that GRUB can show: a PNG that is not interlaced, or a JPEG that is not progressive"
ARCHIVE = "a tar archive, which this is not"
TREE = "a tar archive of folders, files and links, without absolute paths and '..' in it"
ONE_FOLDER = "a tar archive that holds one folder, with the theme's name: letters, digits, '.', '_', '+' and '-'"
LIVE = "an ISO with a live system of Debian's kind, and this has no squashfs in /live"


def objection(kind: str, file: Path) -> str:
    """What is allowed, if the file is not of this kind; else nothing. Raises HostFault."""
    if kind not in KINDS:
        raise HostFault(what=f"A recipe asks for a file that holds {kind!r}, which is none of {', '.join(KINDS)}.")
    try:
        return KINDS[kind](file)
    except OSError as error:
        return f"a file that can be read ({error.strerror})"


def _picture(file: Path) -> str:
    with file.open("rb") as opened:
        return "" if opened.read(len(PNG)).startswith((PNG, JPEG)) else PICTURE


def _menu_picture(file: Path) -> str:
    if words := _picture(file):
        return words
    with file.open("rb") as opened:
        head = opened.read(INTERLACED + 1)
        shown = head[INTERLACED:] == b"\0" if head.startswith(PNG) else frame(opened) == BASELINE
    return "" if shown else SHOWN


def frame(opened: BinaryIO) -> int | None:
    """The marker of a JPEG's first frame, which tells how it is coded; None if it has none."""
    opened.seek(2)
    while len(marker := opened.read(2)) == 2 and marker[0] == FILL and marker[1] != SCAN:
        code = marker[1]
        if code in FRAMES:
            return code
        if code == FILL:
            opened.seek(-1, 1)
        elif code not in BARE:
            opened.seek(max(0, int.from_bytes(opened.read(2)) - 2), 1)
    return None


def _theme(file: Path) -> str:
    if _is_zstd(file):
        return ""
    try:
        paths = [PurePosixPath(member.name).parts for member in _members(file)]
    except NONE:
        return ARCHIVE
    tops = {path[0] for path in paths if path}
    is_one = len(tops) == 1 and THEME.fullmatch(min(tops)) and any(len(path) > 1 for path in paths)
    return "" if is_one else ONE_FOLDER


def _tree(file: Path) -> str:
    if _is_zstd(file):
        return ""
    try:
        members = list(_members(file))
    except NONE:
        return ARCHIVE
    return "" if members and all(map(_is_of_a_tree, members)) else TREE


def _is_of_a_tree(member: tarfile.TarInfo) -> bool:
    path = PurePosixPath(member.name)
    inside = not path.is_absolute() and ".." not in path.parts
    return inside and (member.isfile() or member.isdir() or member.issym() or member.islnk())


def _is_zstd(file: Path) -> bool:
    """Whether it is packed so: the build's tar can read it, Python's can't."""
    with file.open("rb") as opened:
        return opened.read(len(ZSTD)) == ZSTD


def _members(file: Path) -> Iterator[tarfile.TarInfo]:
    """What is in an archive, as far as that is looked at: a few KiB of it may be GiB, unpacked."""
    data = _unpacked(file)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        try:
            yield from archive
        except tarfile.ReadError:
            if len(data) < FAR:
                raise


def _unpacked(file: Path) -> bytes:
    with file.open("rb") as opened:
        head = opened.read(8)
    unpack: Any = next((unpack for magic, unpack in PACKED.items() if head.startswith(magic)), open)
    try:
        with unpack(file, "rb") as opened:
            return bytes(opened.read(FAR))
    except OSError as error:
        if error.errno is None:  # it is what is in it that can't be read
            raise EOFError from None
        raise


def _live_iso(file: Path) -> str:
    try:
        medium.look(file)
    except BadInput as error:
        return str(error.facts["allowed"])
    return "" if medium.is_live(file) else LIVE


KINDS: Mapping[str, Callable[[Path], str]] = {
    "picture": _picture,
    "menu-picture": _menu_picture,
    "theme": _theme,
    "tree": _tree,
    "live-iso": _live_iso,
}
