"""What holds after every act of the state machine, beyond what holds after every transaction (invariants.py)."""

from collections import Counter
from collections.abc import Callable, Iterator

from orders import replay
from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain import history
from isobuild.domain.pruning import Keep
from isobuild.domain.rules import Rules
from isobuild.domain.states import (
    BUILD_MOVES,
    OPEN,
    TASK_MOVES,
    AfterFailure,
    BuildState,
    Cause,
    RunnerState,
    TaskState,
)
from isobuild.domain.tables import Bucket, Build, Fire, Pause, Schedule, Task
from proof import invariants
from proof.invariants import World


class Whole(World):
    """All the rows, and what the site says."""

    def __init__(self, session: Session, slots: dict[str, int], rules: Rules, keep: Keep, stored: set[int]) -> None:
        super().__init__(session, slots)
        self.rules = rules
        self.remembers = keep.history is None  # all that ever was is in the history
        self.stored = stored  # the builds that have a file
        self.pauses = set(session.scalars(select(Pause.queue)))
        self.schedules = {schedule.id: schedule for schedule in session.scalars(select(Schedule))}
        self.fires = session.scalars(select(Fire)).all()
        self.buckets = session.scalars(select(Bucket)).all()

    @property
    def all_builds(self) -> dict[int, Build]:
        """Every build by its number."""
        return {build.id: build for builds in self.builds.values() for build in builds}

    def holds(self, number: int, token: str) -> bool:
        """Whether a report on this build with this token must be accepted."""
        build = self.all_builds.get(number)
        return build is not None and build.state is BuildState.RUNNING and build.token == token

    def open_build(self, task: int) -> Build | None:
        """The open build of a task."""
        return next((build for build in self.open if build.task_id == task), None)

    def unmet(self, task: int) -> list[Task]:
        """What a task still waits for."""
        return [self.tasks[edge.on_id] for edge in self.dependencies if edge.task_id == task and not edge.met]

    def needed_by(self, task: int) -> list[int]:
        """The tasks that depend on this one and are not ready."""
        on = {edge.task_id for edge in self.dependencies if edge.on_id == task}
        return [number for number in on if self.tasks[number].state is not TaskState.READY]

    def retried(self, task: int) -> bool:
        """Whether a person put it where it is."""
        own = [event.why for event in self.events[task] if event.build_id is None]
        return own[-1:] == ["retried by a person"]


Law = Callable[[Whole], Iterator[str]]


def broken(world: Whole) -> list[str]:
    """What does not hold, in words."""
    laws = [*LAWS, *LAWS_OF_HISTORY] if world.remembers else LAWS
    return [words for law in laws for words in law(world)]


def no_more_than_a_recipes_limit(world: Whole) -> Iterator[str]:
    count = Counter(build.recipe for build in world.open)
    for recipe, limit in world.rules.recipe_limits.items():
        if count[recipe] > limit:
            yield f"{count[recipe]} builds of recipe {recipe}, of which there may be {limit}"


def slots_are_there(world: Whole) -> Iterator[str]:
    for build in world.open:
        if not 0 <= build.slot < world.slots[build.host]:
            yield f"build {build.id} is in slot {build.slot} of {build.host}"


def ready_is_who_has_an_iso(world: Whole) -> Iterator[str]:
    for task in world.tasks.values():
        isos = [file for file in world.artifacts if file.task_id == task.id and file.kind == "iso"]
        if len(isos) != (task.state is TaskState.READY):
            yield f"task {task.id} is {task.state} and has {len(isos)} ISOs"
        for iso in isos:
            build = world.all_builds.get(iso.build_id)  # None: its task was removed
            if build and build.state is not BuildState.SUCCEEDED:
                yield f"task {task.id} has an ISO of build {build.id}, which is {build.state}"
            if iso.build_id not in world.stored:
                yield f"task {task.id} is ready, and the file of build {iso.build_id} is gone"
            if iso.name != task.iso:
                yield f"the ISO of task {task.id} is called {iso.name}"


def whoever_waits_will_be_told(world: Whole) -> Iterator[str]:
    """Blocked means that something unmet is open, or that a person has to do something about it."""
    for task in world.tasks.values():
        if (task.state is TaskState.BLOCKED) != bool(task.follows or (task.state in OPEN and task.waits)):
            yield f"task {task.id} is {task.state}, follows {task.follows} and waits for {task.waits}"
        if task.state is TaskState.BLOCKED and not task.follows:
            yield from (
                f"task {task.id} was not told of {on.id}" for on in world.unmet(task.id) if _missed(world, task, on)
            )


