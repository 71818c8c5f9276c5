"""What a person typed into a form, as values; where it can't be one, BadInput names the field."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from isobuild.errors import BadInput
from isobuild.web.fields import as_list

N = TypeVar("N", int, float)
MOST = 5000  # fields of a form


async def _form(request: Request) -> FormData:
    return await request.form(max_fields=MOST, max_files=MOST)


def _typed(form: Annotated[FormData, Depends(_form)]) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _brought(form: Annotated[FormData, Depends(_form)]) -> dict[str, UploadFile]:
    return {name: value for name, value in form.items() if isinstance(value, UploadFile) and value.filename}


Typed = Annotated[dict[str, str], Depends(_typed)]
Brought = Annotated[dict[str, UploadFile], Depends(_brought)]  # files that were chosen, by their fields


def number(field: str, typed: Mapping[str, str], kind: Callable[[str], N], allowed: str) -> N | None:
    """A number of this kind; None if nothing was typed. Raises BadInput."""
    text = typed.get(field, "").strip()
    try:
        return kind(text) if text else None
    except ValueError:
        raise BadInput(field=field, given=text[:80], allowed=allowed) from None


def seconds(field: str, typed: Mapping[str, str]) -> float | None:
    """A number of seconds; None if nothing was typed. Raises BadInput."""
    return number(field, typed, float, "a number of seconds")


def moment(field: str, typed: Mapping[str, str]) -> datetime | None:
    """A time in UTC; None if nothing was typed. Raises BadInput."""
    text = typed.get(field, "")
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        raise BadInput(field=field, given=text[:80], allowed="a time such as 2026-11-22T03:00, in UTC") from None


def words(field: str, typed: Mapping[str, str]) -> list[str]:
    """Words parted by commas, or as JSON where there is a comma in one. Raises BadInput."""
    text = typed.get(field, "").strip()
    found = as_list(text)
    if isinstance(found, list) and all(isinstance(word, str) for word in found):
        return found
    raise BadInput(field=field, given=text[:80], allowed="words, parted by commas")


def tags(field: str, typed: Mapping[str, str]) -> dict[str, str]:
    """Tags such as "team=kde, draft". Raises BadInput."""
    return {tag: value for tag, _, value in (word.partition("=") for word in words(field, typed))}
