"""The log of a build: a line for each line of output, `TIME STREAM TEXT`.

TIME is UTC with microseconds (RFC 3339), STREAM is `out`, `err`, or `run` for the runner's own words. One
file keeps the streams together in their order; a filter on the second word takes them apart.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CHUNK = 4 << 20  # bytes that are read at a time


CONTROLS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")


class Line(NamedTuple):
    """A line of a log."""

    time: str
    stream: str
    text: str

    @property
    def plain(self) -> str:
        """The text without what would colour a terminal, or command it."""
        return CONTROLS.sub("", self.text)


def read(path: Path, offset: int = 0) -> tuple[list[Line], int]:
    """The whole lines of a log from byte `offset` on, and the offset after them. A missing log has none."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(CHUNK)
    except FileNotFoundError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    return list(_lines(whole)), offset + len(whole)


def _lines(data: bytes) -> Iterator[Line]:
    for raw in data.decode(errors="replace").split("\n")[:-1]:
        time, _, rest = raw.partition(" ")
        stream, _, text = rest.partition(" ")
        yield Line(time, stream, text)
