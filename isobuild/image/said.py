"""What some archives of packages said last, as apt keeps it: FOLDER/lists changes, FOLDER/said keeps its states."""

import shutil
from email.utils import parsedate_to_datetime
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path

from isobuild.image.snapshot import digest

HEAD = 40  # lines of a Release file, before the sums
STATES = 3  # of the Release files that are kept: whoever builds with the last but one still has it


class Said:
    """The lists of one set of archives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def releases(self) -> list[Path]:
        """The Release file of each archive that has said something."""
        return sorted((self.folder / "lists").glob("*Release"))

    def state(self) -> str:
        """A digest of all that they said last: equal ones offer the same packages."""
        return digest([(path.name, sha256(path.read_bytes()).hexdigest()) for path in self.releases()])

    def kept(self) -> list[Path]:
        """The same files under another name, if they were kept: these change no more, whatever is said later."""
        return sorted((self.folder / "said" / self.state()).glob("*"))

    def keep(self) -> None:
        """Give the Release files another name, too: apt replaces files, and does not change them."""
        said = self.folder / "said"
        kept = said / self.state()
        if not kept.exists():
            part = said / f".{kept.name}"
            part.mkdir(parents=True, exist_ok=True)
            for path in self.releases():
                (part / path.name).unlink(missing_ok=True)
                (part / path.name).hardlink_to(path)
            part.rename(kept)
        for old in sorted(said.iterdir(), key=lambda each: each.stat().st_ctime)[:-STATES]:
            shutil.rmtree(old, ignore_errors=True)

    def epoch(self) -> int:
        """The date of the oldest of Debian's releases: that of the main one, as updates come later. 0: none says it.

        Other archives count where there is none of Debian's: some have not changed for ten years.
        """
        dates: dict[str, list[int]] = {}
        for path in self.releases():
            with path.open(errors="replace") as file:
                told = dict(line.rstrip().split(": ", 1) for line in islice(file, HEAD) if ": " in line)
            if "Date" in told:
                date = int(parsedate_to_datetime(told["Date"]).timestamp())
                dates.setdefault(told.get("Origin", ""), []).append(date)
        return min(dates.get("Debian") or chain(*dates.values()), default=0)
