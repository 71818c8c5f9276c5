"""What holds of the rows after every transaction, whoever changed them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from orders import replay
from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain.states import OPEN, AfterFailure, BuildState, RunnerState, TaskState
from isobuild.domain.tables import Artifact, Build, Dependency, Event, Runner, Task


class World:
    """All the rows."""

    def __init__(self, session: Session, slots: Mapping[str, int]) -> None:
        self.slots = slots  # of each host
        self.tasks = {task.id: task for task in session.scalars(select(Task))}
        self.runners = {runner.id: runner for runner in session.scalars(select(Runner))}
        self.artifacts = session.scalars(select(Artifact)).all()
        self.dependencies = session.scalars(select(Dependency)).all()
        self.builds: dict[int, list[Build]] = defaultdict(list)  # by their tasks
        for build in session.scalars(select(Build)):
            self.builds[build.task_id].append(build)
        self.events: dict[int, list[Event]] = defaultdict(list)
        for event in session.scalars(select(Event).order_by(Event.id)):
            self.events[event.task_id].append(event)

    @cached_property
    def open(self) -> list[Build]:
        """The builds that have not ended."""
        return [build for builds in self.builds.values() for build in builds if not build.finished]


def broken(world: World) -> list[str]:
    """What does not hold, in words."""
    return [words for rule in RULES for words in rule(world)]


def one_open_build_a_task(world: World) -> Iterator[str]:
    for task in world.tasks.values():
        if sum(build.task_id == task.id for build in world.open) > 1:
            yield f"task {task.id} has more than one open build"


def no_more_than_the_slots(world: World) -> Iterator[str]:
    for host, slots in world.slots.items():
        if sum(build.host == host for build in world.open) > slots:
            yield f"host {host} has more than {slots} open builds"


def what_a_build_holds(world: World) -> Iterator[str]:
    for builds in world.builds.values():
        for build in builds:
            holds = (build.open_task, build.open_slot)
            if holds != ((None, None) if build.finished else (build.task_id, f"{build.host}/{build.slot}")):
                yield f"build {build.id} is {build.state} and holds {holds}"
            if build.busy and not build.token:
                yield f"build {build.id} runs without a token"


def a_runner_that_lives(world: World) -> Iterator[str]:
    for build in world.open:
        runner = build.runner_id and world.runners[build.runner_id]
        if runner and runner.state is not RunnerState.RUNNING:
            yield f"build {build.id} is {build.state} and its runner {runner.state}"


def tasks_agree_with_builds(world: World) -> Iterator[str]:
    for task in world.tasks.values():
        opened = [build for build in world.open if build.task_id == task.id]
        if (task.state is TaskState.BUILDING) != bool(opened):
            yield f"task {task.id} is {task.state} and has {len(opened)} open builds"


def nothing_is_ready_without_its_file(world: World) -> Iterator[str]:
    succeeded = {
        build.id for builds in world.builds.values() for build in builds if build.state is BuildState.SUCCEEDED
    }
    for task in world.tasks.values():
        isos = [file for file in world.artifacts if file.task_id == task.id and file.kind == "iso"]
        if len(isos) != (task.state is TaskState.READY):
            yield f"task {task.id} is {task.state} and has {len(isos)} ISOs"
        if any(file.build_id not in succeeded for file in isos):
            yield f"task {task.id} has an ISO of a build that did not succeed"


def waits_are_counted(world: World) -> Iterator[str]:
    for task in world.tasks.values():
        unmet = [edge.on_id for edge in world.dependencies if edge.task_id == task.id and not edge.met]
        if task.state in OPEN and task.waits != len(unmet):
            yield f"task {task.id} waits for {task.waits}, and {len(unmet)} of its dependencies are not met"
        if task.state in (TaskState.PENDING, TaskState.BUILDING) and (unmet or task.follows):
            yield f"task {task.id} is {task.state}, and waits"


def who_is_blocked_waits_for_somebody(world: World) -> Iterator[str]:
    for task in world.tasks.values():
        if task.state is TaskState.BLOCKED and not _hopes(world, task):
            yield f"task {task.id} is blocked for ever"


def _hopes(world: World, task: Task) -> bool:
    on = [world.tasks.get(edge.on_id) for edge in world.dependencies if edge.task_id == task.id and not edge.met]
    if task.follows:
        on = [world.tasks.get(task.follows)]
    if any(other is None for other in on):
        return False
    waits = task.on_dependency_failure is AfterFailure.WAIT and not task.follows
    return bool(on) and all(
        other.state in OPEN or (waits and other.state is not TaskState.READY) for other in on if other
    )


def only_open_tasks_keep_others_out(world: World) -> Iterator[str]:
    for task in world.tasks.values():
        if (task.open_key is not None) != (task.without_overlapping and task.state in OPEN):
            yield f"task {task.id} is {task.state} and its open key is {task.open_key}"


def history_comes_to_the_present(world: World) -> Iterator[str]:
    for task in world.tasks.values():
        present: dict[int | None, str] = {None: task.state}
        present |= {build.id: build.state for build in world.builds[task.id]}
        try:
            told = replay(world.events[task.id])
        except ValueError as error:
            yield f"task {task.id}: {error}"
        else:
            if told != present:
                yield f"task {task.id}: its history comes to {told}, and it is {present}"


RULES: list[Callable[[World], Iterator[str]]] = [
    one_open_build_a_task,
    no_more_than_the_slots,
    what_a_build_holds,
    a_runner_that_lives,
    tasks_agree_with_builds,
    nothing_is_ready_without_its_file,
    waits_are_counted,
    who_is_blocked_waits_for_somebody,
    only_open_tasks_keep_others_out,
    history_comes_to_the_present,
]
