"""All rows of a database as JSON lines, and back into an empty one, of another kind if wanted.

    {"isobuild": "0.1.0", "numbers": {"builds": 7, …}, "revision": "0002_queue"}      which numbers were given so far
    {"table": "users", "created_at": "2026-11-21T07:00:00+00:00", "id": 1, …}         a line for each row
    {"rows": {"users": 1, …}, "sha256": "…"}                                          of all the lines before

Equal rows give equal bytes, whichever database they are in.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, Any, NamedTuple

from sqlalchemy import BigInteger, Column, Enum, Table, insert, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from isobuild import schema
from isobuild.db import Database, bytewise, count_on, last_number
from isobuild.domain.columns import Base, JsonText, UtcDateTime, WakeTime
from isobuild.domain.tables import User
from isobuild.errors import BadBackup, NotEmpty

SOME = 1000  # rows that are held at a time
HEAD = {"isobuild", "revision", "numbers"}
END = {"rows", "sha256"}
TABLES = {table.name: table for table in Base.metadata.sorted_tables}  # what others refer to comes first
NUMBERED = [name for name, table in TABLES.items() if table.autoincrement_column is not None]


# out


def export(db: Database, out: IO[bytes], version: str) -> int:
    """Write all rows as they are at one moment; how many. `version` is isobuild's, for people."""
    digest, counts = hashlib.sha256(), Counter[str]()
    with db.snapshot() as session:
        for line in _lines(session, version):
            counts[line.get("table", "")] += 1
            written = _write(out, line)
            digest.update(written)
    rows = {name: counts[name] for name in TABLES}
    _write(out, {"rows": rows, "sha256": digest.hexdigest()})
    out.flush()
    return sum(rows.values())


def _lines(session: Session, version: str) -> Iterator[Mapping[str, Any]]:
    session.execute(select(User.id).limit(1)).all()  # the moment: what is numbered later is not seen any more
    numbers = {name: last_number(session, name) for name in NUMBERED}
    yield {"isobuild": version, "revision": schema.head(), "numbers": numbers}
    for table in TABLES.values():
        ordered = select(table).order_by(*(bytewise(session, column) for column in table.primary_key))
        for row in session.execute(ordered, execution_options={"yield_per": SOME}).mappings():
            yield {"table": table.name, **row}


def _write(out: IO[bytes], line: Mapping[str, Any]) -> bytes:
    written = json.dumps(line, default=_time, sort_keys=True).encode() + b"\n"
    out.write(written)
    return written


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{value!r} has no form in JSON")


# in


class Row(NamedTuple):
    """A row that was read, and the number of its line."""

    line: int
    table: Table
    values: dict[str, Any]


def read(db: Database, source: IO[bytes]) -> int:
    """Bring all that was exported into an empty database of the same revision; how many rows.

    `source` is read from its beginning, again after a collision. Raises BadBackup, which names the line, and NotEmpty;
    then no row is added.
    """
    return db.write(_read, source)


def _read(session: Session, source: IO[bytes]) -> int:
    if filled := [name for name, table in TABLES.items() if session.execute(select(table).limit(1)).first()]:
        raise NotEmpty(tables=", ".join(filled))
    source.seek(0)
    exported = Export(source)
    for name, last in exported.numbers.items():
        count_on(session, name, last)
    some: list[Row] = []
    for row in exported.rows():
        if some and (row.table is not some[0].table or len(some) == SOME):
            _insert(session, some)
            some = []
        some.append(row)
    _insert(session, some)
    exported.check()
    return exported.counts.total()


def _insert(session: Session, rows: Sequence[Row]) -> None:
    """Add rows of one table; if they can't be added all at once, one by one, to find which."""
    if not rows:
        return
    try:
        with session.begin_nested():
            session.execute(insert(rows[0].table), [row.values for row in rows])
    except (IntegrityError, DataError) as error:
        if len(rows) == 1:
            raise _wrong(rows[0].line, f"the database refuses it ({error.orig})") from error
        for row in rows:
            _insert(session, [row])


