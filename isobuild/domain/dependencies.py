"""Dependencies: a task that waits for others, a base before its flavours."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain.fates import Fate
from isobuild.domain.guard import change, move
from isobuild.domain.history import By
from isobuild.domain.numbers import LARGEST
from isobuild.domain.states import OPEN, AfterFailure, Cause, TaskState
from isobuild.domain.tables import Dependency, Task
from isobuild.errors import BadInput

MANY = 500  # values in one statement


def lock(session: Session, numbers: Sequence[int]) -> list[Task]:
    """The tasks, held so that none can come to its end meanwhile. Raises BadInput for one that isn't there."""
    found: dict[int, Task] = {}
    for some in _chunks(sorted(number for number in set(numbers) if 0 < number <= LARGEST)):
        held = select(Task).where(Task.id.in_(some)).order_by(Task.id).with_for_update(read=True)
        found |= {task.id: task for task in session.scalars(held.execution_options(populate_existing=True))}
    for number in numbers:
        if number not in found:
            raise BadInput(field="after", given=number, allowed="the number of a task; 'isobuild tasks' lists them")
    return [found[number] for number in dict.fromkeys(numbers)]


def is_met(on: Task, policy: AfterFailure) -> bool:
    """Whether a task with this policy need not wait for `on` (any longer).

    Raises BadInput if it would wait in vain.
    """
    if on.state is TaskState.READY:
        return True
    if on.state in OPEN:
        return False
    if policy is AfterFailure.FAIL:
        allowed = f"a task that is ready or can become so: {on.id} is {on.state} (retry it first, or let failures be)"
        raise BadInput(field="after", given=on.id, allowed=allowed)
    return policy is AfterFailure.RUN


def add(session: Session, number: int, met: dict[int, bool]) -> None:
    """Note what a new task depends on, and whether it has that already."""
    session.add_all(Dependency(task_id=number, on_id=on, met=done) for on, done in met.items())


def tell(session: Session, ended: int, state: TaskState, by: By) -> list[Fate]:
    """Let those that wait for a task, which came to its end, go on; those that fail with it are returned."""
    edges = select(Dependency.task_id, Task.on_dependency_failure).join(Task, Task.id == Dependency.task_id)
    waiting = session.execute(edges.where(Dependency.on_id == ended, ~Dependency.met)).all()
    go_on = [task for task, policy in waiting if state is TaskState.READY or policy is AfterFailure.RUN]
    for some in _chunks(go_on):
        _meet(session, ended, some, by.because(f"task {ended} is {state}"))
    if state is TaskState.READY:
        return []
    error = f"Task {ended}, which it depends on, is {state}."
    failing = (task for task, policy in waiting if policy is AfterFailure.FAIL)
    return [Fate(task, TaskState.FAILED, error, Cause.REQUEST, error) for task in failing]


def _meet(session: Session, on: int, tasks: Sequence[int], by: By) -> None:
    change(session, Dependency, Dependency.on_id == on, Dependency.task_id.in_(tasks), met=True)
    change(session, Task, Task.id.in_(tasks), waits=Task.waits - 1)
    free = select(Task.id).where(Task.id.in_(tasks), Task.state == TaskState.BLOCKED, Task.waits == 0)
    for task in session.scalars(free.order_by(Task.id)).all():
        move(session, Task, task, TaskState.BLOCKED, TaskState.PENDING, by, Task.waits == 0)


def recount(session: Session, number: int) -> int:
    """For a task that is tried again: how many of its dependencies are not ready (now)."""
    edges = session.scalars(select(Dependency).where(Dependency.task_id == number)).all()
    policy = session.get_one(Task, number).on_dependency_failure
    waits = 0
    for on in lock(session, [edge.on_id for edge in edges]):
        met = on.state is TaskState.READY or (policy is AfterFailure.RUN and on.state not in OPEN)
        change(session, Dependency, Dependency.task_id == number, Dependency.on_id == on.id, met=met)
        waits += not met
    return waits


def of(session: Session, number: int) -> list[Task]:
    """The tasks that a task depends on, by their numbers."""
    chosen = select(Task).join(Dependency, Dependency.on_id == Task.id).where(Dependency.task_id == number)
    return list(session.scalars(chosen.order_by(Task.id)))


def missing(session: Session, numbers: Sequence[int]) -> dict[int, list[Task]]:
    """What each of these tasks depends on that is not ready."""
    found: dict[int, list[Task]] = {number: [] for number in numbers}
    for some in _chunks(numbers):
        edges = select(Dependency.task_id, Task).join(Task, Task.id == Dependency.on_id)
        for number, on in session.execute(edges.where(Dependency.task_id.in_(some), Task.state != TaskState.READY)):
            found[number].append(on)
    return found


def needed_by(session: Session, number: int) -> list[int]:
    """The numbers of the tasks that depend on this one and are not ready: they wait for it, or may be tried again."""
    chosen = select(Task.id).join(Dependency, Dependency.task_id == Task.id).where(Dependency.on_id == number)
    return list(session.scalars(chosen.where(Task.state != TaskState.READY).order_by(Task.id)))


def _chunks(values: Sequence[int]) -> Iterator[Sequence[int]]:
    return (values[start : start + MANY] for start in range(0, len(values), MANY))
