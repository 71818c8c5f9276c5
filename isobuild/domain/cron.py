"""Cron lines: when one fires, in its time zone and in real cron's meaning.

CronSim follows Debian's cron(8), also where the clocks change: what runs at set times runs once (what falls into the
hour that is left out, right after it; what falls into the hour that comes twice, the first time), and what runs each
hour or oftener, by `*`, goes by the clock on the wall.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

from isobuild.errors import BadInput

#: the five fields, and what each may hold
FIELDS = {
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31, L for the last or LW for the last weekday",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 or SUN-SAT, 5L for the last Friday or MON#2 for the second Monday",
}
NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
LONGEST = 120  # characters of a line
NEVER = "it never fires: within 50 years there is no such day"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that can fire: its five fields, and where their hours are counted."""

    fields: str
    zone: tzinfo

    def fires(self, after: datetime) -> Iterator[datetime]:
        """Its fires later than `after`, in UTC."""
        from cronsim import CronSim

        for at in CronSim(self.fields, after.astimezone(self.zone)):
            if (fire := at.astimezone(UTC)) > after:  # it may begin in the hour that comes twice, with the first one
                yield fire

    def first(self, after: datetime) -> datetime | None:
        """Its next fire later than `after`, in UTC; None if there is none within 50 years."""
        return next(self.fires(after), None)

    def next(self, after: datetime, count: int) -> list[datetime]:
        """Its next fires later than `after`, in UTC."""
        return list(islice(self.fires(after), count))

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        """Its last fire later than `after` and not later than `until`, in UTC: a look further and further back."""
        back = timedelta(hours=1)
        while after < until:
            start = max(after, until - back)
            last = self._last(start, until)
            if last or start == after:
                return last
            back *= 4
        return None

    def _last(self, after: datetime, until: datetime) -> datetime | None:
        last = None
        for at in self.fires(after):
            if at > until:
                break
            last = at
        return last


def parse(text: str, zone: str) -> Line:
    """The line that `text` is, in a time zone of that name. Raises BadInput."""
    place = _zone(zone)
    fields = NICKNAMES.get(text.strip().lower(), text).split()
    if len(text) > LONGEST or len(fields) != len(FIELDS):
        names = ", ".join(NICKNAMES)
        allowed = f"five fields, '{' '.join(FIELDS)}', as crontab(5) has them, or one of {names}"
        raise BadInput(field="cron", given=text[:LONGEST], allowed=allowed)
    for name, field in zip(FIELDS, fields, strict=True):
        if not _is_valid(field if name == each else "*" for each in FIELDS):
            raise BadInput(field="cron", given=text, allowed=f"its {name} {field!r} must be made of {FIELDS[name]}")
    if not _is_valid(fields):  # each by itself is, but no month is so long
        raise BadInput(field="cron", given=text, allowed=NEVER)
    return Line(" ".join(fields), place)


def _is_valid(fields: Iterable[str]) -> bool:
    from cronsim import CronSim, CronSimError

    try:
        CronSim(" ".join(fields), datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return True


def _zone(name: str) -> tzinfo:
    if name == "UTC":  # which needs no database
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise BadInput(field="zone", given=name[:80], allowed=_zones(name)) from None


def _zones(name: str) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    there = {zone.lower(): zone for zone in available_timezones()}
    if not there:
        return "UTC; there are no others on this machine (install Debian's package tzdata)"
    close = [there[zone] for zone in get_close_matches(name.lower(), there, 3)]
    return f"a name of the time zone database, such as {', '.join(close or ['UTC', 'Asia/Jakarta', 'Europe/Berlin'])}"
