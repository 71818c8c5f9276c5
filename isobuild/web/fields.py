"""Fields of a form: what stands in them, and what a person typed into them.

A field's name is the path of what it stands for: `option.users.0.password`. Beside it there may be `keep.NAME`, what
stays if nothing is typed, and `file.NAME`, a file that is brought for it.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from isobuild.recipes.options import HIDDEN

OPTION = "option."  # in front of an option's name: a recipe may have an option called "name"
KEEP, FILE, AGAIN, DROP = "keep.", "file.", "again.", "drop."
TYPE_AGAIN = "it was typed already, and is never shown: type it again; if it is left empty once more, it is left out"
Typed = Mapping[str, str]


def no_fields(_prefix: str) -> "tuple[Field, ...]":
    """Of what is no row."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field: its name in the form, its kind, and what stands in it.

    Kinds: text, number, checkbox, select, checks (some of the choices), list, json, datetime-local, textarea; password,
    secrets (one a line); upload, text-or-upload; part (the fields of an object), rows (objects, each with its fields).
    """

    name: str
    label: str
    hint: str = ""
    kind: str = "text"
    value: str = ""
    choices: Sequence[Any] = ()
    step: str = "any"
    error: str = ""
    needed: bool = False
    group: str = ""
    kept: str = ""  # what stays if nothing is typed
    again: bool = False  # a secret that was typed, and has to be once more
    focus: bool = False  # a person wants to type here next
    chosen: bool = False  # another value than the recipe's own stands in it
    parts: "tuple[Field, ...]" = ()
    rows: "tuple[tuple[Field, ...], ...]" = ()
    make: "Callable[[str], tuple[Field, ...]]" = field(default=no_fields, compare=False)  # the fields of a row

    def all(self) -> "Iterator[Field]":
        """It, and those within."""
        yield self
        for each in (*self.parts, *(each for row in self.rows for each in row)):
            yield from each.all()

    # reading

    def read(self, typed: Typed) -> object:
        """What was typed, as a value; None if nothing was chosen."""
        text = typed.get(self.name)
        if self.kind in READERS:
            return READERS[self.kind](self, typed)
        if self.kind == "json":
            return as_json(text) if text else None
        return None if text == "" and (self.kind == "number" or not self.value) else text

    def is_typed(self, typed: Typed) -> bool:
        """Whether something else was typed than stood there."""
        if self.kind in {"part", "rows"}:
            return any(each.is_typed(typed) for each in (*self.parts, *self.make(self.name)))
        if self.kind == "checks":
            return any(f"{self.name}.{choice}" in typed for choice in self.choices)
        if self.kind == "checkbox":
            return (self.name in typed) != bool(self.value)
        return typed.get(self.name, self.value).strip() not in {"", self.value.strip()}

    # filling

    def fill(self, value: Any) -> "Field":
        """The field with a value in it, as options have it; of a secret only that there is one."""
        if self.kind == "part" and isinstance(value, Mapping):
            parts = tuple(each.fill(value.get(_leaf(each))) if _leaf(each) in value else each for each in self.parts)
            return replace(self, parts=parts, chosen=any(each.chosen for each in parts))
        if self.kind == "rows" and isinstance(value, list):
            rows = tuple(self._row(place, each) for place, each in enumerate(value))
            return replace(self, rows=rows, chosen=bool(rows))
        if self.kind == "password":
            kept = as_text(value)
            return replace(self, kept=kept if HIDDEN in kept else "", chosen=bool(value))
        if self.kind == "checks":
            chosen = ", ".join(map(str, value))
            return replace(self, value=chosen, chosen=chosen != self.value)
        text = "\n".join(value) if self.kind == "secrets" and isinstance(value, list) else as_text(value)
        return replace(self, value=text, chosen=text != self.value)

    def _row(self, place: int, value: Any) -> "tuple[Field, ...]":
        known = value if isinstance(value, Mapping) else {}
        made = self.make(f"{self.name}.{place}")
        return tuple(each.fill(known[_leaf(each)]) if _leaf(each) in known else each for each in made)

    def with_row(self) -> "Field":
        """The field with an empty row more, if it has rows."""
        if self.kind != "rows":
            return self
        last = max((int(row[0].name.removeprefix(f"{self.name}.").partition(".")[0]) for row in self.rows), default=-1)
        first, *others = self.make(f"{self.name}.{last + 1}")
        return replace(self, rows=(*self.rows, (replace(first, focus=True), *others)), chosen=True)

    def keep(self, typed: Typed, errors: Mapping[str, str]) -> "Field":
        """The field with what was typed, and what is wrong with it."""
        if self.kind == "part":
            parts = tuple(each.keep(typed, errors) for each in self.parts)
            return replace(
                self, parts=parts, error=errors.get(self.name, ""), chosen=any(each.chosen for each in parts)
            )
        if self.kind == "rows":
            made = (self.make(f"{self.name}.{index}") for index in indexes(self.name, typed))
            rows = tuple(tuple(each.keep(typed, errors) for each in row) for row in made)
            return replace(self, rows=rows, error=errors.get(self.name, ""), chosen=bool(rows))
        error, chosen = self._error(errors), self.is_typed(typed)
        kept = typed.get(f"{KEEP}{self.name}", "")
        if self.kind in {"password", "secrets"}:
            return self._keep_secret(typed, error, kept)
        return replace(self, value=self._typed(typed), error=error, kept=kept, chosen=chosen)

    def _keep_secret(self, typed: Typed, error: str, kept: str) -> "Field":
        """What is secret is not sent back; of a list, that there is one which stays."""
        lines = [line.strip() for line in typed.get(self.name, "").splitlines() if line.strip()]
        stay = [line for line in lines if line == HIDDEN] if self.kind == "secrets" else []
        again = len(stay) < len(lines)
        value = "" if again else "\n".join(stay)
        return replace(self, value=value, kept=kept, error=error, again=again, chosen=bool(lines or kept))

    def _error(self, errors: Mapping[str, str]) -> str:
        """What is wrong with it, or with a part of its value."""
        within = (words for name, words in errors.items() if name.startswith(f"{self.name}."))
        return errors.get(self.name) or next(within, "")

    def _typed(self, typed: Typed) -> str:
        if self.kind == "checkbox":
            return "on" * (self.name in typed)
        if self.kind == "checks":
            return ", ".join(str(choice) for choice in self.choices if f"{self.name}.{choice}" in typed)
        return typed.get(self.name, "")


# what was typed, by kinds


def _read_list(field: Field, typed: Typed) -> object:
    return as_list(typed.get(field.name, "").strip())


def _read_select(field: Field, typed: Typed) -> object:
    text = typed.get(field.name)
    return next((choice or None for choice in field.choices if as_text(choice) == text), text)


def _read_checks(field: Field, typed: Typed) -> object:
    return [choice for choice in field.choices if f"{field.name}.{choice}" in typed]


def _read_secret(field: Field, typed: Typed) -> object:
    return typed.get(field.name) or typed.get(f"{KEEP}{field.name}") or None


def _read_secrets(field: Field, typed: Typed) -> object:
    return [line.strip() for line in typed.get(field.name, "").splitlines() if line.strip()]


def _read_lines(field: Field, typed: Typed) -> object:
    text = typed.get(field.name, "").replace("\r\n", "\n")
    return text or (None if not field.value else text)


def _read_part(field: Field, typed: Typed) -> object:
    chosen = fields_in(field.parts, typed)
    return chosen if field.needed or field.is_typed(typed) or field.value else None


def _read_rows(field: Field, typed: Typed) -> object:
    rows = (field.make(f"{field.name}.{index}") for index in indexes(field.name, typed))
    return [fields_in(row, typed) for row in rows if any(each.is_typed(typed) for each in row)]


READERS: Mapping[str, Callable[[Field, Typed], object]] = {
    "checkbox": lambda field, typed: field.name in typed,
    "list": _read_list,
    "select": _read_select,
    "checks": _read_checks,
    "password": _read_secret,
    "secrets": _read_secrets,
    "textarea": _read_lines,
    "upload": lambda field, typed: typed.get(field.name) or None,
    "part": _read_part,
    "rows": _read_rows,
}


def fields_in(fields: Sequence[Field], typed: Typed) -> dict[str, object]:
    """What was chosen in these fields, by the last part of their names."""
    values = {_leaf(each): each.read(typed) for each in fields}
    return {name: value for name, value in values.items() if value is not None}


def indexes(name: str, typed: Typed) -> list[int]:
    """The numbers of the rows that were sent."""
    bare = (bare_name(key) for key in typed)
    heads = (key.removeprefix(f"{name}.").partition(".")[0] for key in bare if key.startswith(f"{name}."))
    return sorted({int(head) for head in heads if head.isascii() and head.isdecimal() and len(head) < 5})


def bare_name(name: str) -> str:
    """The field's own name."""
    for prefix in (KEEP, FILE, AGAIN, DROP):
        name = name.removeprefix(prefix)
    return name


def _leaf(field: Field) -> str:
    return field.name.rpartition(".")[2]


# values as texts


def as_text(value: object) -> str:
    """A value as it stands in a field, to be read back from there."""
    if isinstance(value, bool):
        return "on" if value else ""
    if isinstance(value, list):
        listed = ", ".join(map(str, value))
        return listed if as_list(listed) == value else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return "" if value is None else str(value)


def as_list(text: str) -> object:
    """Words parted by commas, without what is empty; or what stands in brackets, as JSON."""
    if text.startswith("["):
        return as_json(text)
    return [word.strip() for word in text.split(",") if word.strip()]


def as_json(text: str) -> object:
    """The value, or the text itself for the recipe to complain of."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
