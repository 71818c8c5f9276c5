"""What a statement reads, locks and publishes: by that we know which two may change places without any difference.

It is read from the text, and is too much rather than too little: rows by their numbers where no others can be meant,
else whole tables.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import UniqueConstraint

from isobuild.domain.columns import Base

Cells = frozenset[tuple[str, object]]  # a table and the number of a row, or None for all of it
NOTHING: Cells = frozenset()
ENDS = ("COMMIT", "ROLLBACK")
BACK = "ROLLBACK TO SAVEPOINT"
BEGIN = "BEGIN IMMEDIATE"  # SQLite: nobody else writes until the end
ALONE = ("", None)  # not a table, but all there is

WRITES = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) (\w+)")
LOCKS = re.compile(r"\bFOR (NO KEY )?(UPDATE|SHARE)|LOCK IN SHARE MODE")
NUMBERS = re.compile(
    r"(?:FROM|UPDATE) (\w+)(?: SET .*)? WHERE \1\.id (?:=|IN) \(?((?:%\(\w+\)s(?:, )?)+)\)?(?: (?!OR)|$)"
)
PLACES = re.compile(r"%\((\w+)\)s")
SETS = re.compile(r"\b(\w+)=(?:%\((\w+)\)s)?")
#: new rows can't collide with each other unless they have this in common
GROUPS = {"artifacts": "task_id", "dependencies": "task_id", "tags": "task_id"}


@dataclass(frozen=True)
class Footprint:
    """What is looked at as it was committed, what is locked, or only must not be locked by others at the moment, and
    what is let go, so that everybody sees what was written.
    """

    reads: Cells = NOTHING
    tries: Cells = NOTHING
    locks: Cells = NOTHING
    publishes: Cells = NOTHING

    def __or__(self, other: "Footprint") -> "Footprint":
        reads, tries = self.reads | other.reads, self.tries | other.tries
        return Footprint(reads, tries, self.locks | other.locks, self.publishes | other.publishes)

    def disturbs(self, other: "Footprint") -> bool:
        """Whether it makes a difference which of the two is first. What isn't committed is seen by nobody else."""
        return (
            meet(self.locks, other.locks | other.tries)
            or meet(self.tries, other.locks)
            or meet(self.publishes, other.touches)
            or meet(other.publishes, self.touches)
        )

    @property
    def touches(self) -> Cells:
        """Where it looks or locks."""
        return self.reads | self.tries | self.locks


def meet(some: Cells, others: Cells) -> bool:
    """Whether any row is among both."""
    return any(
        table == other and (row == another or row is None or another is None)
        for table, row in some
        for other, another in others
    )


@dataclass(frozen=True)
class Statement:
    """What is sent. `straight`: rows that it names by their numbers are the only ones that the server passes."""

    text: str
    values: Mapping[str, Any]
    straight: bool = True

    def footprint(self, held: Cells) -> Footprint:
        """In a transaction that has locked these."""
        if self.text.startswith((*ENDS, BACK)):
            return Footprint(publishes=held)
        if self.text == BEGIN:
            return Footprint(locks=_all(*_tables()) | {ALONE})
        if ALONE in held:
            return Footprint()
        reads = self._rows() or _all(*_named(self.text))
        if written := WRITES.match(self.text):
            return Footprint(reads, locks=self._written(*written.groups()))
        if is_locking(self.text):
            return Footprint(reads, locks=reads if self.straight else _all(*_named(self.text)))
        return Footprint(reads)

    def _written(self, verb: str, table: str) -> Cells:
        """At READ COMMITTED the other tables that it names are only read; what a new row refers to is locked."""
        if verb == "INSERT INTO":
            referred = frozenset((parent, self.values.get(column)) for parent, column in _parents(table))
            return self._new(table) | referred
        if verb == "DELETE FROM":
            return _all(table, *(name for name in _tables() if table in dict(_parents(name))))
        rows = self._rows() if self.straight and not self._claims(table) else NOTHING
        return rows or _all(table)

    def _rows(self) -> Cells:
        """The rows that are meant, if they are named by their numbers and no other table is."""
        named = NUMBERS.search(self.text)
        if not named or self.text.count("SELECT") > self.text.startswith("SELECT") or " JOIN " in self.text:
            return NOTHING
        places = PLACES.findall(named[2])
        return frozenset((named[1], self.values[place]) for place in places) if self.values else NOTHING

    def _new(self, table: str) -> Cells:
        """What a new row may collide with. In the history: what comes of the same task or build."""
        if table == "history" and "build_id" in self.values:
            return frozenset({(table, self.values["build_id"] or -self.values["task_id"])})
        if table == "history" and self.values and (build := NUMBERS.search(self.text)):
            return frozenset({(table, self.values[PLACES.findall(build[2])[0]])})
        return frozenset({(table, self.values.get(GROUPS.get(table, "")))})

    def _claims(self, table: str) -> bool:
        """Whether it gives a column a value that only one row may have, or another row to refer to."""
        sets = SETS.findall(self.text.partition(" SET ")[2].partition(" WHERE ")[0])
        return any(column in _unique(table) and self.values.get(place, "") is not None for column, place in sets)


def is_locking(text: str) -> bool:
    """Whether a statement locks rows."""
    return bool(WRITES.match(text) or LOCKS.search(text))


def plain(text: str) -> str:
    """A statement without what only one kind of server writes."""
    return re.sub(r"[`\"]|::[A-Z]+( WITH TIME ZONE)?", "", " ".join(text.split()))


def _all(*tables: str) -> Cells:
    return frozenset((table, None) for table in tables)


@cache
def _named(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text)) & frozenset(_tables())


def _tables() -> Mapping[str, Any]:
    return Base.metadata.tables


@cache
def _parents(table: str) -> list[tuple[str, str]]:
    """The tables that it refers to, and by which columns."""
    return sorted((key.column.table.name, key.parent.name) for key in _tables()[table].foreign_keys)


@cache
def _unique(table: str) -> frozenset[str]:
    its = _tables()[table]
    constraints = [found for found in its.constraints if isinstance(found, UniqueConstraint)]
    indexes = [index for index in its.indexes if index.unique]
    return frozenset(column.name for found in (*constraints, *indexes) for column in found.columns) | {
        column for _parent, column in _parents(table)
    }
