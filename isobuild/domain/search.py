"""Finding tasks again: by their tags, and by a part of a text."""

import json
from collections.abc import Mapping

from sqlalchemy import ColumnElement, Select, Text, or_, select, type_coerce

from isobuild.domain import tags
from isobuild.domain.tables import Tag, Task
from isobuild.errors import BadInput

LONGEST = 200  # characters of a text


def tagged(wanted: Mapping[str, str | None]) -> list[ColumnElement[bool]]:
    """Tasks that have all these tags, with these values; None: with any. Raises BadInput."""
    tags.check({tag: value or "" for tag, value in wanted.items()})
    return [Task.id.in_(_having(tag, value)) for tag, value in wanted.items()]


def _having(tag: str, value: str | None) -> Select[int]:
    chosen = select(Tag.task_id).where(Tag.tag == tag)
    return chosen if value is None else chosen.where(Tag.value == value)


def saying(text: str) -> ColumnElement[bool]:
    """Tasks with this text somewhere in their name, ISO, recipe or options, in small letters or capitals.

    Raises BadInput.
    """
    if len(text) > LONGEST or not text.isprintable():
        allowed = f"a text in one line of up to {LONGEST} characters"
        raise BadInput(field="search", given=text[:80], allowed=allowed)
    names = (column.icontains(text, autoescape=True) for column in (Task.name, Task.iso, Task.recipe))
    options = type_coerce(Task.options, Text)
    return or_(*names, *(options.icontains(form, autoescape=True) for form in _forms(text)))


def _forms(text: str) -> set[str]:
    """As options have it: escaped, so that the database knows no more which letter is whose capital."""
    return {json.dumps(form)[1:-1].lower() for form in (text, text.lower(), text.upper(), text.title())}
