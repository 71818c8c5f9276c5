"""What the end of one task makes of another."""

from dataclasses import dataclass

from isobuild.domain.states import Cause, TaskState


@dataclass(frozen=True, slots=True)
class Fate:
    """The end that a blocked task comes to."""

    task: int
    state: TaskState
    why: str
    cause: Cause | None = None
    error: str | None = None
