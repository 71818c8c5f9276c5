"""What is due once in a while: by the time of a file."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from isobuild.nightly import NIGHT, Nightly

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def nightly(tmp_path: Path) -> Nightly:
    return Nightly(tmp_path / "updates", DAY)


def dues(nightly: Nightly, hours: int) -> list[datetime]:
    """When it was found due, looking each minute, and taken care of."""
    found = []
    for minute in range(hours * 60):
        now = NOW + minute * MINUTE
        if nightly.is_due(now):
            nightly.done(now)
            found.append(now)
    return found


def test_it_is_due_once_each_night(nightly: Nightly) -> None:
    found = dues(nightly, 72)
    assert [each.astimezone().hour for each in found] == [NIGHT] * 3
    assert {second - first for first, second in pairwise(found)} == {DAY}


def test_a_new_home_has_nothing_due(nightly: Nightly) -> None:
    assert not nightly.is_due(NOW)
    assert not nightly.is_due(NOW + MINUTE)


def test_what_was_missed_is_made_up_for_once(nightly: Nightly) -> None:
    nightly.is_due(NOW)
    late = NOW + 10 * DAY
    assert nightly.is_due(late)
    nightly.done(late)
    assert not nightly.is_due(late + MINUTE)
    assert nightly.is_due(late + DAY)


def test_it_stays_due_until_it_is_done(nightly: Nightly) -> None:
    nightly.is_due(NOW)
    assert nightly.is_due(NOW + DAY)
    assert nightly.is_due(NOW + DAY + MINUTE)
