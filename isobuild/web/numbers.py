"""Numbers in addresses and queries, within what every database can hold."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query

from isobuild.domain.numbers import LARGEST

FARTHEST = 2**63 - 1  # in a file

Number = Annotated[int, Path(ge=1, le=LARGEST)]
"""A task's or a build's number, in a path: no such number is no such page."""
Before = Annotated[int | None, Query(ge=1, le=LARGEST)]
"""Pages go by number: those less than this."""
Chosen = Annotated[int | None, Query(ge=1, le=LARGEST)]
"""The number of a task or a build, in a query."""
Tagged = Annotated[Sequence[str], Query(max_length=20)]
"""Tags that tasks must have: `NAME=VALUE`, or `NAME` alone for any value."""
Offset = Annotated[int, Query(ge=0, le=FARTHEST)]
"""Bytes from the beginning of a log."""
Limit = Annotated[int, Query(ge=1, le=500)]
"""How many at most."""


def tags_of(words: Sequence[str]) -> dict[str, str | None]:
    """Tags of a query, and their values; None: any."""
    pairs = (word.partition("=") for word in words)
    return {tag: value if equals else None for tag, equals, value in pairs}
