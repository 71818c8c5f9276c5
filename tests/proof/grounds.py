"""Where the state machine acts: two hosts with clocks of their own, what runs on them, and the files that it leaves."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from orders import NOW
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from isobuild import tick as heart
from isobuild.db import Database
from isobuild.domain import builds, runners
from isobuild.domain.builds import End
from isobuild.domain.columns import Base
from isobuild.domain.hosts import Host
from isobuild.domain.pruning import Keep
from isobuild.domain.rules import Allowance, Rules
from isobuild.domain.states import BuildState
from isobuild.domain.tables import Build, Runner, Task
from isobuild.errors import BadInput, LaunchFailed, Refused
from isobuild.store.local import Stored
from proof.laws import Whole
from proof.ticking import HeldTick

P = ParamSpec("P")
T = TypeVar("T")
DAY = timedelta(days=1)
RULES = Rules(
    recipe_limits={"narrow": 1}, buckets={"mirror": Allowance(2, timedelta(hours=1))}, draws={"thirsty": "mirror"}
)


@dataclass
class Station:
    """A host: how far its clock is ahead, whether it is up, and the ticks that have begun on it."""

    host: Host
    ahead: timedelta = timedelta(0)
    up: bool = True
    ticks: list[HeldTick] = field(default_factory=list)


@dataclass
class Launch:
    """A build's number and token, as its runner is told them."""

    station: Station
    build: int
    token: str


@dataclass
class Carrier:
    """The process of a runner: what it has in hand, and whether it lives."""

    station: Station
    runner: int
    launch: Launch | None = None
    loop: bool = False
    alive: bool = True


class Shelf:
    """The store: the builds that have a file in it."""

    def __init__(self) -> None:
        self.files: set[int] = set()

    def owned(self) -> Iterable[int]:
        return sorted(self.files)

    def size(self, build: int) -> int:
        return 700 << 20

    def remove(self, build: int) -> None:
        self.files.discard(build)


@dataclass
class Launcher:
    """Notes what it was asked to start."""

    station: Station
    launches: list[Launch]
    works: bool = True

    def launch(self, build: int, token: str) -> None:
        if not self.works:
            raise LaunchFailed(what="there are no processes left")
        self.launches.append(Launch(self.station, build, token))


class Grounds:
    """The site."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self.keep = Keep()
        self.fires: dict[tuple[int, datetime], int] = {}  # all that ever were, by schedule and moment
        self.rules = RULES
        self.stations = [Station(Host("oven")), Station(Host("stove", slots=2, queues=("high", "default")))]
        self.launches: list[Launch] = []
        self.carriers: list[Carrier] = []
        self.shelf = Shelf()

    def arrange(self, slots: int, **rules: object) -> None:
        """Say what the site has and how it goes."""
        self.rules = replace(self.rules, **rules)  # type: ignore[arg-type]
        for station, many in zip(self.stations, (slots, 2), strict=True):
            station.host = replace(station.host, slots=many, rules=self.rules)

    def clock(self, station: Station) -> datetime:
        """The time, as this host has it."""
        return self.now + station.ahead

    def look(self) -> Whole:
        """All the rows."""
        slots = {station.host.name: station.host.slots for station in self.stations}
        with self.database.read() as session:
            return Whole(session, slots, self.rules, self.keep, set(self.shelf.files))

    def do(
        self, work: Callable[Concatenate[Session, P], T], *facts: P.args, **more: P.kwargs
    ) -> T | Refused | BadInput:
        """What this gives, or how it is refused; a refusal changes nothing, and another error is a fault."""
        try:
            return self.database.write(work, *facts, **more)
        except (Refused, BadInput) as refusal:
            return refusal

    # ticks

    def tick(self, station: Station, works: bool = True) -> None:
        """One tick, from its beginning to its end."""
        heart.tick(self.database, Launcher(station, self.launches, works), self._site(station), self.clock(station))

    def begin_tick(self, station: Station) -> None:
        """A tick that does nothing yet."""
        facts = Launcher(station, self.launches), self._site(station), self.clock(station)
        station.ticks.append(HeldTick(self.database, station.host, lambda database: heart.tick(database, *facts)))

    def _site(self, station: Station) -> heart.Site:
        return heart.Site(host=station.host, places=(self.shelf,), keep=self.keep)

    @property
    def ticks(self) -> list[tuple[Station, HeldTick]]:
        """Those that have begun and not ended."""
        return [(station, held) for station in self.stations for held in station.ticks]

    # runners

    def claim(self, launch: Launch) -> Carrier | Refused | BadInput:
        """The launched runner takes its build; or it may not."""
        now = self.clock(launch.station)
        number = self.do(partial(_claim, launch=launch, now=now))
        if not isinstance(number, int):
            return number
        self.carriers.append(carrier := Carrier(launch.station, number, launch))
        return carrier

    def report(self, launch: Launch, token: str, end: End) -> bool:
        """Report a build's end; whether that was accepted. An ISO is in the store before."""
        if end.state is BuildState.SUCCEEDED:
            self.shelf.files.add(launch.build)
            end = replace(end, files={"iso": Stored(self._iso(launch.build), 700 << 20, "5a" * 32)})
        return self.do(builds.finish, launch.build, token, end, self.clock(launch.station)) is None

    def _iso(self, build: int) -> str:
        with self.database.read() as session:
            row = session.get(Build, build)
            task = row and session.get(Task, row.task_id)
            return task.iso if task else "gone.iso"

    def leave(self, carrier: Carrier) -> None:
        """The runner ends by itself, whatever became of its build."""
        self.database.write(runners.end, carrier.runner, 1 << 20, self.clock(carrier.station))
        self.kill(carrier)

    def kill(self, carrier: Carrier) -> None:
        """kill -9: from now on the process that its row names is not there."""
        carrier.alive = False
        gone = update(Runner).where(Runner.id == carrier.runner).values(pid_start="another boot/1")
        self.database.write(lambda session: session.execute(gone) and None)

    def put_out(self, station: Station) -> None:
        """The host is gone, with all that was on it."""
        station.up = False
        for held in station.ticks:
            held.die()
        station.ticks.clear()
        self.launches[:] = [launch for launch in self.launches if launch.station is not station]
        for carrier in self.carriers:
            if carrier.station is station and carrier.alive:
                self.kill(carrier)

    def close(self) -> None:
        """End what is left of the ticks, and empty the database."""
        for _station, held in self.ticks:
            held.die()
        empty(self.database)


def _claim(session: Session, launch: Launch, now: datetime) -> int:
    number = runners.register(session, "run", os.getpid(), launch.station.host, now)
    builds.claim(session, launch.build, launch.token, number, launch.station.host, now)
    return number


def empty(database: Database) -> None:
    """Remove every row, and count from 1 again: each example then comes to the same."""
    tables, dialect = Base.metadata.sorted_tables, database.engine.dialect.name
    counted = [table.name for table in tables if "id" in table.c]
    again = {"sqlite": "DELETE FROM sqlite_sequence", "postgresql": "ALTER SEQUENCE {}_id_seq RESTART"}
    statement = again.get(dialect, "ALTER TABLE {} AUTO_INCREMENT = 1")
    with database.writer.begin() as connection:
        for table in reversed(tables):
            connection.execute(table.delete())
        for each in dict.fromkeys(statement.format(name) for name in counted):
            connection.execute(text(each))
