"""The rows. Times are UTC with microseconds, on every database."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Enum, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from isobuild.domain.states import BuildState, Cause, TaskState


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """MariaDB would keep whole seconds unless asked."""
        if dialect.name not in {"mysql", "mariadb"}:
            return super().load_dialect_impl(dialect)
        from sqlalchemy.dialects.mysql import DATETIME

        return dialect.type_descriptor(DATETIME(fsp=6))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone; store the others as UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give an aware time back."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


#: the task may go now; at any other time of `not_before` it sleeps until then
AWAKE = None


class WakeTime(UtcDateTime):
    """A time or AWAKE, which is kept as 1970 and compared with `=`: PostgreSQL reads an index in its order only behind
    values that are equal, and to it NULL equals nothing.
    """

    cache_ok = True
    coerce_to_is_types = ()
    _awake = datetime(1970, 1, 1, tzinfo=UTC)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """AWAKE as its time."""
        return super().process_bind_param(value or self._awake, dialect)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Its time as AWAKE."""
        time = super().process_result_value(value, dialect)
        return AWAKE if time == self._awake else time


class JsonText(TypeDecorator[Any]):
    """A JSON value in a text column: ASCII, its keys in order, so that equal values are equal texts."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Write it canonically."""
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read it back."""
        return None if value is None else json.loads(value)


def _one_of(kind: type[StrEnum]) -> Enum:
    return Enum(
        kind, native_enum=False, create_constraint=False, length=16, values_callable=lambda k: [m.value for m in k]
    )


class Base(DeclarativeBase):
    """Every table of isobuild."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it from the class)
        datetime: UtcDateTime,
        TaskState: _one_of(TaskState),
        BuildState: _one_of(BuildState),
        Cause: _one_of(Cause),
        dict[str, Any]: JsonText,
    }


#: A number is never given twice (SQLite would), and text is compared byte by byte (MariaDB would not).
TABLE = {
    "sqlite_autoincrement": True,
    **{f"{dialect}_charset": "utf8mb4" for dialect in ("mysql", "mariadb")},
    **{f"{dialect}_collate": "utf8mb4_bin" for dialect in ("mysql", "mariadb")},
}


class User(Base):
    """Somebody who orders."""

    __tablename__ = "users"
    __table_args__ = (TABLE,)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
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
    queue: Mapped[str] = mapped_column(String(32))
    rank: Mapped[int] = mapped_column(default=0)  # -priority: an index is walked upwards
    not_before: Mapped[datetime | None] = mapped_column(WakeTime, nullable=False, default=lambda: AWAKE)
    attempts: Mapped[int] = mapped_column(default=0)  # failed ones since it was ordered, retried or ready
    max_attempts: Mapped[int]
    retry_delay: Mapped[float]  # seconds
    time_limit: Mapped[float]  # seconds
    cause: Mapped[Cause | None]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    @property
    def priority(self) -> int:
        """Higher goes first."""
        return -self.rank

    __table_args__ = (
        UniqueConstraint("user_id", "name"),
        # The order in which tasks go. A claim reads its first row, however many there are.
        Index("ix_tasks_ready", "state", "not_before", "queue", "rank", "created_at", "id"),
        TABLE,
    )


class Build(Base):
    """One attempt at a task."""

    __tablename__ = "builds"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    state: Mapped[BuildState] = mapped_column(default=BuildState.PENDING)
    attempt: Mapped[int]
    host: Mapped[str] = mapped_column(String(64))
    slot: Mapped[int]
    open_task: Mapped[int | None] = mapped_column(unique=True)  # its task while it is open: one open build a task
    open_slot: Mapped[str | None] = mapped_column(String(80), unique=True)  # likewise: one build a slot
    token: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime]
    pid: Mapped[int | None]  # the runner's process; with its start it names one process for good
    pid_start: Mapped[str | None] = mapped_column(String(80))
    stop: Mapped[str | None] = mapped_column(String(16))  # what somebody asked of the runner: "cancel"
    percent: Mapped[float] = mapped_column(default=0.0)
    step: Mapped[str | None] = mapped_column(String(64))
    cause: Mapped[Cause | None]
    error: Mapped[str | None] = mapped_column(Text)
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

    __table_args__ = (Index(None, "state", "host"), Index(None, "task_id", "id"), TABLE)


class Artifact(Base):
    """A file a build made."""

    __tablename__ = "artifacts"
    __table_args__ = (Index(None, "task_id"), Index(None, "created_at"), TABLE)

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    build_id: Mapped[int] = mapped_column(ForeignKey("builds.id", ondelete="CASCADE"), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
