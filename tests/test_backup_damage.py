"""What was damaged is refused, with its line, and changes nothing."""

import json
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import pytest
from backups import Open, export, exported, fill, opened, read
from orders import (
    all_rows,
)
from sqlalchemy.orm import Session

from isobuild import schema
from isobuild.db import Database
from isobuild.domain.tables import Task
from isobuild.errors import BadBackup

__all__ = ["exported", "opened"]


def test_what_is_damaged_at_its_end_changes_nothing(database: Database, exported: bytes) -> None:
    last = exported.count(b"\n")
    with pytest.raises(BadBackup, match=rf"^line {last}: "):
        read(database, exported.replace(b"nightly", b"nightlx"))
    assert [name for name, rows in all_rows(database).items() if rows] == []
    assert read(database, exported)


def _without(exported: bytes, part: str) -> bytes:
    lines = exported.splitlines(keepends=True)
    return b"".join(line for line in lines if part.encode() not in line)


def _change(of: str, /, **said: Any) -> Callable[[bytes], bytes]:
    """Change columns of the first row of a table; `...` takes one away."""

    def change(exported: bytes) -> bytes:
        lines = exported.splitlines(keepends=True)
        place = next(place for place, line in enumerate(lines) if f'"table": "{of}"'.encode() in line)
        row = {key: value for key, value in (json.loads(lines[place]) | said).items() if value is not ...}
        lines[place] = json.dumps(row).encode() + b"\n"
        return b"".join(lines)

    return change


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda _: b"", "line 1: it is missing: the end was cut off. Nothing was imported."),
    "no export": (lambda _: b"hello\n", "line 1: it is no JSON"),
    "a list": (lambda _: b"[1]\n", "line 1: it is no JSON object"),
    "deep": (lambda _: b"[" * 100_000, "line 1: it is no JSON"),
    "another beginning": (
        lambda it: it[it.index(b"\n") + 1 :],
        "line 1: what 'isobuild export' writes begins otherwise",
    ),
    "another revision": (
        lambda it: it.replace(schema.head().encode(), b"0001_heart"),
        "line 1: it is of revision 0001_",
    ),
    "no numbers": (lambda it: it.replace(b'"tasks": 6, ', b""), "line 1: it does not tell the numbers"),
    "cut off": (lambda it: it[:3000], "it is no JSON"),
    "no end": (lambda it: it[: it.rindex(b'{"rows"')], "it is missing: the end was cut off"),
    "something after": (lambda it: it + b"\n", "there is something after the end"),
    "a row less": (lambda it: _without(it, '"tag": "team"'), "it counts"),
    "a row twice": (lambda it: it.replace(*_twice(it)), "the database refuses it"),
    "a row without its task": (_change("tags", task_id=5), "the database refuses it"),
    "another value": (_change("users", name="dikz"), "the lines before it were changed"),
    "another order of bytes": (lambda it: it.replace(b'": ', b'":'), "the lines before it were changed"),
    "another table": (_change("users", table="people"), "there is no table 'people'"),
    "no table's name": (_change("users", table=["users"]), "unhashable"),
    "a column more": (_change("users", colour="red"), "table users has other columns (see colour)"),
    "a column less": (_change("tasks", rank=...), "table tasks has other columns (see rank)"),
    "another state": (_change("tasks", state="done"), "'done' is not a valid TaskState"),
    "no time": (_change("tasks", created_at="soon"), "Invalid isoformat string: 'soon'"),
    "a time without a zone": (_change("tasks", created_at="2026-11-21T07:00:00"), "tasks.created_at can't be '2026"),
    "a number as a time": (_change("tasks", created_at=5), "fromisoformat: argument must be str"),
    "nothing where something must be": (_change("tasks", name=None), "tasks.name can't be None"),
    "no options": (_change("tasks", options=None), "tasks.options can't be None"),
    "a text as a number": (_change("tasks", rank="1"), "tasks.rank can't be '1'"),
    "a flag as a number": (_change("tasks", rank=True), "tasks.rank can't be True"),
    "a number as a flag": (_change("tasks", pinned=0), "tasks.pinned can't be 0"),
    "a number too great": (_change("tasks", rank=1 << 31), "tasks.rank can't be 2147483648"),
    "a character that is none": (_change("users", name="\ud800"), "users.name can't be '\\ud800'"),
    "a number that was not given": (_change("tasks", id=7), "number 7 was never given, says line 1"),
}


AT_THE_END = {"a row less", "another value", "another order of bytes"}  # these are found


def _twice(exported: bytes) -> tuple[bytes, bytes]:
    line = next(line for line in exported.splitlines(keepends=True) if b'"table": "tags"' in line)
    return line, line * 2


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_refused_with_its_line(opened: Open, exported: bytes, damage: str) -> None:
    act, words = DAMAGES[damage]
    damaged = act(exported)
    assert damaged != exported
    empty = opened("sqlite", "damaged")
    with pytest.raises(BadBackup) as refused:
        read(empty, damaged)
    assert words in str(refused.value)
    assert [name for name, rows in all_rows(empty).items() if rows] == []
    lines = zip_longest(damaged.splitlines(), exported.splitlines())
    changed = next((place for place, (line, was) in enumerate(lines, 1) if line != was), damaged.count(b"\n"))
    assert refused.value.facts["given"] == (damaged.count(b"\n") if damage in AT_THE_END else changed)


def test_a_row_that_does_not_fit_in_the_new_database_is_named(opened: Open, exported: bytes) -> None:
    """SQLite keeps a text of any length, MariaDB 64 KiB of it."""
    full = opened("sqlite", "long")
    fill(full)
    full.write(_lengthen)
    exported = export(full)
    line = next(place for place, line in enumerate(exported.splitlines(), 1) if b"xxxxx" in line)
    with pytest.raises(BadBackup, match=rf"^line {line}: the database refuses it .*Data too long"):
        read(opened("mariadb", "short"), exported)


def _lengthen(session: Session) -> None:
    session.get_one(Task, 2).error = "x" * 70_000
