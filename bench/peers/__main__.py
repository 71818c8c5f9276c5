"""`python -m bench.peers NAME URL FOLDER FD`: one worker, whose jobs write into FD the moment they are entered."""

import os
import struct
import sys
import time
from functools import partial
from pathlib import Path

from bench.peers.base import make


def note(fd: int) -> None:
    """Write down this moment, in seconds of the monotonic clock, which all processes share."""
    os.write(fd, struct.pack("d", time.monotonic()))


if __name__ == "__main__":
    kind, url, folder, fd = sys.argv[1:]
    make(kind, url, Path(folder), partial(note, int(fd))).work()
