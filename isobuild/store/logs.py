"""The logs of all builds: `LOGS/<build>.log`, and what a runner itself printed, `LOGS/<build>.runner`.

Beside them are two that are of no build: what hooks printed, and runners that wait for their build.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from isobuild.store.local import bytes_of, numbered

SUFFIXES = (".log", ".runner")
COMMON = ("hooks.log", "spare.runner")
LONG = 1 << 20  # bytes


class Logs:
    """Logs in one folder of this host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def owned(self) -> Iterable[int]:
        """The builds that have logs here."""
        files = self.folder.iterdir() if self.folder.is_dir() else ()
        return numbered(file.stem for file in files if file.suffix in SUFFIXES)

    def holds(self, build: int) -> bool:
        """Whether there is a log of this build."""
        return any(file.exists() for file in self._files(build))

    def size(self, build: int) -> int:
        """The bytes of a build's logs."""
        return sum(bytes_of(file) for file in self._files(build))

    def remove(self, build: int) -> None:
        """Remove the logs of a build; none is fine."""
        for file in self._files(build):
            file.unlink(missing_ok=True)

    def trim(self) -> None:
        """Let what is of no build begin anew when it is long; what was before that is kept once, as `NAME.old`."""
        for name in COMMON:
            file = self.folder / name
            if bytes_of(file) > LONG:
                with suppress(FileNotFoundError):  # another tick was here first
                    file.rename(file.with_name(f"{name}.old"))

    def _files(self, build: int) -> list[Path]:
        return [self.folder / f"{build}{suffix}" for suffix in SUFFIXES]
