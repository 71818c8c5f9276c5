"""The fields of a recipe's options: made from the JSON schema of its model."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import BaseModel

from isobuild.recipes.options import Shape, is_secret
from isobuild.web.fields import OPTION, Field, no_fields

KINDS = {"boolean": "checkbox", "integer": "number", "number": "number", "array": "list", "object": "json"}
FORMATS = {"multiline": "textarea", "upload": "upload", "text-or-upload": "text-or-upload"}
KEPT = ("type", "enum", "format", "writeOnly", "items", "properties", "required", "additionalProperties")
DEEPEST = 3  # objects in objects that have fields of their own
Facts = Mapping[str, Any]


def from_options(model: type[BaseModel]) -> list[Field]:
    """A field for each option of a recipe."""
    schema = model.model_json_schema()
    named = schema.get("$defs", {})
    return list(fields_of(_shape(schema, named), named, OPTION.rstrip(".")))


def fields_of(facts: Facts, named: Facts, prefix: str, depth: int = 0) -> tuple[Field, ...]:
    """The fields of an object, which stands within so many others."""
    needed = facts.get("required", ())
    return tuple(
        _field(f"{prefix}.{name}", each | _shape(each, named), named, name in needed, depth)
        for name, each in facts.get("properties", {}).items()
    )


def _field(name: str, facts: dict[str, Any], named: Facts, needed: bool, depth: int) -> Field:
    items = _shape(facts.get("items") or {}, named)
    kind = _kind(facts, items, named, depth)
    nothing = facts.get("default") is None and not needed
    choices = facts.get("enum") or (items.get("enum", ()) if kind == "checks" else ())
    empty = Field(
        name=name,
        label=name.rpartition(".")[2].replace("_", " ").capitalize(),
        hint=facts.get("description", ""),
        kind=kind,
        choices=("", *choices) if kind == "select" and nothing else choices,
        step="1" if facts.get("type") == "integer" else "any",
        needed=needed,
        group=facts.get("group", ""),
        parts=fields_of(facts, named, name, depth + 1) if kind == "part" else (),
        make=partial(fields_of, items, named, depth=depth + 1) if kind == "rows" else no_fields,
    )
    return _with_default(empty, facts.get("default"))


def _with_default(empty: Field, default: object) -> Field:
    """The field with the recipe's own value, which nobody chose."""
    if empty.kind == "part":  # its value tells that it is there even if nothing is typed
        return replace(empty.fill(default), chosen=False, value="on" if default is not None else "")
    return empty if default is None or empty.kind == "password" else replace(empty.fill(default), chosen=False)


def _kind(facts: Facts, items: Facts, named: Facts, depth: int) -> str:
    if facts.get("writeOnly"):
        return "password"
    if facts.get("enum"):
        return "select"
    kind = KINDS.get(facts.get("type", ""), "text")
    if kind == "list":
        kind = _kind_of_list(items, depth)
    elif kind == "json" and facts.get("properties") and depth < DEEPEST:
        kind = "part"
    if kind == "json" and Shape(facts, named).has(is_secret):  # as JSON, and never shown
        return "password"
    return FORMATS.get(facts.get("format", "")) or kind


def _kind_of_list(items: Facts, depth: int) -> str:
    if items.get("writeOnly"):
        return "secrets"
    if items.get("enum"):
        return "checks"
    if items.get("properties"):
        return "json" if depth else "rows"
    return "list"


def _shape(facts: Facts, named: Facts) -> dict[str, Any]:
    """The part of a schema that says what may be typed: references are followed, "or nothing" is left out."""
    if reference := facts.get("$ref"):
        return _shape(named[reference.rpartition("/")[2]], named) | {key: facts[key] for key in KEPT if key in facts}
    shapes = [_shape(each, named) for each in facts.get("anyOf", ()) if each.get("type") != "null"]
    shape = shapes[0] if len(shapes) == 1 else facts
    only = {"enum": [shape["const"]]} if "const" in shape else {}  # a single choice is one all the same
    return only | {key: shape[key] for key in KEPT if key in shape} | {key: facts[key] for key in KEPT if key in facts}
