"""Numbers in addresses and queries, within what every database can hold."""

from typing import Annotated

from fastapi import Path, Query

LARGEST = 2**63 - 1

Number = Annotated[int, Path(ge=1, le=LARGEST)]
"""A task's or a build's number, in a path: no such number is no such page."""
Before = Annotated[int | None, Query(ge=1, le=LARGEST)]
"""Pages go by number: those less than this."""
Chosen = Annotated[int | None, Query(ge=1, le=LARGEST)]
"""The number of a build, in a query."""
Offset = Annotated[int, Query(ge=0, le=LARGEST)]
"""Bytes from the beginning of a log."""
Limit = Annotated[int, Query(ge=1, le=500)]
"""How many at most."""
