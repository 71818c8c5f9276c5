"""Same order, same ISO: an order like one that is ready has that ISO at once; like one in progress, it joins that."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, union_all
from sqlalchemy.orm import Session

from isobuild.domain import proofs, pruning, queues
from isobuild.domain.fates import Fate
from isobuild.domain.guard import change, move
from isobuild.domain.history import By
from isobuild.domain.states import Cause, TaskState
from isobuild.domain.tables import Artifact, Task

#: In this order an equal task is wanted.
ANSWERS = (TaskState.READY, TaskState.BUILDING, TaskState.PENDING, TaskState.BLOCKED, TaskState.FAILED)


def twin(session: Session, fingerprint: str, now: datetime) -> Task | None:
    """A task that has (or will have, or can't have) the same ISO, held until this transaction's end."""
    equal = (
        select(Task.id, Task.state)
        .where(Task.fingerprint == fingerprint, Task.state == state, _answers(state, now))
        .order_by(Task.id.desc())
        .limit(1)
        .subquery()
        .select()
        for state in ANSWERS
    )  # one look, so that none can be missed between two: into the index for each state, however many are equal
    found = {state: number for number, state in session.execute(union_all(*equal))}
    best = next((state for state in ANSWERS if state in found), None)
    if best is None:
        return None
    held = select(Task).where(Task.id == found[best], Task.state == best).with_for_update()
    return session.scalar(held.execution_options(populate_existing=True))


def _answers(state: TaskState, now: datetime) -> ColumnElement[bool]:
    """Not what follows another, nor what somebody wants later; and no failure is for good but the order's own."""
    if state is TaskState.FAILED:
        return and_(Task.follows.is_(None), Task.cause == Cause.REQUEST)
    return and_(Task.follows.is_(None), or_(Task.not_before <= now, Task.attempts > 0))


def is_proof_enough(session: Session, like: Task, boot_test: bool | None) -> bool:
    """Whether its ISO was tried to boot, or will be, if that is wanted."""
    if not boot_test or like.state is TaskState.FAILED:
        return True
    if like.state is not TaskState.READY:
        return like.boot_test is True
    made = select(Artifact.proof).where(Artifact.task_id == like.id, Artifact.kind == "iso")
    return proofs.verified(session.scalar(made)) is not None


def answer(session: Session, like: Task, places: Mapping[str, int], task: Task) -> None:
    """Let a new task, before it is added, be what `like` is or become what that becomes.

    `places` are the queues in their order: whoever is sooner takes the other along.
    """
    if like.state is TaskState.READY:
        task.state, task.finished_at, task.signal = TaskState.READY, task.created_at, "ready"
        task.expires_at = pruning.expires_at(task.ttl, task.created_at)
    elif like.state is TaskState.FAILED:
        task.state, task.finished_at, task.signal = TaskState.FAILED, task.created_at, "failed"
        task.cause, task.error = like.cause, like.error
    else:
        task.state, task.follows = TaskState.BLOCKED, like.id
        sooner = (places[task.queue], task.rank) < (places.get(like.queue, len(places)), like.rank)
        if sooner and task.queue not in queues.paused(session):
            waits = Task.id == like.id, Task.state == TaskState.PENDING
            change(session, Task, *waits, queue=task.queue, rank=task.rank)


def copy(session: Session, source: int, target: Task, now: datetime) -> None:
    """Give a task the files of another, each named after its own ISO."""
    old, new = (iso.removesuffix(".iso") for iso in (session.get_one(Task, source).iso, target.iso))
    for file in session.scalars(select(Artifact).where(Artifact.task_id == source).order_by(Artifact.id)).all():
        same = {"build_id": file.build_id, "kind": file.kind, "file": file.file, "size": file.size}
        same |= {"sha256": file.sha256, "proof": file.proof}
        name = f"{new}{file.name.removeprefix(old)}"
        session.add(Artifact(task_id=target.id, name=name, created_at=now, **same))
    session.flush()


def tell(session: Session, ended: int, state: TaskState, by: By) -> list[Fate]:
    """What the end of a task means to those that follow it: its ISO, its failure, or that the first takes its place."""
    following = Task.follows == ended, Task.state == TaskState.BLOCKED
    followers = session.scalars(select(Task.id).where(*following).order_by(Task.id)).all()
    if not followers:
        return []
    if state is TaskState.READY:
        return [Fate(number, TaskState.READY, f"the same as task {ended}") for number in followers]
    failed = session.get_one(Task, ended, populate_existing=True)
    if state is TaskState.FAILED and failed.cause is Cause.REQUEST:
        why = f"the same as task {ended}"
        return [Fate(number, TaskState.FAILED, why, failed.cause, failed.error) for number in followers]
    _take_over(session, followers, by.because(f"task {ended}, which is the same, is {state}"))
    return []


def _take_over(session: Session, followers: Sequence[int], by: By) -> None:
    for place, heir in enumerate(followers, 1):
        if move(session, Task, heir, TaskState.BLOCKED, TaskState.PENDING, by, follows=None):
            for number in followers[place:]:
                change(session, Task, Task.id == number, Task.state == TaskState.BLOCKED, follows=heir)
            return
