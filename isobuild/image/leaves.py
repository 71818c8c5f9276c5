"""The leaves of an order's options: what is secret in them, and what is an upload.

Options are walked as JSON holds them, with the JSON schema of their model beside them, which tells what each leaf is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

HIDDEN = "(secret)"
UPLOAD = "upload:"  # in front of the SHA-256 of a file that somebody brought
UPLOADS = ("upload", "text-or-upload")  # formats
Facts = Mapping[str, Any]
Path = tuple[str | int, ...]
Change = Callable[[Path, Any], Any]
KINDS: Mapping[type, str] = {dict: "object", list: "array", tuple: "array", str: "string", bool: "boolean"}


@dataclass(frozen=True)
class Shape:
    """What a schema says about a place in the options; `named` are the schema's definitions."""

    facts: Facts
    named: Facts

    @property
    def is_secret(self) -> bool:
        """Whether what stands here is secret."""
        return self.facts.get("writeOnly") is True

    @property
    def is_upload(self) -> bool:
        """Whether what stands here may be the name of an upload."""
        return self.facts.get("format") in UPLOADS

    def branches(self) -> "list[Shape]":
        """The shapes that it may have, one or several; references are followed."""
        if reference := self.facts.get("$ref"):
            beside = {key: value for key, value in self.facts.items() if key != "$ref"}
            return self.at(self.named.get(str(reference).rpartition("/")[2], {}) | beside).branches()
        kinds = [*self.facts.get("anyOf", ()), *self.facts.get("oneOf", ()), *self.facts.get("allOf", ())]
        if not kinds or self.is_secret:
            return [self]
        return [branch for each in kinds for branch in self.at(each).branches()]

    def at(self, facts: Facts) -> "Shape":
        """Another place of the same schema."""
        return Shape(facts, self.named)

    def inner(self, step: str | int) -> "Shape | None":
        """What stands under a name, or at a place of a list, in the first branch that knows it."""
        found = (branch.child(step) for branch in self.branches())
        return next((each for each in found if each), None)

    def names(self) -> list[str]:
        """The names of what may stand within."""
        return [name for branch in self.branches() for name in branch.facts.get("properties", ())]

    def child(self, step: str | int) -> "Shape | None":
        """The same for this branch alone."""
        if isinstance(step, int):
            first = self.facts.get("prefixItems", ())
            facts = first[step] if step < len(first) else self.facts.get("items")
        else:
            facts = self.facts.get("properties", {}).get(step, self.facts.get("additionalProperties"))
        return self.at(facts) if isinstance(facts, Mapping) else None

    def holds(self, value: object) -> bool:
        """Whether a value may be of this branch."""
        kind = KINDS.get(type(value), "number")
        said = self.facts.get("type", kind)
        return bool(said == kind or (kind == "number" and said == "integer"))

    def has(self, mark: "Mark", seen: frozenset[str] = frozenset()) -> bool:
        """Whether this, or anything within, is marked."""
        return _has(self.facts, self, mark, seen)


Mark = Callable[[Shape], bool]


def _has(facts: object, within: Shape, mark: Mark, seen: frozenset[str]) -> bool:
    if isinstance(facts, list):
        return any(_has(each, within, mark, seen) for each in facts)
    if not isinstance(facts, Mapping):
        return False
    name = str(facts.get("$ref", "")).rpartition("/")[2]
    if name in within.named and name not in seen and _has(within.named[name], within, mark, seen | {name}):
        return True
    return mark(within.at(facts)) or any(_has(each, within, mark, seen) for each in facts.values())


@lru_cache(maxsize=64)
def shape(model: type[BaseModel], by_alias: bool = False) -> Shape:
    """The shape of a recipe's options, by the names that `Cookbook.dump` gives them, or by those that people type."""
    schema = model.model_json_schema(by_alias=by_alias)
    return Shape(schema, schema.get("$defs", {}))


def changed(shape: Shape, value: Any, mark: Mark, change: Change, path: Path = ()) -> Any:
    """The value with every leaf that is marked changed. Where it has not the shape that was meant, it is one leaf."""
    if value is None or value == "" or not shape.has(mark):
        return value
    if mark(shape):
        return change(path, value)
    branches = [branch for branch in shape.branches() if branch.holds(value)]
    if not branches:
        return change(path, value)
    for branch in branches:
        value = _changed(branch, value, mark, change, path)
    return value


def _changed(branch: Shape, value: Any, mark: Mark, change: Change, path: Path) -> Any:
    if mark(branch):
        return change(path, value)
    if isinstance(value, Mapping):
        return {key: _within(branch, value[key], mark, change, (*path, key)) for key in value}
    if isinstance(value, (list, tuple)):
        return [_within(branch, each, mark, change, (*path, place)) for place, each in enumerate(value)]
    return value


def _within(branch: Shape, value: Any, mark: Mark, change: Change, path: Path) -> Any:
    inner = branch.child(path[-1])
    return changed(inner, value, mark, change, path) if inner else value


def marked(shape: Shape, value: Any, mark: Mark) -> Iterator[tuple[Path, Any]]:
    """Every leaf that is marked, with its path."""
    found: list[tuple[Path, Any]] = []

    def keep(path: Path, leaf: Any) -> Any:
        found.append((path, leaf))
        return leaf

    changed(shape, value, mark, keep)
    yield from found


def is_secret(shape: Shape) -> bool:
    """Marks what is secret."""
    return shape.is_secret


def is_upload(shape: Shape) -> bool:
    """Marks what may be the name of an upload."""
    return shape.is_upload
