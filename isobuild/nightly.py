"""What is done once in a while, and if it may be at night: a file's time says when it was due last."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

NIGHT = 3  # o'clock, by this machine's clock


@dataclass(frozen=True, slots=True)
class Nightly:
    """Due each `period` from the first night on."""

    file: Path
    period: timedelta

    def is_due(self, now: datetime) -> bool:
        """Whether it is; a look at one file."""
        try:
            return self.file.stat().st_mtime + self.period.total_seconds() <= now.timestamp()
        except FileNotFoundError:
            self._note(_night(now) - self.period)
            return False

    def done(self, now: datetime) -> None:
        """It is taken care of: due again a period after it was due, or after `now` if that is past."""
        due = self.file.stat().st_mtime + self.period.total_seconds()
        late = now.timestamp() - due >= self.period.total_seconds()
        self._note(now if late else datetime.fromtimestamp(due, now.tzinfo))

    def _note(self, at: datetime) -> None:
        self.file.touch()
        os.utime(self.file, (at.timestamp(), at.timestamp()))


def _night(now: datetime) -> datetime:
    """The next night."""
    local = now.astimezone()
    night = local.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return night if night > local else night + timedelta(days=1)
