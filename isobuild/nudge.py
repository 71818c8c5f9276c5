"""A nudge wakes the daemon of a home at once: a byte in a named pipe. It is a hint; the clock is the truth."""

import contextlib
import os
import select
import stat
from pathlib import Path


def send(pipe: Path) -> bool:
    """Wake the daemon that listens on the pipe; False if there is none."""
    try:
        opened = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # no pipe, or nobody who reads it
        return False
    try:
        return stat.S_ISFIFO(os.fstat(opened).st_mode) and _write(opened)
    finally:
        os.close(opened)


def _write(opened: int) -> bool:
    try:
        os.write(opened, b".")
    except BlockingIOError:  # full of nudges: it will wake
        return True
    except OSError:  # who read it has just ended
        return False
    return True


class Listener:
    """The daemon's end of the pipe; what else has its name makes room for it."""

    def __init__(self, pipe: Path) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(pipe, 0o600)
        if not pipe.is_fifo():  # a copy of a home may have made a file of it, which would wake the daemon for ever
            pipe.unlink()
            os.mkfifo(pipe, 0o600)
        # open for writing too: without a writer, the pipe would be at its end for ever
        self._end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)

    def wait(self, seconds: float) -> bool:
        """Wait for a nudge, `seconds` at most; whether one came. Several at once are one."""
        ready, _, _ = select.select([self._end], [], [], seconds)
        if ready:
            os.read(self._end, 1 << 16)
        return bool(ready)

    def close(self) -> None:
        """Stop listening."""
        os.close(self._end)
