"""The logs of all builds: `LOGS/<build>.log`, and what a runner itself printed, `LOGS/<build>.runner`."""

from collections.abc import Iterable
from pathlib import Path

SUFFIXES = (".log", ".runner")


class Logs:
    """Logs in one folder of this host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def owned(self) -> Iterable[int]:
        """The builds that have logs here."""
        files = self.folder.iterdir() if self.folder.is_dir() else ()
        return {int(file.stem) for file in files if file.suffix in SUFFIXES and file.stem.isdecimal()}

    def holds(self, build: int) -> bool:
        """Whether there is a log of this build."""
        return any(file.exists() for file in self._files(build))

    def size(self, build: int) -> int:
        """The bytes of a build's logs."""
        return sum(file.stat().st_size for file in self._files(build) if file.exists())

    def remove(self, build: int) -> None:
        """Remove the logs of a build; none is fine."""
        for file in self._files(build):
            file.unlink(missing_ok=True)

    def _files(self, build: int) -> list[Path]:
        return [self.folder / f"{build}{suffix}" for suffix in SUFFIXES]
