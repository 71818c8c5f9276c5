"""When cron lines fire: in real cron's meaning, in any zone, also where the clocks change."""

import re
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isobuild.domain import cron
from isobuild.errors import BadInput

NOW = datetime(2026, 11, 21, 7, 0, 0, 123456, tzinfo=UTC)  # a Saturday
HOUR = timedelta(hours=1)
BERLIN = "Europe/Berlin"
SPRING = datetime(2026, 3, 28, 12, tzinfo=UTC)  # on the 29th 02:00 becomes 03:00, at 01:00 UTC
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=UTC)  # on the 25th 03:00 becomes 02:00, at 01:00 UTC

MEANINGS = {
    "*/15 * * * *": ["11-21 07:15", "11-21 07:30", "11-21 07:45"],
    "0 0 * * 0": ["11-22 00:00", "11-29 00:00", "12-06 00:00"],
    "0 0 * * 7": ["11-22 00:00", "11-29 00:00", "12-06 00:00"],  # Sunday too
    "0 0 13 * 5": ["11-27 00:00", "12-04 00:00", "12-11 00:00"],  # the 13th OR a Friday …
    "0 0 13 * FRI": ["11-27 00:00", "12-04 00:00", "12-11 00:00"],
    "0 0 */13 * 5": ["11-27 00:00", "01-01 00:00", "05-14 00:00"],  # … but AND where one of them begins with a star
    "30 4 1,15 dec *": ["12-01 04:30", "12-15 04:30", "12-01 04:30"],
    "0 22-23/1 21-22 11 *": ["11-21 22:00", "11-21 23:00", "11-22 22:00"],
    "0 0 L * *": ["11-30 00:00", "12-31 00:00", "01-31 00:00"],
    "0 3 * * MON#1": ["12-07 03:00", "01-04 03:00", "02-01 03:00"],
    "0 0 29 2 *": ["02-29 00:00", "02-29 00:00", "02-29 00:00"],
    "@hourly": ["11-21 08:00", "11-21 09:00", "11-21 10:00"],
    "@Daily": ["11-22 00:00", "11-23 00:00", "11-24 00:00"],
    "@weekly": ["11-22 00:00", "11-29 00:00", "12-06 00:00"],
    "@monthly": ["12-01 00:00", "01-01 00:00", "02-01 00:00"],
    "@yearly": ["01-01 00:00", "01-01 00:00", "01-01 00:00"],
}


@pytest.mark.parametrize("text", MEANINGS)
def test_a_line_means_what_it_means_to_cron(text: str) -> None:
    """S3.9: real cron's meaning, not APScheduler's."""
    assert [f"{at:%m-%d %H:%M}" for at in cron.parse(text, "UTC").next(NOW, 3)] == MEANINGS[text]


FIVE = "five fields, 'minute hour day-of-month month day-of-week'"
NO_LINES = {
    "": FIVE,
    "* * * *": FIVE,
    "0 * * * * *": FIVE,  # no seconds
    "@reboot": FIVE,
    "0 " + " " * 120 + "0 * * *": FIVE,
    "60 * * * *": "its minute '60' must be made of 0-59",
    "0 24 * * *": "its hour '24' must be made of 0-23",
    "0 0 0 * *": "its day-of-month '0' must be made of 1-31",
    "0 0 1 13 *": "its month '13' must be made of 1-12 or JAN-DEC",
    "0 0 * * 8": "its day-of-week '8' must be made of 0-7 or SUN-SAT",
    "0 0 * * mon-": "its day-of-week 'mon-'",
    "0 0 * * 5-1": "its day-of-week '5-1'",
    "*/0 * * * *": "its minute '*/0'",
    "0 0 31 2 *": "it never fires",
    "0 0 30 feb *": "it never fires",
    "0 0 31 4,6,9,11 *": "it never fires",
}


@pytest.mark.parametrize("text", NO_LINES)
def test_what_can_not_fire_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadInput, match=r"^cron: ") as refused:
        cron.parse(text, "UTC")
    assert NO_LINES[text] in str(refused.value)


def test_a_line_that_fires_never_as_it_turns_out() -> None:
    assert cron.parse("* * */20 * 1L", "UTC").first(NOW) is None  # the 1st or 21st, if it is the last Monday


@pytest.mark.parametrize(
    ("zone", "words"),
    [("asia/jakarta", "Asia/Jakarta"), ("Berlin", BERLIN), ("", "UTC"), ("../UTC", "UTC"), ("Europe", "Europe/")],
)
def test_a_zone_that_there_is_not_gives_the_nearest(zone: str, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        cron.parse("@daily", zone)
    assert str(refused.value).startswith(f"zone: {zone!r} can't be used: a name of the time zone database, such as ")
    assert words in str(refused.value)


@given(text=st.text(max_size=130) | st.text("*/-,0123456789 LWMON#@", max_size=20), zone=st.text(max_size=70))
def test_any_text_is_a_line_or_refused(text: str, zone: str) -> None:
    for line, place in ((text, "UTC"), ("@daily", zone)):
        try:
            assert cron.parse(line, place).first(NOW) != NOW
        except BadInput as error:
            assert error.field in {"cron", "zone"}


def test_hours_are_those_of_the_zone() -> None:
    (fire,) = cron.parse("0 3 * * *", "Asia/Jakarta").next(NOW, 1)
    assert (fire, fire.utcoffset()) == (datetime(2026, 11, 21, 20, tzinfo=UTC), timedelta(0))


PAGE = (Path(__file__).parents[2] / "docs/schedules.md").read_text()
ROW = re.compile(r"^\| `([^`]+)` \| ([\w/]+) \| (?:([-\d: ]{16}) \| )?([-+\d:, ]+) \|$", re.MULTILINE)


@pytest.mark.parametrize(("text", "zone", "after", "expected"), ROW.findall(PAGE))
def test_the_page_says_when_lines_fire(text: str, zone: str, after: str, expected: str) -> None:
    times = expected.split(", ")
    start = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone)) if after else NOW
    fires = [at.astimezone(ZoneInfo(zone)) for at in cron.parse(text, zone).next(start, len(times))]
    assert [at.isoformat(" ", "minutes")[: len(time)] for at, time in zip(fires, times, strict=True)] == times


