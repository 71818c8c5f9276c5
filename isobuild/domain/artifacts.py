"""Artifacts: the files of a task that can be downloaded."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain import dependencies, tasks
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Artifact, Build
from isobuild.errors import NotFound, NotReady


def of(session: Session, *numbers: int) -> dict[int, list[Artifact]]:
    """The files of tasks, by the tasks' numbers; the ISO of each is the first."""
    found: dict[int, list[Artifact]] = {number: [] for number in numbers}
    chosen = select(Artifact).where(Artifact.task_id.in_(numbers)).order_by(Artifact.kind != "iso", Artifact.id)
    for file in session.scalars(chosen):
        found[file.task_id].append(file)
    return found


def results(session: Session, number: int) -> list[tuple[dict[str, Any], dict[str, tuple[int, str] | None]]]:
    """What the tasks that a task depends on have made: facts about each, and its iso and manifest (build, file)."""
    found = []
    for task in dependencies.of(session, number):
        files = {file.kind: file for file in of(session, task.id)[task.id]}
        iso = files.get("iso")
        made = iso and session.get(Build, iso.build_id)
        facts = {
            "task": task.id,
            "name": task.name,
            "size": iso and iso.size,
            "sha256": iso and iso.sha256,
            "results": (made and made.results) or {},
        }
        kinds = {kind: files.get(kind) for kind in ("iso", "manifest")}
        found.append((facts, {kind: (file.build_id, file.file) if file else None for kind, file in kinds.items()}))
    return found


def find(session: Session, number: int, name: str | None = None) -> Artifact:
    """A file of a ready task: the ISO, unless another is named. Raises NotFound, NotReady.

    Of a task that shares another's ISO the names that its builder gave are known too: zsync files name the ISO by them.
    """
    task = tasks.get(session, number)
    files = of(session, number)[number]
    if task.state is not TaskState.READY or not files:
        raise NotReady(task=number, state=task.state)
    named = [file for file in files if name in (None, file.name)] or [file for file in files if file.file == name]
    chosen = next(iter(named), None)
    if chosen is None:
        there = ", ".join(file.name for file in files)
        raise NotFound(what="file", given=name, hint=f"Task {number} has {there}.")
    return chosen
