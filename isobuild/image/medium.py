"""What a file says of itself as a medium: whether it is an ISO 9660 image, whether it is whole, and whether it is live.

The format: ECMA-119, https://ecma-international.org/publications-and-standards/standards/ecma-119/.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import unpack_from
from typing import BinaryIO

from isobuild.errors import BadInput

SECTOR = 2048  # bytes
FIRST = 16  # the sector of the first volume descriptor
PRIMARY = b"\x01CD001\x01"
ROOT = 156  # where the record of its root stands in the descriptor
SHORTEST = 34  # bytes of a record
LARGEST = 1 << 20  # bytes of a folder that are read
SQUASHFS = b"hsqs"  # how one begins


@dataclass(frozen=True, slots=True)
class Medium:
    """An ISO 9660 image: its label, and the bytes that it says to have."""

    label: str
    size: int


def look(file: Path) -> Medium:
    """Read the primary volume descriptor. Raises BadInput for what is no ISO, or is only the beginning of one."""
    try:
        with file.open("rb") as opened:
            opened.seek(FIRST * SECTOR)
            descriptor = opened.read(SECTOR)
            there = opened.seek(0, 2)
    except OSError as error:
        raise BadInput(field="FILE", given=str(file), allowed=f"an ISO that can be read ({error.strerror})") from None
    if len(descriptor) < SECTOR or not descriptor.startswith(PRIMARY):
        raise BadInput(field="FILE", given=str(file), allowed="an ISO 9660 image, which this is not")
    (sectors,) = unpack_from("<I", descriptor, 80)
    medium = Medium(descriptor[40:72].decode("ascii", "replace").strip(), sectors * SECTOR)
    if there < medium.size:
        allowed = f"a whole ISO: this has {there} of the {medium.size} bytes that it says to have"
        raise BadInput(field="FILE", given=str(file), allowed=allowed)
    return medium


@dataclass(frozen=True, slots=True)
class Record:
    """A file or a folder of the image: the sector at which it begins, and its bytes."""

    name: str
    sector: int
    size: int


def is_live(file: Path) -> bool:
    """Whether an ISO has a squashfs in its folder /live."""
    with file.open("rb") as opened:
        opened.seek(FIRST * SECTOR)
        root = _record(opened.read(SECTOR)[ROOT:])
        folders = (each for each in records(opened, root) if each.name.lower() == "live")
        return any(_begins(opened, each) for folder in folders for each in records(opened, folder))


def records(opened: BinaryIO, folder: Record) -> Iterator[Record]:
    """What is in a folder; none of its records goes over a sector's end."""
    opened.seek(folder.sector * SECTOR)
    data = opened.read(min(folder.size, LARGEST))
    place = 0
    while place < len(data):
        length = data[place]
        if length >= SHORTEST and place + length <= len(data):
            yield _record(data[place : place + length])
        place = place + length if length else (place // SECTOR + 1) * SECTOR


def _record(data: bytes) -> Record:
    (sector,), (size,) = unpack_from("<I", data, 2), unpack_from("<I", data, 10)
    return Record(data[33 : 33 + data[32]].decode("ascii", "replace"), sector, size)


def _begins(opened: BinaryIO, record: Record) -> bool:
    opened.seek(record.sector * SECTOR)
    return opened.read(len(SQUASHFS)) == SQUASHFS
