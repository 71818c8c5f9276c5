"""What must come after any sequence of acts, once things go well: every task comes to its end, and nothing is left."""

from datetime import timedelta

from isobuild.domain import queues, schedules, tasks
from isobuild.domain.builds import STOPS, End
from isobuild.domain.states import OPEN, BuildState, RunnerState, TaskState
from isobuild.domain.tables import Task
from isobuild.errors import Overlaps
from proof.choices import QUEUES
from proof.fires import missed
from proof.grounds import DAY, Carrier, Grounds, Launch, Station
from proof.laws import Whole, broken

WIDE = 8  # slots, so that it does not take for ever
STEPS = [*(timedelta(seconds=each) for each in (0, 61, 600, 3600, 4000)), *[3 * DAY] * 30]
TIMES = 10  # that people look after what waits for them


def come_to_an_end(grounds: Grounds) -> None:
    """Let time go on: what does not wait for a person ends; then people do their part, and all the rest ends too."""
    _set_right(grounds)
    world = _go_on(grounds)
    for _ in range(TIMES):
        if _open(world):
            _help(grounds, world)
            world = _go_on(grounds)
    assert not (left := _told(world, _open(world))), f"people do what they can, and there is left: {left}"
    _nothing_is_left(grounds)


def _set_right(grounds: Grounds) -> None:
    """Ticks end, loops end, clocks are right, one host at least is up; schedules have fired, and end."""
    for station, held in grounds.ticks:
        while not held.ended:
            held.go_on()
        station.ticks.remove(held)
    for carrier in grounds.carriers:
        if carrier.alive and carrier.launch is None:
            grounds.leave(carrier)
    for station in grounds.stations:
        station.ahead = timedelta(0)
    if not any(station.up for station in grounds.stations):
        grounds.stations[0].up = True
    grounds.arrange(WIDE)
    for station in grounds.stations:
        if station.up:
            grounds.tick(station)
    world = _look(grounds)
    assert missed(world, grounds.now) == []
    for schedule in world.schedules.values():  # or there would be no end
        grounds.do(schedules.pause, schedule.name, "", grounds.now)


def _go_on(grounds: Grounds) -> Whole:
    """Ticks and builds, until only what waits for a person is open; how the rows are then."""
    for step in STEPS:
        grounds.now += step
        world = _look(grounds)
        for carrier in grounds.carriers:
            if carrier.alive and carrier.launch:
                _finish(grounds, world, carrier, carrier.launch)
        for station in grounds.stations:
            if station.up:
                _build(grounds, station)
        world = _look(grounds)
        if all(_waits_for_a_person(grounds, world, task) for task in _open(world)):
            return world
    stuck = _told(world, [task for task in _open(world) if not _waits_for_a_person(grounds, world, task)])
    raise AssertionError(f"time goes on, and there is left: {stuck}")


def _told(world: Whole, left: list[Task]) -> str:
    """Tasks, and what they wait for, with the history of it."""
    lines = []
    for task in left:
        on = [world.tasks[task.follows]] if task.follows else world.unmet(task.id)
        lines.append(f"{task.id} ({task.state}, from {task.not_before}) waits for {[each.id for each in on]}")
        for each in [task, *on]:
            lines += [f"  {event.task_id}/{event.build_id} {event.new}: {event.why}" for event in world.events[each.id]]
    return "\n".join(lines)


def _look(grounds: Grounds) -> Whole:
    world = grounds.look()
    assert broken(world) == []
    return world


def _open(world: Whole) -> list[Task]:
    return [task for task in world.tasks.values() if task.state in OPEN]


def _finish(grounds: Grounds, world: Whole, carrier: Carrier, launch: Launch) -> None:
    build = world.all_builds.get(launch.build)
    end = STOPS[build.stop] if build and build.stop else End(state=BuildState.SUCCEEDED)
    assert grounds.report(launch, launch.token, end) == world.holds(launch.build, launch.token)
    grounds.leave(carrier)


def _build(grounds: Grounds, station: Station) -> None:
    """A tick, whose builds all succeed."""
    grounds.tick(station)
    for launch in list(grounds.launches):
        claimed = launch.station is station and grounds.claim(launch)
        if isinstance(claimed, Carrier):
            _finish(grounds, grounds.look(), claimed, launch)
    grounds.launches.clear()


def _waits_for_a_person(grounds: Grounds, world: Whole, task: Task) -> bool:
    """Its queue is paused, or its hosts are away, or what it waits for has ended or waits for a person itself."""
    if task.state is TaskState.PENDING:
        served = any(station.up and task.queue in station.host.queues for station in grounds.stations)
        return task.queue in world.pauses or not served
    on = [world.tasks[task.follows]] if task.follows else world.unmet(task.id)
    return any(each.state not in OPEN or _waits_for_a_person(grounds, world, each) for each in on)


def _help(grounds: Grounds, world: Whole) -> None:
    """Resume what is paused, put on what is off, and try again what others wait for."""
    for queue in world.pauses:
        grounds.do(queues.resume, queue, QUEUES)
    for station in grounds.stations:
        station.up = True
    for task in _open(world):
        for on in world.unmet(task.id) if task.state is TaskState.BLOCKED else ():
            now_open = grounds.look().tasks[on.id].state in OPEN
            if not now_open and isinstance(grounds.do(tasks.retry, on.id, "ann", grounds.now), Overlaps):
                grounds.do(tasks.cancel, task.id, "ann", grounds.now)


def _nothing_is_left(grounds: Grounds) -> None:
    for station in grounds.stations:
        station.up = True
        grounds.tick(station)
    world = _look(grounds)
    assert world.open == []
    assert [runner.id for runner in world.runners.values() if runner.state is RunnerState.RUNNING] == []
    assert grounds.shelf.files == {file.build_id for file in world.artifacts}