def _missed(world: Whole, task: Task, on: Task) -> bool:
    if on.state in OPEN:
        return False
    # whoever was retried waits for a person to retry the other, too
    patient = task.on_dependency_failure is AfterFailure.WAIT or world.retried(task.id)
    return on.state is TaskState.READY or task.on_dependency_failure is AfterFailure.RUN or not patient


def followers_follow_the_same(world: Whole) -> Iterator[str]:
    for task in world.tasks.values():
        if task.follows is None:
            continue
        on = world.tasks.get(task.follows)
        if on is None or on.state not in OPEN or on.follows or on.fingerprint != task.fingerprint:
            yield f"task {task.id} follows {task.follows}, which is {on and (on.state, on.follows, on.fingerprint)}"


def ends_say_when_and_why(world: Whole) -> Iterator[str]:
    for task in world.tasks.values():
        if (task.finished_at is None) != (task.state in OPEN):
            yield f"task {task.id} is {task.state} and ended at {task.finished_at}"
        if task.state is TaskState.FAILED and not (task.cause and task.error):
            yield f"task {task.id} has failed, and says neither why nor whose fault"
        if task.attempts > task.max_attempts:
            yield f"task {task.id} had {task.attempts} attempts, of {task.max_attempts}"
        final = task.cause is Cause.REQUEST or task.attempts >= task.max_attempts
        if task.state is TaskState.PENDING and task.attempts and final:
            yield f"task {task.id} is tried again after attempt {task.attempts} ({task.cause})"
    for build in world.all_builds.values():
        if (build.finished_at is None) == build.finished:
            yield f"build {build.id} is {build.state} and ended at {build.finished_at}"


def only_moves_are_moved(world: Whole) -> Iterator[str]:
    for events in world.events.values():
        for event in events:
            moves: dict[str, set[str]] = BUILD_MOVES if event.build_id else TASK_MOVES  # type: ignore[assignment]
            legal = event.old is None or event.new == history.REMOVED or event.new in moves.get(event.old, ())
            if not legal:
                yield f"event {event.id} goes from {event.old} to {event.new}"


def history_outlives_the_task(world: Whole) -> Iterator[str]:
    for number, events in world.events.items():
        if number not in world.tasks and replay(events).get(None) != history.REMOVED:
            yield f"task {number} is gone, and its history does not say so"


def fires_order_once(world: Whole) -> Iterator[str]:
    ordered = Counter(fire.task_id for fire in world.fires if fire.task_id)
    yield from (f"two fires ordered task {number}" for number, count in ordered.items() if count > 1)
    for fire in world.fires:
        if (fire.task_id is None) != (fire.error is not None):
            yield f"fire {fire.id} ordered {fire.task_id} and says {fire.error}"


def fires_ordered_what_there_was(world: Whole) -> Iterator[str]:
    for fire in world.fires:
        if fire.task_id and fire.task_id not in world.events:
            yield f"fire {fire.id} ordered task {fire.task_id}, of which nobody knows"


def buckets_hold_what_they_can(world: Whole) -> Iterator[str]:
    for bucket in world.buckets:
        allowance = world.rules.buckets.get(bucket.name) or world.rules.orders
        if not allowance or not 0 <= bucket.tokens <= allowance.depth:
            yield f"bucket {bucket.name} holds {bucket.tokens}"


def loops_have_seats(world: Whole) -> Iterator[str]:
    for runner in world.runners.values():
        if bool(runner.seat) != (runner.kind == "work" and runner.state is RunnerState.RUNNING):
            yield f"runner {runner.id} ({runner.kind}) is {runner.state} on seat {runner.seat}"


LAWS: list[Law] = [
    invariants.one_open_build_a_task,
    invariants.no_more_than_the_slots,
    invariants.what_a_build_holds,
    invariants.tasks_agree_with_builds,
    invariants.waits_are_counted,
    invariants.only_open_tasks_keep_others_out,
    no_more_than_a_recipes_limit,
    slots_are_there,
    ready_is_who_has_an_iso,
    followers_follow_the_same,
    ends_say_when_and_why,
    fires_order_once,
    buckets_hold_what_they_can,
    loops_have_seats,
]

LAWS_OF_HISTORY: list[Law] = [
    invariants.history_comes_to_the_present,
    whoever_waits_will_be_told,
    only_moves_are_moved,
    history_outlives_the_task,
    fires_ordered_what_there_was,
]
