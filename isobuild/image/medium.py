"""What a file says of itself as a medium: whether it is an ISO 9660 image, and whether it is whole.

The format: ECMA-119, https://ecma-international.org/publications-and-standards/standards/ecma-119/.
"""

from dataclasses import dataclass
from pathlib import Path
from struct import unpack_from

from isobuild.errors import BadInput

SECTOR = 2048  # bytes
FIRST = 16  # the sector of the first volume descriptor
PRIMARY = b"\x01CD001\x01"


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
