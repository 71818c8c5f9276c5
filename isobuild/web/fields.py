"""Fields of a form: made from the JSON schema of a recipe's options, and read as a person filled them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

OPTION = "option."  # in front of an option's name: a recipe may have an option called "name"
KINDS = {"boolean": "checkbox", "integer": "number", "number": "number", "array": "list", "object": "json"}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field: its name in the form, its kind (text, number, checkbox, select, list, json), and what stands in it."""

    name: str
    label: str
    hint: str = ""
    kind: str = "text"
    value: str = ""
    choices: Sequence[Any] = ()
    step: str = "any"
    error: str = ""
    needed: bool = False

    def read(self, typed: Mapping[str, str]) -> object:
        """What was typed, as a value; None if nothing was chosen."""
        text = typed.get(self.name)
        if self.kind == "checkbox":
            return text is not None
        if self.kind == "list":
            return as_list((text or "").strip())
        if self.kind == "json":
            return _as_json(text) if text else None
        if self.kind == "select":
            return next((choice for choice in self.choices if as_text(choice) == text), text)
        return None if text == "" and (self.kind == "number" or not self.value) else text

    def keep(self, typed: Mapping[str, str], errors: Mapping[str, str]) -> "Field":
        """The field with what was typed, and what is wrong with it."""
        value = typed.get(self.name, "") if self.kind != "checkbox" else "on" * (self.name in typed)
        return replace(self, value=value, error=errors.get(self.name, ""))


def from_options(model: type[BaseModel]) -> list[Field]:
    """A field for each option of a recipe."""
    schema = model.model_json_schema()
    needed = schema.get("required", ())
    return [
        _field(name, facts | _shape(facts, schema.get("$defs", {})), name in needed)
        for name, facts in schema.get("properties", {}).items()
    ]


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
        return _as_json(text)
    return [word.strip() for word in text.split(",") if word.strip()]


def _as_json(text: str) -> object:
    """The value, or the text itself for the recipe to complain of."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _field(name: str, facts: dict[str, Any], needed: bool) -> Field:
    choices = facts.get("enum", ())
    return Field(
        name=OPTION + name,
        label=name.replace("_", " ").capitalize(),
        hint=facts.get("description", ""),
        kind="select" if choices else KINDS.get(facts.get("type", ""), "text"),
        choices=choices,
        value=as_text(facts.get("default")),
        step="1" if facts.get("type") == "integer" else "any",
        needed=needed,
    )


def _shape(facts: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The part of a schema that says what may be typed: references are followed, "or nothing" is left out."""
    if reference := facts.get("$ref"):
        return _shape(definitions[reference.rpartition("/")[2]], definitions)
    shapes = [_shape(each, definitions) for each in facts.get("anyOf", ()) if each.get("type") != "null"]
    shape = shapes[0] if len(shapes) == 1 else facts
    return {key: shape[key] for key in ("type", "enum") if key in shape}
