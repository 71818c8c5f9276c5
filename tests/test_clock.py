"""The clock ticks at once, by the minute and by a nudge; whatever a tick raises, it goes on and says so once."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from isobuild import clock, nudge
from isobuild.clock import Clock
from isobuild.errors import DatabaseDown
from isobuild.tick import Ticked

IDLE = Ticked(reaped=0, enqueued=0, launched=0, pruned=0)
PATIENCE = 30.0


class Ticks:
    """A tick that notes its times, and raises what it is told to."""

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self.failure: Exception | None = None
        self.result = IDLE

    def __call__(self, now: datetime) -> Ticked:
        self.times.append(now)
        if self.failure:
            raise self.failure
        return self.result


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    return tmp_path / "nudge"


@contextmanager
def running(tick: Callable[[datetime], Ticked], pipe: Path) -> Iterator[Clock]:
    clock = Clock(tick, pipe)
    clock.start()
    yield clock
    clock.stop()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def nudge_until_ticked(ticks: Ticks, pipe: Path) -> None:
    before = len(ticks.times)
    nudge.send(pipe)
    wait_for(lambda: len(ticks.times) > before)


def test_it_ticks_at_once_with_the_time_in_utc(ticks: Ticks, pipe: Path) -> None:
    began = datetime.now(UTC)
    with running(ticks, pipe):
        wait_for(lambda: ticks.times)
    assert began <= ticks.times[0] <= datetime.now(UTC)
    assert ticks.times[0].utcoffset() == timedelta(0)


def test_a_nudge_ticks(ticks: Ticks, pipe: Path) -> None:
    with running(ticks, pipe):
        wait_for(lambda: ticks.times)
        for _ in range(3):
            nudge_until_ticked(ticks, pipe)


def test_a_nudge_during_a_tick_is_not_lost(pipe: Path) -> None:
    times: list[datetime] = []
    in_hand, go_on = Event(), Event()

    def tick(now: datetime) -> Ticked:
        times.append(now)
        in_hand.set()
        assert go_on.wait(PATIENCE)
        return IDLE

    with running(tick, pipe):
        assert in_hand.wait(PATIENCE)
        nudge.send(pipe)
        nudge.send(pipe)
        go_on.set()
        wait_for(lambda: len(times) == 2)


def test_each_minute_at_second_0_and_no_late_fire_is_dropped(ticks: Ticks, pipe: Path) -> None:
    """S0.8: every minute, by the daemon."""
    with running(ticks, pipe) as clock:
        (job,) = clock._scheduler.get_jobs()
        assert (job.coalesce, job.max_instances, job.misfire_grace_time) == (True, 1, None)
        assert job.next_run_time.utcoffset() == timedelta(0)
        moment, fires = datetime(2026, 3, 29, 0, 58, 59, 1, tzinfo=UTC), []
        for _ in range(4):
            moment = job.trigger.get_next_fire_time(moment, moment)
            fires.append(moment.isoformat())
            moment += timedelta(microseconds=1)
    assert fires == [f"2026-03-29T{time}:00+00:00" for time in ("00:59", "01:00", "01:01", "01:02")]


def test_the_minute_ticks(ticks: Ticks, pipe: Path) -> None:
    with running(ticks, pipe) as clock:
        wait_for(lambda: ticks.times)
        (job,) = clock._scheduler.get_jobs()
        job.modify(next_run_time=datetime.now(UTC) - timedelta(hours=5))  # as after a long sleep: late, and not dropped
        wait_for(lambda: len(ticks.times) == 2)


def test_silence_ticks(ticks: Ticks, pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "SILENCE", 0.05)
    with running(ticks, pipe) as silent:
        silent._scheduler.pause()  # as a step back of the time would
        wait_for(lambda: len(ticks.times) >= 3)


def test_an_outage_does_not_end_it_and_is_said_once(ticks: Ticks, pipe: Path, caplog: pytest.LogCaptureFixture) -> None:
    ticks.failure = DatabaseDown(why="connection refused")
    with running(ticks, pipe):
        wait_for(lambda: ticks.times)
        for _ in range(3):
            nudge_until_ticked(ticks, pipe)
        ticks.failure = None
        for _ in range(3):
            nudge_until_ticked(ticks, pipe)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == [
        "The database can't be reached: connection refused The tick goes on trying.",
        "The tick works again.",
    ]


def test_each_outage_is_said_anew(ticks: Ticks, pipe: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(ticks, pipe):
        wait_for(lambda: ticks.times)
        for _ in range(2):
            for failure in (DatabaseDown(why="away"), None):
                ticks.failure = failure
                nudge_until_ticked(ticks, pipe)
    assert [record.getMessage().rpartition(" The tick ")[2] for record in caplog.records] == [
        "goes on trying.",
        "The tick works again.",
    ] * 2


def test_anything_else_does_not_end_it_and_is_said_with_its_traceback(
    ticks: Ticks, pipe: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ticks.failure = ZeroDivisionError("a fault of our own")
    with running(ticks, pipe):
        wait_for(lambda: ticks.times)
        for _ in range(3):
            nudge_until_ticked(ticks, pipe)
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "a fault of our own" in caplog.text
    assert "Traceback" in caplog.text
    assert len(said) == 1


def test_what_a_tick_did_is_noted_and_an_idle_one_is_not(
    ticks: Ticks, pipe: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """S2.8: what was done is logged."""
    caplog.set_level(logging.INFO, "isobuild")
    with running(ticks, pipe):
        wait_for(lambda: ticks.times)
        ticks.result = Ticked(reaped=0, enqueued=1, launched=1, pruned=0)
        nudge_until_ticked(ticks, pipe)
        ticks.result = IDLE
        nudge_until_ticked(ticks, pipe)
    assert [r.getMessage() for r in caplog.records if r.name == "isobuild.clock"] == ["tick: enqueued 1, launched 1"]


def test_stop_finishes_the_tick_in_hand_and_ticks_no_more(pipe: Path) -> None:
    in_hand, done = Event(), Event()

    def tick(_: datetime) -> Ticked:
        in_hand.set()
        time.sleep(0.05)  # as a slow database would
        done.set()
        return IDLE

    clock = Clock(tick, pipe)
    clock.start()
    assert in_hand.wait(PATIENCE)
    clock.stop()
    assert done.is_set()
    assert not clock._thread.is_alive()
    assert not clock._scheduler.running
    assert not nudge.send(pipe)
