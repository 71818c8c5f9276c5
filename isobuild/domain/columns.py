"""What columns hold: times are UTC with microseconds, JSON is canonical, on every database."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Dialect, Enum, MetaData, Text
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

from isobuild.domain.states import AfterFailure, BuildState, Cause, RunnerState, TaskState


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

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write it canonically; None is NULL."""
        return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))

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
        RunnerState: _one_of(RunnerState),
        AfterFailure: _one_of(AfterFailure),
        Cause: _one_of(Cause),
        dict[str, Any]: JsonText,
    }


#: A number is never given twice (SQLite would), and text is compared byte by byte (MariaDB would not).
TABLE = {
    "sqlite_autoincrement": True,
    **{f"{dialect}_charset": "utf8mb4" for dialect in ("mysql", "mariadb")},
    **{f"{dialect}_collate": "utf8mb4_bin" for dialect in ("mysql", "mariadb")},
}
