"""What a loop hears from outside: to end, to give back what it carries, to read its settings again."""

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress

from isobuild.runner.interrupt import Interrupt


class Bell:
    """Rung by signals, whose handlers only note what was said; the loop looks when it may.

    `say` prints a line, and may be called at any moment, in the middle of another line's printing too.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self.say = say
        self.interrupt = Interrupt()  # of the build in hand
        self.end: str | None = None  # the signal that said so
        self.reread = False
        self._awake, self._wake = os.pipe()
        for end in (self._awake, self._wake):
            os.set_blocking(end, False)

    def listen(self) -> None:
        """Hear the signals of this process: SIGTERM and SIGINT end it, once in order, twice at once; SIGHUP."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        signal.signal(signal.SIGHUP, self._reread)

    def wait(self, seconds: float) -> bool:
        """Wait for a signal, `seconds` at most; whether one came."""
        rung, _, _ = select.select([self._awake], [], [], seconds)
        if rung:
            os.read(self._awake, 1 << 16)
        return bool(rung)

    def _end(self, number: int, _: object) -> None:
        name = signal.Signals(number).name
        if self.end:
            self.interrupt.ask("release", f"given back: its runner was told to end ({name})")
            self.say(f"told again ({name}): a build in hand is given back")
        else:
            self.end = name
            self.say(f"told to end ({name}): a build in hand is finished first; told again, it is given back")
        self._ring()

    def _reread(self, _number: int, _: object) -> None:
        self.reread = True
        self._ring()

    def _ring(self) -> None:
        with suppress(BlockingIOError):  # it was rung often enough to be heard
            os.write(self._wake, b".")
