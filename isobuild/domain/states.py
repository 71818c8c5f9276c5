"""The lives of a task and of a build, on one screen. What is not in MOVES cannot happen."""

from enum import StrEnum
from typing import Any


class TaskState(StrEnum):
    """Where a task stands."""

    PENDING = "pending"  # may be enqueued when its turn comes
    BLOCKED = "blocked"  # waits for another task; not in the ready index
    BUILDING = "building"  # has an open build
    READY = "ready"  # its ISO can be downloaded (seed 0: status = 1)
    FAILED = "failed"  # out of attempts, or can't be built; says why
    CANCELED = "canceled"  # a person said no
    EXPIRED = "expired"  # was ready; its ISO was pruned


class BuildState(StrEnum):
    """Where a build stands. `finished` and `busy` are seed 0's two columns, derived here and nowhere else."""

    PENDING = "pending"  # enqueued, idle (finished 0, busy 0)
    RUNNING = "running"  # flagged busy, a runner holds its lease (0, 1)
    SUCCEEDED = "succeeded"  # the ends (1, 0)
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELED = "canceled"

    @property
    def finished(self) -> bool:
        """Seed 0's `sudah_jadi`."""
        return self not in BUILD_MOVES

    @property
    def busy(self) -> bool:
        """Seed 0's `server_status`."""
        return self is BuildState.RUNNING


class RunnerState(StrEnum):
    """Where a runner stands; it leaves `running` once, for good."""

    RUNNING = "running"
    ENDED = "ended"  # it said so itself
    LOST = "lost"  # its process is gone, or its lease ran out


class AfterFailure(StrEnum):
    """What a task does when one that it depends on has ended without an ISO."""

    FAIL = "fail"
    RUN = "run"  # as if it had one
    WAIT = "wait"  # until that was tried again


class Cause(StrEnum):
    """Whose fault a failure is."""

    REQUEST = "request"  # the order itself can't be built: not tried again
    UPSTREAM = "upstream"  # a mirror, the network
    HOST = "host"  # disk full, a missing tool
    LOST = "lost"  # the runner died
    TIMEOUT = "timeout"


#: Nothing leaves an end: a retry is a new build.
BUILD_MOVES: dict[BuildState, set[BuildState]] = {
    BuildState.PENDING: {BuildState.RUNNING, BuildState.CANCELED},  # rule 2; a person, or its host is gone
    BuildState.RUNNING: {BuildState.SUCCEEDED, BuildState.FAILED, BuildState.TIMED_OUT, BuildState.CANCELED},
}

TASK_MOVES: dict[TaskState, set[TaskState]] = {
    TaskState.PENDING: {TaskState.BUILDING, TaskState.CANCELED},  # rule 1; a person, or it is too late
    # its dependencies are done, or the one it followed gave up; that one is ready; a person; one it needs has failed
    TaskState.BLOCKED: {TaskState.PENDING, TaskState.READY, TaskState.CANCELED, TaskState.FAILED},
    # the callback; another attempt, or given back; the last attempt; a person
    TaskState.BUILDING: {TaskState.READY, TaskState.PENDING, TaskState.FAILED, TaskState.CANCELED},
    TaskState.READY: {TaskState.EXPIRED},  # prune
    TaskState.FAILED: {TaskState.PENDING, TaskState.BLOCKED},  # a person's retry
    TaskState.CANCELED: {TaskState.PENDING, TaskState.BLOCKED},
    TaskState.EXPIRED: {TaskState.PENDING, TaskState.BLOCKED},
}

#: A task that has not come to its end.
OPEN = (TaskState.PENDING, TaskState.BLOCKED, TaskState.BUILDING)
#: One that has, and can't be downloaded: a person may retry it, and in the end it is forgotten.
WITHOUT_ISO = (TaskState.FAILED, TaskState.CANCELED, TaskState.EXPIRED)

MOVES: dict[type[StrEnum], dict[Any, Any]] = {BuildState: BUILD_MOVES, TaskState: TASK_MOVES}
