"""Times as people type them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from isobuild.cli import times
from isobuild.errors import BadInput

NOW = datetime(2026, 11, 21, 7, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(autouse=True)
def jakarta(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine seven hours east of Greenwich."""
    monkeypatch.setenv("TZ", "Asia/Jakarta")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22 03:00", datetime(2026, 11, 21, 20, 0, tzinfo=UTC)),
        ("2026-11-22T03:00:30", datetime(2026, 11, 21, 20, 0, 30, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 21, 17, 0, tzinfo=UTC)),
        ("2026-11-22T03:00Z", datetime(2026, 11, 22, 3, 0, tzinfo=UTC)),
        ("2026-11-22 03:00:00.5+02:00", datetime(2026, 11, 22, 1, 0, 0, 500000, tzinfo=UTC)),
        ("1795316400", datetime(2026, 11, 22, 3, 0, tzinfo=UTC)),
        ("1795316400.25", datetime(2026, 11, 22, 3, 0, 0, 250000, tzinfo=UTC)),
        ("+30s", NOW + timedelta(seconds=30)),
        ("+90m", NOW + timedelta(minutes=90)),
        (" +2h ", NOW + timedelta(hours=2)),
        ("+7d", NOW + timedelta(days=7)),
    ],
)
def test_a_time_is_understood(text: str, moment: datetime) -> None:
    """S2.15: a date and time of this machine's zone, ISO 8601, seconds since 1970, or a while from now."""
    found = times.read("at", text, NOW)
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC


def test_no_time_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """S2.15, S1.5: nothing means at once."""
    assert times.read("at", "", NOW) is None
    assert times.read("at", " ", NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        "soon", "tomorrow 03:00", "03:00", "2026-13-01", "2026-02-30", "2026-11-22 25:00", "22.11.2026", "+90", "90m",
        "-5m", "+1.5h", "+5w", "+999999999d", "123456789012", "12345678", "nan", "0001-01-01", "9999-12-31T23:59-12:00",
        "2026-11-22 03:00 CET", "\0", "x" * 999,
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(BadInput, match=r"^until: .* can't be used: a time such as '2026-11-22 03:00'") as wrong:
        times.read("until", text, NOW)
    assert len(str(wrong.value)) < 300