class Export:
    """What was exported, line by line, each of them checked. Raises BadBackup."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self._lines = iter(source)
        self._line = 0
        self._digest = hashlib.sha256()
        self.counts = Counter(dict.fromkeys(TABLES, 0))
        self._last: Mapping[str, Any] = {}
        self.numbers = self._numbers(self._next())

    def rows(self) -> Iterator[Row]:
        """All rows."""
        while (said := self._next()).keys() != END:
            try:
                row = _row(self._line, said)
            except (KeyError, TypeError, ValueError) as error:
                raise _wrong(self._line, str(error)) from error
            if row.table.name in self.numbers and row.values["id"] > self.numbers[row.table.name]:
                raise _wrong(self._line, f"number {row.values['id']} was never given, says line 1")
            self.counts[row.table.name] += 1
            yield row
        self._last = said

    def check(self) -> None:
        """Hold the rows against the last line, when all of them were read."""
        if self._last["rows"] != self.counts:
            raise _wrong(self._line, f"it counts {self._last['rows']}, and there are {dict(self.counts)}")
        if self._last["sha256"] != self._digest.hexdigest():
            raise _wrong(self._line, "the lines before it were changed since they were written")
        if next(self._lines, b""):
            raise _wrong(self._line + 1, "there is something after the end")

    def _next(self) -> dict[str, Any]:
        raw = next(self._lines, b"")
        self._line += 1
        if not raw:
            raise _wrong(self._line, "it is missing: the end was cut off")
        try:
            said = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise _wrong(self._line, f"it is no JSON ({error})") from error
        if not isinstance(said, dict):
            raise _wrong(self._line, "it is no JSON object")
        if said.keys() != END:
            self._digest.update(raw)
        return said

    def _numbers(self, head: Mapping[str, Any]) -> dict[str, int]:
        if head.keys() != HEAD:
            raise _wrong(1, "what 'isobuild export' writes begins otherwise")
        if head["revision"] != schema.head():
            advice = f"this isobuild needs {schema.head()}: bring both to one release, and export again"
            raise _wrong(1, f"it is of revision {head['revision']}, and {advice}")
        numbers = head["numbers"]
        if (
            not isinstance(numbers, dict)
            or numbers.keys() != set(NUMBERED)
            or not all(type(n) is int for n in numbers.values())
        ):
            raise _wrong(1, "it does not tell the numbers that were given")
        return numbers


def _row(line: int, said: Mapping[str, Any]) -> Row:
    """Raises ValueError, KeyError, TypeError for what can't be a row."""
    table = TABLES.get(said.get("table", ""))
    if table is None:
        raise ValueError(f"there is no table {said.get('table')!r}")
    columns = {"table", *table.columns.keys()}
    if odd := sorted(columns.symmetric_difference(said)):
        raise ValueError(f"table {table.name} has other columns (see {', '.join(odd)})")
    return Row(line, table, {column.name: _value(column, said[column.name]) for column in table.columns})


def _value(column: Column[Any], said: Any) -> Any:
    """A value as the column takes it. Raises ValueError, TypeError."""
    kind = column.type
    if said is None and (column.nullable or isinstance(kind, WakeTime)):
        return None
    if isinstance(kind, JsonText) and said is not None:
        return said
    if isinstance(kind, Enum) and kind.enum_class:
        return kind.enum_class(said)
    if isinstance(kind, UtcDateTime) and (time := datetime.fromisoformat(said)).tzinfo:
        return time
    if type(said) is not kind.python_type or not _fits(kind, said):
        raise ValueError(f"{column} can't be {said!r}")
    return said


def _fits(kind: TypeEngine[Any], value: object) -> bool:
    if isinstance(value, str):  # whose every character has bytes
        return value.encode(errors="replace").decode() == value
    return not isinstance(value, int) or abs(value) < 1 << (63 if isinstance(kind, BigInteger) else 31)


def _wrong(line: int, why: str) -> BadBackup:
    return BadBackup(field="line", given=line, allowed=why)
