"""What people do: order, cancel, release, retry, remove, pin, pause, resume, and keep schedules."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from isobuild.domain import batch, keys, orders, queues, schedules, tasks
from isobuild.domain.batch import Ordered
from isobuild.domain.orders import Order
from isobuild.domain.states import OPEN, TaskState
from isobuild.domain.tables import Task
from isobuild.errors import (
    BadInput,
    CannotCancel,
    CannotRelease,
    CannotRemove,
    CannotRetry,
    DependencyCycle,
    IsNeeded,
    NameTaken,
    NotPaused,
    Overlaps,
    ScheduleRuns,
    ScheduleTaken,
    TooMany,
    UnknownQueue,
)
from proof.choices import CRONS, QUEUES, RARE, RETRIABLE, Choices, any_one, one, seconds, some, times, which, wishes
from proof.grounds import Station


class Persons(Choices):
    """Any of it, at any moment."""

    def wish(self, station: Station, wish: dict[str, Any], before: int | None, after: int | None, name: str) -> Order:
        times = {"not_before": self.now(before, station), "not_after": self.now(after, station)}
        return Order(name=name, instance=station.host.name, **times, **wish)

    def name(self) -> str:
        self.count += 1
        return f"os{self.count}"

    @rule(wish=wishes(), which=which, before=times, after=times, on=st.lists(any_one, max_size=2), again=any_one)
    def order(
        self, wish: dict[str, Any], which: int, before: int | None, after: int | None, on: list[int], again: int
    ) -> None:
        station = self.station(which)
        names = sorted(task.name for task in self.world.tasks.values())
        name = one(names, again) if names and again >= RARE else self.name()
        wanted = self.wish(station, wish, before, after, name)
        if self.world.tasks:
            wanted = Order(**vars(wanted) | {"after": [self.task(each).id for each in on]})
        done = self.grounds.do(orders.order, wanted, QUEUES, self.grounds.clock(station), self.grounds.rules)
        assert isinstance(done, Task) or type(done) in {BadInput, NameTaken, Overlaps, TooMany}, done
        alone = not self.world_has_open(keys.key(wanted.recipe, wanted.options))
        assert isinstance(done, Task) or wanted.without_overlapping or not isinstance(done, Overlaps)
        assert not (isinstance(done, Overlaps) and alone)
        assert isinstance(done, NameTaken) <= (name in names)

    def world_has_open(self, key: str, but: int = 0) -> bool:
        tasks = self.world.tasks.values()
        return any(task.key == key and task.state in OPEN and task.id != but for task in tasks)

    @rule(some=some, which=which, circle=any_one)
    def order_together(self, some: list[tuple[dict[str, Any], list[int]]], which: int, circle: int) -> None:
        """A batch, whose orders wait for those before them; or, now and then, in a circle."""
        station = self.station(which)
        names, wanted = [self.name() for _ in some], []
        for place, (wish, on) in enumerate(some):
            others = names if circle >= RARE else names[:place]
            after = tuple(dict.fromkeys(one(others, each) for each in on)) if others else ()
            wanted.append(Ordered(self.wish(station, wish, None, None, names[place]), after))
        now = self.grounds.clock(station)
        done = self.grounds.do(batch.order_all, wanted, QUEUES, self.grounds.rules, now)
        assert isinstance(done, list) or type(done) in {BadInput, DependencyCycle, Overlaps, TooMany}, done

    @precondition(lambda self: self.are(*OPEN))
    @rule(number=any_one, which=which)
    def cancel(self, number: int, which: int) -> None:
        task = self.task(number, *OPEN)
        done = self.grounds.do(tasks.cancel, task.id, "ann", self.grounds.clock(self.station(which)))
        build = self.world.open_build(task.id)
        busy = build is not None and build.busy
        expected = (TaskState.BUILDING if busy else TaskState.CANCELED) if task.state in OPEN else CannotCancel
        assert done is expected or type(done) is expected, done

    @precondition(lambda self: self.are(TaskState.BUILDING))
    @rule(number=any_one, which=which, later=times)
    def release(self, number: int, which: int, later: int | None) -> None:
        task, station = self.task(number, TaskState.BUILDING), self.station(which)
        until = self.now(later, station)
        done = self.grounds.do(tasks.release, task.id, until, "ann", self.grounds.clock(station))
        build = self.world.open_build(task.id)
        assert isinstance(done, CannotRelease) == (build is None or build.stop is not None), done

    @precondition(lambda self: self.are(*RETRIABLE))
    @rule(number=any_one, which=which)
    def retry(self, number: int, which: int) -> None:
        task = self.task(number, *RETRIABLE)
        done = self.grounds.do(tasks.retry, task.id, "ann", self.grounds.clock(self.station(which)))
        overlaps = task.without_overlapping and task.state not in OPEN and self.world_has_open(task.key or "", task.id)
        expected = Overlaps if overlaps else type(None) if task.state in RETRIABLE else CannotRetry
        assert type(done) is expected, done

    @precondition(lambda self: self.world.tasks)
    @rule(number=any_one, which=which)
    def remove(self, number: int, which: int) -> None:
        task = self.task(number)
        done = self.grounds.do(tasks.remove, task.id, "ann", self.grounds.clock(self.station(which)))
        needed = bool(self.world.needed_by(task.id))
        building = task.state is TaskState.BUILDING
        assert type(done) is (IsNeeded if needed else CannotRemove if building else type(None)), done

    @precondition(lambda self: self.are(TaskState.READY))
    @rule(number=any_one, pinned=st.booleans())
    def pin(self, number: int, pinned: bool) -> None:
        self.grounds.do(tasks.pin, self.task(number, TaskState.READY).id, pinned)

    @rule(queue=st.sampled_from(QUEUES), on=st.booleans(), which=which)
    def pause_or_resume(self, queue: str, on: bool, which: int) -> None:
        if on:
            now = self.grounds.clock(self.station(which))
            assert self.grounds.do(queues.pause, queue, "the mirror is down", QUEUES, "ann", now) is None
        else:
            done = self.grounds.do(queues.resume, queue, QUEUES)
            assert isinstance(done, NotPaused) == (queue not in self.world.pauses)

    @precondition(lambda self: len(self.world.schedules) < 2)
    @rule(name=st.sampled_from("xy"), line=st.sampled_from(CRONS), wish=wishes(), which=which, grace=seconds)
    def schedule(self, name: str, line: str, wish: dict[str, Any], which: int, grace: int) -> None:
        now = self.grounds.clock(self.station(which))
        wanted = Order(name=name, **wish | {"fingerprint": None})
        done = self.grounds.do(schedules.add, name, line, "UTC", max(60, grace), wanted, QUEUES, now)
        assert isinstance(done, ScheduleTaken) == (name in {each.name for each in self.world.schedules.values()})

    @precondition(lambda self: self.world.schedules)
    @rule(number=any_one, what=st.sampled_from(["pause", "resume", "remove", "run"]), which=which)
    def change_schedule(self, number: int, what: str, which: int) -> None:
        schedule = one(sorted(self.world.schedules.values(), key=lambda each: each.id), number)
        station = self.station(which)
        now = self.grounds.clock(station)
        if what == "pause":
            assert self.grounds.do(schedules.pause, schedule.name, "not now", now) is None
        elif what == "resume":
            done = self.grounds.do(schedules.resume, schedule.name, now)
            assert isinstance(done, ScheduleRuns) == (schedule.paused_at is None)
        elif what == "remove":
            assert self.grounds.do(schedules.remove, schedule.name) is None
        else:
            ran = self.grounds.do(schedules.run, schedule.name, station.host, now)
            assert isinstance(ran, int) or type(ran) in {NameTaken, Overlaps, TooMany, UnknownQueue}, ran
            assert isinstance(ran, UnknownQueue) == (schedule.wish["queue"] not in station.host.queues)
