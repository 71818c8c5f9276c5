"""SHA256SUMS, as `sha256sum -c` reads it: a line for each file, its digest and its name."""

import re
from collections.abc import Iterator, Mapping

LINE = re.compile(r"\\?([0-9a-fA-F]{64}) [ *](.+)")


def write(files: Mapping[str, str]) -> bytes:
    """The text for files (name -> SHA-256 in hexadecimal), in the order given."""
    return "".join(f"{digest}  {name}\n" for name, digest in files.items()).encode()


def read(text: str) -> dict[str, str]:
    """The files that it names, and their digests; other lines say nothing."""
    return dict(_lines(text))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if found := LINE.fullmatch(line):
            yield found[2].rpartition("/")[2], found[1].lower()
