"""The rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from isobuild.domain.columns import AWAKE, TABLE, Base, WakeTime
from isobuild.domain.states import AfterFailure, BuildState, Cause, RunnerState, TaskState

LONGEST_REASON = 400  # characters of why something is paused


class User(Base):
    """Somebody who orders."""

    __tablename__ = "users"
    __table_args__ = (TABLE,)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    load: Mapped[float] = mapped_column(default=0.0, server_default="0")  # builds it had lately; an old one counts less
    load_at: Mapped[datetime | None]  # when that was worked out
    created_at: Mapped[datetime]


class Task(Base):
    """An ISO somebody ordered."""

    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(64))
    iso: Mapped[str] = mapped_column(String(80))
    recipe: Mapped[str] = mapped_column(String(64))
    options: Mapped[dict[str, Any]]
    state: Mapped[TaskState] = mapped_column(default=TaskState.PENDING)
    # its place in the line
    queue: Mapped[str] = mapped_column(String(32))
    rank: Mapped[int] = mapped_column(default=0)  # -priority: an index is walked upwards
    not_before: Mapped[datetime | None] = mapped_column(WakeTime, nullable=False, default=lambda: AWAKE)
    not_after: Mapped[datetime | None]  # later than this it is no longer wanted
    waits: Mapped[int] = mapped_column(
        default=0, server_default="0"
    )  # dependencies that have not come to their end yet
    on_dependency_failure: Mapped[AfterFailure] = mapped_column(default=AfterFailure.FAIL, server_default="fail")
    # the same order again
    key: Mapped[str | None] = mapped_column(String(64), index=True)  # of recipe and options (keys.py)
    without_overlapping: Mapped[bool] = mapped_column(default=False, server_default=false())
    open_key: Mapped[str | None] = mapped_column(String(64))  # the key while it is open: no overlap
    fingerprint: Mapped[str | None] = mapped_column(String(64))  # equal ones make equal ISOs
    follows: Mapped[int | None] = mapped_column(index=True)  # the task whose ISO it will have too
    # attempts
    attempts: Mapped[int] = mapped_column(default=0)  # failed ones since it was ordered, retried or ready
    max_attempts: Mapped[int]
    retry_delay: Mapped[float]  # seconds
    time_limit: Mapped[float]  # seconds, then its build is killed
    soft_limit: Mapped[float | None]  # seconds, then its build is asked to end
    boot_test: Mapped[bool | None]  # whether its ISO is booted; None: as the site says
    # its end, and after
    cause: Mapped[Cause | None]
    error: Mapped[str | None] = mapped_column(Text)
    ttl: Mapped[float | None]  # seconds that its ISO is kept: None as the site says, -1 for good
    pinned: Mapped[bool] = mapped_column(default=False, server_default=false())  # kept, whatever else is pruned
    expires_at: Mapped[datetime | None]  # when its ISO goes, or went; None: as the site says (see pruning.py)
    updates: Mapped[dict[str, Any] | None]  # newer versions of what its ISO has
    updates_at: Mapped[datetime | None]  # when they were looked for
    write_last_exec: Mapped[bool] = mapped_column(default=False, server_default=false())
    signal: Mapped[str | None] = mapped_column(String(16), index=True)  # the hook that is due: "ready", "failed"
    # forecasts
    weight: Mapped[int] = mapped_column(
        default=0, server_default="0"
    )  # the size of the order, as its recipe's other orders have one
    promised_from: Mapped[datetime | None]  # when it was ordered, its ISO was expected between these
    promised_until: Mapped[datetime | None]
    instance: Mapped[str | None] = mapped_column(String(64))  # the installation that took the order
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    @property
    def priority(self) -> int:
        """Higher goes first."""
        return -self.rank

    __table_args__ = (
        UniqueConstraint("user_id", "name"),
        # The order in which tasks go. A claim reads its first row, however many there are; it walks past those of
        # recipes that are full or dry.
        Index("ix_tasks_ready", "state", "not_before", "queue", "rank", "created_at", "id"),
        # The same for each user apart, for sites that are fair.
        Index("ix_tasks_fair", "state", "not_before", "queue", "rank", "user_id", "created_at", "id"),
        Index(None, "state", "not_after"),
        Index(None, "state", "pinned", "expires_at", "finished_at"),
        Index(None, "fingerprint", "state", "id"),
        Index("uq_tasks_open_key", "open_key", unique=True),
        TABLE,
    )


class Build(Base):
    """One attempt at a task."""

    __tablename__ = "builds"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    recipe: Mapped[str] = mapped_column(
        String(64), server_default=""
    )  # its task's, and so the weight: forecasts look at builds alone
    weight: Mapped[int] = mapped_column(default=0, server_default="0")
    state: Mapped[BuildState] = mapped_column(default=BuildState.PENDING)
    attempt: Mapped[int]
    host: Mapped[str] = mapped_column(String(64))
    slot: Mapped[int]
    open_task: Mapped[int | None] = mapped_column(unique=True)  # its task while it is open: one open build a task
    open_slot: Mapped[str | None] = mapped_column(String(80), unique=True)  # likewise: one build a slot
    open_limit: Mapped[str | None] = mapped_column(String(80))  # likewise: one a place of its recipe's limit
    token: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime]
    runner_id: Mapped[int | None] = mapped_column(index=True)
    stop: Mapped[str | None] = mapped_column(String(16))  # what somebody asked of the runner: "cancel", "release"
    percent: Mapped[float] = mapped_column(default=0.0)
    step: Mapped[str | None] = mapped_column(String(64))
    cause: Mapped[Cause | None]
    error: Mapped[str | None] = mapped_column(Text)
    exit_status: Mapped[int | None]  # of the step that failed
    tail: Mapped[str | None] = mapped_column(Text)  # the last lines it printed
    results: Mapped[dict[str, Any] | None]  # what its script left in results.json
    proof: Mapped[dict[str, Any] | None]  # how its ISO booted, by firmware
    stages: Mapped[dict[str, Any] | None]  # what the stage cache gave, and saved
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self.state.finished

    @property
    def busy(self) -> bool:
        """Whether it is being worked on."""
        return self.state.busy

    __table_args__ = (
        Index(None, "state", "host"),
        Index(None, "task_id", "id"),
        Index(None, "recipe", "state", "id"),
        Index("uq_builds_open_limit", "open_limit", unique=True),
        TABLE,
    )


class Runner(Base):
    """A process that carries builds: one, or, as a loop, one after the other."""

    __tablename__ = "runners"

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(64))
    instance: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(8))  # run: one build; work: a loop
    pid: Mapped[int]
    pid_start: Mapped[str | None] = mapped_column(String(80))  # with the pid it names one process for good
    state: Mapped[RunnerState] = mapped_column(default=RunnerState.RUNNING)
    seat: Mapped[str | None] = mapped_column(String(80), unique=True)  # of a loop while it runs: one of its host's
    leased_until: Mapped[datetime]
    memory: Mapped[int | None] = mapped_column(BigInteger)  # bytes at most, of the process itself
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "state", "host"), Index(None, "finished_at"), TABLE)


class Event(Base):
    """A change of state. It stays when its task is removed, until it is pruned itself."""

    __tablename__ = "history"
    __table_args__ = (Index(None, "task_id", "id"), Index(None, "at"), TABLE)

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int]
    build_id: Mapped[int | None]  # None: the task itself changed
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(80))
    old: Mapped[str | None] = mapped_column(String(16))  # None: it came to be
    new: Mapped[str] = mapped_column(String(16))
    why: Mapped[str | None] = mapped_column(Text)


class Artifact(Base):
    """A file of a task. Tasks that share an ISO have one each, and the same file."""

    __tablename__ = "artifacts"
    __table_args__ = (UniqueConstraint("task_id", "name"), Index(None, "build_id"), TABLE)

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    build_id: Mapped[int]  # which made it; of this task, or of the one that it shares with
    kind: Mapped[str] = mapped_column(String(16), default="iso", server_default="iso")
    name: Mapped[str] = mapped_column(String(80))  # as people see it
    file: Mapped[str] = mapped_column(String(80), server_default="")  # in the store, in the build's folder
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    sha256: Mapped[str] = mapped_column(String(64))
    proof: Mapped[dict[str, Any] | None]  # of an ISO: how it booted, as its build has it, which may be removed
    created_at: Mapped[datetime]


class Dependency(Base):
    """A task waits for another."""

    __tablename__ = "dependencies"
    __table_args__ = (TABLE,)

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True)
    on_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True, index=True)
    met: Mapped[bool] = mapped_column(default=False)  # the task waits for it no longer


class Tag(Base):
    """A word about a task, and its value."""

    __tablename__ = "tags"
    __table_args__ = (Index(None, "tag", "value", "task_id"), TABLE)

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))


class Pause(Base):
    """A queue from which nothing goes."""

    __tablename__ = "pauses"
    __table_args__ = (TABLE,)

    queue: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))


class Schedule(Base):
    """A cron line that orders tasks."""

    __tablename__ = "schedules"
    __table_args__ = (Index(None, "next_at"), Index(None, "seen_at"), TABLE)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    cron: Mapped[str] = mapped_column(String(120))
    zone: Mapped[str] = mapped_column(String(64))
    grace: Mapped[float]  # seconds after which a missed fire is not made up for
    wish: Mapped[dict[str, Any]]  # the order, as each fire makes it
    paused_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))  # why it is paused
    since: Mapped[datetime]  # fires before this do not count: it was added, or resumed
    seen_at: Mapped[datetime]  # when next_at was worked out; a clock that went back is noticed by it
    next_at: Mapped[datetime | None]  # None: never
    created_at: Mapped[datetime]


class Fire(Base):
    """One moment of a schedule, acted upon once."""

    __tablename__ = "fires"
    __table_args__ = (UniqueConstraint("schedule_id", "at"), Index(None, "at"), TABLE)

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedules.id", ondelete="CASCADE"))
    at: Mapped[datetime]  # the moment of the cron line
    fired_at: Mapped[datetime]
    task_id: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)  # why it ordered nothing


class LastExecution(Base):
    """When an order was last carried out with success (uni2work's CronLastExec)."""

    __tablename__ = "last_executions"
    __table_args__ = (TABLE,)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    job: Mapped[dict[str, Any]]  # recipe and options
    at: Mapped[datetime]
    instance: Mapped[str] = mapped_column(String(64))
    task_id: Mapped[int]


class Bucket(Base):
    """Tokens that come back with time (uni2work's TokenBucket)."""

    __tablename__ = "buckets"
    __table_args__ = (TABLE,)

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    tokens: Mapped[float]
    at: Mapped[datetime]
