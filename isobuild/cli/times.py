"""Times as people type them."""

import re
from datetime import UTC, datetime, timedelta

from isobuild.errors import BadInput

SOON = re.compile(r"\+(\d{1,9})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
ALLOWED = (
    "a time such as '2026-11-22 03:00' (of this machine's zone), 2026-11-22T03:00:00Z, +90m, or seconds since 1970"
)


def read(field: str, text: str, now: datetime | None = None) -> datetime | None:
    """The moment that is meant, in UTC; None for an empty text. Raises BadInput.

    Without a zone it is the time of this machine's; `+90m` is from `now` on (s, m, h and d are understood).
    """
    text = text.strip()
    if not text:
        return None
    try:
        return _moment(text, now or datetime.now(UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise BadInput(field=field, given=text[:80], allowed=ALLOWED) from None


def _moment(text: str, now: datetime) -> datetime:
    if soon := SOON.fullmatch(text):
        return now + timedelta(**{UNITS[soon[2]]: int(soon[1])})
    if re.fullmatch(r"\d{9,11}(\.\d+)?", text):
        return datetime.fromtimestamp(float(text), UTC)
    return datetime.fromisoformat(text)
