"""What settings hold that is more than a number or a text."""

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

PACE = re.compile(r"([1-9]\d{0,5}) per (?:([1-9]\d{0,3}) )?(second|minute|hour|day|week)s?")
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}


class Pace(NamedTuple):
    """So many in so many seconds."""

    tokens: int
    seconds: int


def _words(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _pairs(value: object) -> object:
    """`tiny=4, debian-live=2`, as the environment has it, is what the file says in a table."""
    if not isinstance(value, str):
        return value
    pairs: dict[str, Any] = {}
    for pair in filter(None, (part.strip() for part in value.split(","))):
        name, equals, of_it = (part.strip() for part in pair.partition("="))
        if not equals or name in pairs:
            raise PydanticCustomError("pairs", "a table in the file, or NAME=VALUE, NAME=VALUE, each name once")
        pairs[name] = of_it
    return pairs


def _pace(value: object) -> object:
    if isinstance(value, Pace):
        return value
    found = PACE.fullmatch(" ".join(value.split())) if isinstance(value, str) else None
    if not found:
        raise PydanticCustomError("pace", "a number and a period, such as '20 per day' or '3 per 10 minutes'")
    return Pace(int(found[1]), int(found[2] or 1) * SECONDS[found[3]])


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Lane = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
Lanes = Annotated[tuple[Lane, ...], BeforeValidator(_words)]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
OnePace = Annotated[Pace, BeforeValidator(_pace)]
Paces = Annotated[dict[Label, OnePace], BeforeValidator(_pairs)]
Counts = Annotated[dict[Label, Annotated[int, Field(ge=1, le=1000)]], BeforeValidator(_pairs)]
Labels = Annotated[dict[Label, Label], BeforeValidator(_pairs)]