def test_every_line_of_the_page_is_one() -> None:
    assert len(ROW.findall(PAGE)) == 11
    said = re.findall(r"schedule add \S+ '([^']+)' .*?(?:--zone (\S+))?", PAGE)
    assert said
    for text, zone in said:
        assert cron.parse(text, zone or "UTC").first(NOW)
    for text in re.findall(r"`(@\w+)`", PAGE):
        assert cron.parse(text, "UTC").first(NOW)
    with pytest.raises(BadInput, match="it never fires"):
        cron.parse("0 0 31 2 *", "UTC")
    assert "A line that never fires (`0 0 31 2 *`) is refused." in PAGE


# where the clocks change: Berlin, 2026. Times are UTC.

CHANGES = {
    "a set time is left out: at once after it": (SPRING, "30 2 * * *", ["29 01:00", "30 00:30", "31 00:30"]),
    "two of them: once": (SPRING, "0,30 2 * * *", ["29 01:00", "30 00:00", "30 00:30"]),
    "each hour: by the clock on the wall": (SPRING, "30 1-3 * * *", ["29 00:30", "29 01:00", "29 01:30"]),
    "a star: what is left out is left out": (SPRING, "*/30 2-3 * * *", ["29 01:00", "29 01:30", "30 00:00"]),
    "a set time comes twice: the first": (AUTUMN, "30 2 * * *", ["25 00:30", "26 01:30", "27 01:30"]),
    "a star: both": (AUTUMN, "*/30 2 * * *", ["25 00:00", "25 00:30", "25 01:00", "25 01:30", "26 01:00"]),
}


@pytest.mark.parametrize("what", CHANGES)
def test_summer_time_as_debians_cron_has_it(what: str) -> None:
    start, text, expected = CHANGES[what]
    assert [f"{at:%d %H:%M}" for at in cron.parse(text, BERLIN).next(start, len(expected))] == expected


@pytest.mark.parametrize("minutes", [0, 5, 29, 31, 45, 59])
def test_in_the_hour_that_comes_again_nothing_comes_again(minutes: int) -> None:
    again = datetime(2026, 10, 25, 1, minutes, 0, 1, tzinfo=UTC)
    assert cron.parse("30 2 * * *", BERLIN).first(again) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    assert cron.parse("30 2 * * *", BERLIN).latest(again - HOUR, again) == (
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC) if minutes < 30 else None
    )


ZONES = st.sampled_from(["UTC", BERLIN, "America/New_York", "America/Santiago", "Asia/Beirut", "Asia/Kolkata"])
LINES = st.sampled_from(["*/20 * * * *", "5 * * * *", "* 0 * * *", "*/30 */2 * * 6,0", "30 2 * * *", "0 0,3 * * *"])
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
CHANGING = MOMENTS | st.sampled_from([SPRING, AUTUMN]).flatmap(
    lambda day: st.integers(0, 24 * 60).map(lambda minutes: day + timedelta(minutes=minutes))
)


@given(zone=ZONES, text=LINES, start=CHANGING, hours=st.integers(0, 60))
@example(zone=BERLIN, text="30 2 * * *", start=AUTUMN + timedelta(hours=12, minutes=45), hours=1)
def test_the_fires_are_the_same_from_wherever_they_are_looked_at(
    zone: str, text: str, start: datetime, hours: int
) -> None:
    line, middle, end = cron.parse(text, zone), start + hours * HOUR, start + 72 * HOUR
    fires = list(takewhile(lambda at: at <= end, line.fires(start)))
    assert all(start < at for at in fires)
    assert fires == sorted(set(fires))
    assert list(takewhile(lambda at: at <= end, line.fires(middle))) == [at for at in fires if at > middle]
    assert line.latest(start, end) == max(fires, default=None)
    assert line.latest(start, middle) == max((at for at in fires if at <= middle), default=None)


@given(zone=ZONES, start=CHANGING)
def test_a_line_with_a_star_goes_by_the_clock_on_the_wall(zone: str, start: datetime) -> None:
    start = start.replace(minute=0, second=0, microsecond=0)
    looks = [start + number * timedelta(minutes=10) for number in range(1, 200)]
    walls = {at: at.astimezone(ZoneInfo(zone)) for at in looks}
    expected = [at for at, wall in walls.items() if wall.hour in {0, 2, 3} and wall.minute % 20 == 0]
    fires = cron.parse("*/20 0,2,3 * * *", zone).fires(start)
    assert list(takewhile(lambda at: at <= looks[-1], fires)) == expected
