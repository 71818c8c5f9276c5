"""What processes do: ticks, runners and loops, well or badly."""

import os

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from isobuild.domain import builds, runners, taking
from isobuild.domain.builds import End
from isobuild.domain.states import RunnerState
from isobuild.errors import BadInput, LostBuild, LostSeat, NoSeat
from proof.choices import RARE, Choices, any_one, ends, one, which
from proof.fires import missed
from proof.grounds import Carrier, Launch, Station


class Processes(Choices):
    """Any of it, at any moment."""

    @rule(which=which, works=st.integers(0, 5), come=st.booleans())
    def tick(self, which: int, works: int, come: bool) -> None:
        """A tick; what it launches comes to life at once, or does not."""
        station, before = self.station(which), len(self.grounds.launches)
        self.grounds.tick(station, works=works != 5)
        self.laws_hold()
        assert missed(self.world, self.grounds.clock(station)) == []
        for launch in self.grounds.launches[before:] if come else ():
            assert isinstance(self.grounds.claim(launch), Carrier)

    @precondition(lambda self: len(self.grounds.ticks) < 3)
    @rule(which=which)
    def begin_tick(self, which: int) -> None:
        self.grounds.begin_tick(self.station(which))

    @precondition(lambda self: self.grounds.ticks)
    @rule(number=any_one, steps=st.integers(1, 8))
    def go_on(self, number: int, steps: int) -> None:
        """A tick that has begun does its next transactions."""
        station, held = one(self.grounds.ticks, number)
        for _ in range(steps):
            held.go_on()
            self.laws_hold()
            if held.ended:
                break
        if held.ended:
            station.ticks.remove(held)

    @precondition(lambda self: self.grounds.ticks)
    @rule(number=any_one)
    def kill_tick(self, number: int) -> None:
        station, held = one(self.grounds.ticks, number)
        held.die()
        station.ticks.remove(held)

    # runners

    @precondition(lambda self: self.grounds.launches)
    @rule(number=any_one)
    def claim(self, number: int) -> None:
        """A runner that was started claims its build; the newest is the likeliest."""
        launch = one(self.grounds.launches[::-1], number)
        build = self.world.all_builds.get(launch.build)
        free = build is not None and build.runner_id is None and self.world.holds(launch.build, launch.token)
        done = self.grounds.claim(launch)
        assert isinstance(done, Carrier) if free else isinstance(done, LostBuild), done

    @rule(number=any_one, which=which)
    def take(self, number: int, which: int) -> None:
        """A loop takes the next build; a new loop, if there is none that is idle, and now and then even so."""
        if number >= RARE or not self.idle_loops:
            self.sit_down(self.station(which))
        if self.idle_loops:
            self.take_as(one(self.idle_loops, number))

    def sit_down(self, station: Station) -> None:
        name = station.host.name
        seats = [runner.seat for runner in self.world.runners.values() if runner.seat and runner.host == name]
        done = self.grounds.do(runners.sit_down, os.getpid(), station.host, self.grounds.clock(station))
        assert isinstance(done, NoSeat) == (len(seats) >= station.host.slots)
        if isinstance(done, int):
            self.grounds.carriers.append(Carrier(station, done, loop=True))
            self.laws_hold()

    def take_as(self, loop: Carrier) -> None:
        station, row = loop.station, self.world.runners.get(loop.runner)
        running = row is not None and row.state is RunnerState.RUNNING
        taken = self.grounds.do(taking.take, loop.runner, station.host, None, 1 << 20, self.grounds.clock(station))
        assert isinstance(taken, taking.Taken) <= running
        assert isinstance(taken, LostSeat) <= (not running)
        assert not isinstance(taken, BadInput), taken
        if isinstance(taken, taking.Taken):
            loop.launch = Launch(station, taken.build.id, taken.token)

    @property
    def idle_loops(self) -> list[Carrier]:
        return [carrier for carrier in self.living if carrier.loop and carrier.launch is None]

    @property
    def carrying(self) -> list[Carrier]:
        return [carrier for carrier in self.living if carrier.launch]

    @rule(which=which, ends=st.lists(ends, min_size=1, max_size=3))
    def work(self, which: int, ends: list[End]) -> None:
        """Builds of a host that come to their ends, whatever these are, and a tick that begins others."""
        station = self.station(which)
        for number, carrier in enumerate([each for each in self.carrying if each.station is station]):
            self.end_of(carrier, one(ends, number), obeys=True)
            self.laws_hold()
        self.tick(which, works=0, come=True)

    @precondition(lambda self: self.carrying)
    @rule(number=any_one, end=ends, obeys=st.booleans(), leaves=st.booleans())
    def end(self, number: int, end: End, obeys: bool, leaves: bool) -> None:
        """A runner's build comes to its end, as it does by itself or as somebody asked."""
        carrier = one(self.carrying, number)
        self.end_of(carrier, end, obeys)
        if leaves and carrier.alive:
            self.grounds.leave(carrier)

    def end_of(self, carrier: Carrier, end: End, obeys: bool) -> None:
        launch = carrier.launch
        assert launch
        build = self.world.all_builds.get(launch.build)
        if obeys and build and build.stop:
            end = builds.STOPS[build.stop]
        expected = self.world.holds(launch.build, launch.token)
        assert self.grounds.report(launch, launch.token, end) == expected
        carrier.launch = None
        if not carrier.loop:
            self.grounds.leave(carrier)

    @precondition(lambda self: self.carrying)
    @rule(number=any_one, end=ends | st.none())
    def tell(self, number: int, end: End | None) -> None:
        """A runner that lives beats, or reports and does not notice that it did; its build may be nobody's by now."""
        launch = one(self.carrying, number).launch
        assert launch
        self.say(launch, launch.token, end)

    @precondition(lambda self: self.grounds.launches)
    @rule(number=any_one, other=any_one, end=ends | st.none())
    def say_anything(self, number: int, other: int, end: End | None) -> None:
        """Whoever has a token, right or wrong, old or new, beats or reports with it; mostly on a build that runs."""
        known = self.grounds.launches[::-1]
        running = [launch for launch in known if self.world.holds(launch.build, launch.token)]
        launch = one(running if running and number < RARE else known, number)
        self.say(launch, one(known, other).token if other < RARE else "", end)

    def say(self, launch: Launch, token: str, end: End | None) -> None:
        """A report, or a heartbeat and progress: accepted if, and only if, the build runs and this is its token."""
        expected, station = self.world.holds(launch.build, token), launch.station
        if end:
            assert self.grounds.report(launch, token, end) == expected
            return
        beaten = self.grounds.do(builds.heartbeat, launch.build, token, station.host, self.grounds.clock(station))
        told = self.grounds.do(builds.progress, launch.build, token, 40.0, "unpack")
        assert type(beaten) is type(told) is (type(None) if expected else LostBuild), (beaten, told)

    @precondition(lambda self: self.living)
    @rule(number=any_one)
    def kill(self, number: int) -> None:
        self.grounds.kill(one(self.living, number))

    @precondition(lambda self: self.living)
    @rule(number=any_one)
    def leave(self, number: int) -> None:
        """A runner ends in order, but could not write what became of its build."""
        self.grounds.leave(one(self.living, number))
