"""The loop, carrying real builds in this process."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sites import Site
from sqlalchemy import select

from isobuild import site as parts
from isobuild.domain import reaping, runners
from isobuild.domain.hosts import Host
from isobuild.domain.states import RunnerState
from isobuild.domain.tables import Runner
from isobuild.errors import DatabaseDown
from isobuild.runner.bell import Bell
from isobuild.runner.run import Runner as Carrier
from isobuild.runner.work import Habits, Loop

Work = Callable[..., list[str]]


@pytest.fixture
def work(site: Site) -> Work:
    """A loop of this process; what it said."""

    def work(bell: Bell | None = None, settings: dict[str, Any] | None = None, **habits: Any) -> list[str]:
        bell, lines = bell or Bell(print), list[str]()
        chosen = site.settings(**{"heartbeat": 1.0, "lease": 5.0} | (settings or {}))
        parts.prepare(chosen)
        Loop(lambda: _carrier(parts.runner(chosen), bell), Habits(**habits), bell, lines.append).work()
        return [line for line in lines if "begins" not in line]

    return work


def _carrier(runner: Carrier, bell: Bell) -> Carrier:
    return replace(runner, interrupt=bell.interrupt)


class Impatient(Bell):
    """Notes how long the loop wants to pause, and ends it after some pauses."""

    def __init__(self) -> None:
        super().__init__(print)
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.end = "SIGTERM" if len(self.waits) == 3 else None
        return True


def test_it_ends_when_there_is_nothing_to_do(site: Site, work: Work) -> None:
    """S4.31: tasks that may not go now are left."""
    site.order("now")
    site.order("failing", "#!/bin/sh\nexit 1\n", retry_delay=3600)
    said = work(until_empty=True)
    assert said[-1] == "ends: there is nothing left that it may build; builds carried: 2"
    assert [site.task(number)["state"] for number in (1, 2)] == ["ready", "pending"]
    assert [line.split(": ")[1] for line in said[1:-1]] == ["ready", "no ISO; see isobuild log 2 --build 2"]


def test_it_ends_after_so_many_builds(site: Site, work: Work) -> None:
    for name in ("a", "b", "c"):
        site.order(name)
    assert work(max_builds=2)[-1] == "ends: that is how many it was to carry; builds carried: 2"
    assert site.in_state("pending", 3)


def test_it_ends_after_a_build_when_it_has_grown(site: Site, work: Work) -> None:
    """S1.33: it is looked at between builds, so that one is carried even by a loop that is too big from the start."""
    for name in ("a", "b"):
        site.order(name)
    assert work(max_memory=1 << 20, until_empty=True)[-1].endswith("MiB of memory; builds carried: 1")
    assert site.in_state("pending", 2)
    assert "builds carried: 1" in work(max_memory=1 << 40, until_empty=True)[-1]


@pytest.mark.parametrize(("sleep", "waits"), [(0.0, 0.0), (0.5, 0.5), (600.0, 1.0)])
def test_it_pauses_as_long_as_it_is_told_to(site: Site, work: Work, sleep: float, waits: float) -> None:
    """S2.C4, S2.17: 0 means 0; and it never pauses longer than to its next heartbeat."""
    bell = Impatient()
    work(bell, sleep=sleep)
    assert [round(seconds, 1) for seconds in bell.waits] == [waits] * 3


def test_a_build_that_breaks_the_runner_itself_fails_alone(site: Site, work: Work) -> None:
    """S4.C6, S1.32: the task does not stay as if it were being built; the loop goes on."""
    for name in ("a", "b"):
        site.order(name, max_attempts=1)
    (site.home / "logs/1.log").mkdir(parents=True)
    said = work(until_empty=True)
    assert any(line.startswith("build 1 of task 1 (a): Traceback") for line in said)
    assert (site.build(1)["state"], site.build(1)["cause"]) == ("failed", "host")
    assert "IsADirectoryError" in site.build(1)["error"]
    assert [site.task(number)["state"] for number in (1, 2)] == ["failed", "ready"]
    assert site.workspaces() == []


def test_a_loop_that_was_taken_for_lost_sits_down_again(site: Site, work: Work) -> None:
    class Reaping(Impatient):
        def wait(self, seconds: float) -> bool:
            site.db.write(reaping.reap, Host("stove"), datetime.now(UTC) + timedelta(days=1))
            return super().wait(seconds)

    said = work(Reaping(), {"heartbeat": 0.001})
    assert sum("was taken for lost" in line for line in said) == 3
    with site.db.read() as session:
        states = [row.state for row in session.scalars(select(Runner).order_by(Runner.id))]
    assert states == [RunnerState.LOST] * 3 + [RunnerState.ENDED]


def test_that_the_database_is_away_is_said_once(site: Site) -> None:
    """S4.C6: it looks again and again."""

    class Hasty(Bell):
        def wait(self, seconds: float) -> bool:
            return False

    bell, lines, away = Hasty(print), list[str](), iter(["it is being started"] * 3)

    def load() -> Carrier:
        if why := next(away, ""):
            raise DatabaseDown(why=why)
        return parts.runner(site.settings())

    Loop(load, Habits(until_empty=True), bell, lines.append).work()
    down = "The database can't be reached: it is being started The loop waits for it."
    assert (lines[:2], len(lines)) == ([down, "The database answers again."], 4)


class Lowered(Bell):
    """Rings for other settings at the first pause, and for the end at the second."""

    def __init__(self) -> None:
        super().__init__(print)
        self.slots = 2

    def wait(self, seconds: float) -> bool:
        if self.slots == 1:
            self.end = "SIGTERM"
        self.slots, self.reread = 1, True
        return True


@pytest.mark.parametrize(
    ("first", "second", "words", "rows"),
    [
        ("free", "taken", "it was told to (SIGTERM)", [("ENDED", None), ("RUNNING", 1)]),
        ("taken", "free", "its host has no seat for it any more", [("RUNNING", 0), ("ENDED", None)]),
        ("freed", "free", "it was told to (SIGTERM)", [("ENDED", None), ("ENDED", None), ("ENDED", None)]),
    ],
)
def test_where_slots_were_lowered_it_keeps_its_seat_or_changes_it_or_ends(
    site: Site, first: str, second: str, words: str, rows: list[tuple[str, int | None]]
) -> None:
    """S1.29, S1.30: without ever being seatless in between."""
    bell, lines = Lowered(), list[str]()
    host = parts.host(site.settings(slots=2))
    now = datetime.now(UTC)
    if first != "free":
        other = site.db.write(runners.sit_down, os.getppid(), host, now)

    def load() -> Carrier:
        if bell.slots == 1 and first == "freed":
            site.db.write(runners.end, other, 0, now)
        if bell.slots == 1 and second == "taken":
            site.db.write(runners.sit_down, os.getppid(), host, now)
        return parts.runner(site.settings(slots=bell.slots))

    Loop(load, Habits(sleep=0.0), bell, lines.append).work()
    assert lines[-1] == f"ends: {words}; builds carried: 0"
    with site.db.read() as session:
        found = [(row.state.name, row.seat) for row in session.scalars(select(Runner).order_by(Runner.id))]
    assert found == [(state, seat if seat is None else f"{host.name}/{seat}") for state, seat in rows]


def test_its_row_tells_what_it_came_to(site: Site, work: Work) -> None:
    """S1.20, S1.35: its process, its end, and the most memory that it used."""
    site.order()
    work(until_empty=True)
    row = site.runner()
    assert row
    assert (row.kind, row.pid, row.state, row.seat) == ("work", os.getpid(), RunnerState.ENDED, None)
    assert (row.memory or 0) > 1 << 20
    assert row.finished_at
    assert row.finished_at > row.started_at


def test_a_runner_that_breaks_leaves_its_build_to_the_tick(site: Site) -> None:
    """S1.39: what it carried is lost, and tried again."""
    site.order()
    (site.home / "logs/1.log").mkdir(parents=True)
    number, token = site.flag()
    site.run("run", number, ISOBUILD_TOKEN=token, code=1)
    assert site.build()["busy"]
    site.tick()
    assert (site.build()["state"], site.build()["cause"]) == ("failed", "lost")
