"""Writing a build's log, and hearing lines in what its commands print."""

from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from isobuild.image.secrets import Veil
from isobuild.store.log import Line

LONGEST = 8 << 10  # characters of one line that are kept
ENDING = 4000  # characters of the last lines, as a build's row keeps them


class Log:
    """Appends to a build's log until it has `limit` bytes, and remembers the last lines."""

    def __init__(self, path: Path, limit: int, veil: Veil | None = None) -> None:
        self.veil = veil or Veil()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._room = limit - self._file.tell()
        self._lock = Lock()
        self._last: deque[Line] = deque(maxlen=20)

    def write(self, stream: str, text: str) -> None:
        """Add a line, or several, with the time it came; without secrets."""
        with self._lock:
            time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            for part in self.veil.over(text).split("\n"):
                line = Line(time, stream, part[:LONGEST])
                self._last.append(line)
                self._append(line)

    def _append(self, line: Line) -> None:
        data = f"{' '.join(line)}\n".encode(errors="replace")
        if self._room <= 0:
            return
        self._room -= len(data)
        if self._room <= 0:
            data = f"{line.time} run The log is full: what comes now is not kept.\n".encode()
        with suppress(OSError):  # on a full disk the log has a gap; a build that nobody hears would hang
            self._file.write(data)

    def tail(self, count: int = 3, between: str = " / ") -> str:
        """The last lines, those of stderr if it said anything, as one text."""
        said = [line for line in self._last if line.stream != "run" and line.text.strip()]
        errors = [line for line in said if line.stream == "err"]
        return between.join(line.text.strip() for line in (errors or said)[-count:]) or "it printed nothing"

    def ending(self) -> str:
        """The last lines that the build said, as they came."""
        return "\n".join(line.text for line in self._last if line.stream != "run")[-ENDING:]

    def heard(self, stream: str) -> bool:
        """Whether that stream said anything lately."""
        return any(line.stream == stream for line in self._last)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Splitter:
    """Cuts a stream's chunks into lines at line feeds and carriage returns; an endless line is cut too."""

    def __init__(self) -> None:
        self._rest = ""
        self._after_return = False

    def feed(self, chunk: str) -> list[str]:
        """The lines that this chunk completes."""
        if self._after_return:  # which ended its line already
            chunk = chunk.removeprefix("\n")
        self._after_return = chunk.endswith("\r")
        *lines, self._rest = (self._rest + chunk).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if len(self._rest) > LONGEST:
            lines.append(self._rest)
            self._rest = ""
        return lines

    def end(self) -> list[str]:
        """What is left when the stream ends."""
        rest, self._rest = self._rest, ""
        return [rest] if rest else []
