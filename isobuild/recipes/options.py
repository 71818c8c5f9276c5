"""Options as people write them: read, checked, and explained where they are wrong."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from isobuild.errors import InvalidOption, UnknownOption
from isobuild.image.leaves import HIDDEN, UPLOAD, Shape, changed, is_secret, is_upload, marked, shape
from isobuild.image.secrets import SHORTEST, dotted, restored

__all__ = ["HIDDEN", "Shape", "check", "dump", "is_secret", "named_files", "named_uploads", "read", "shape"]
if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from isobuild.recipes.base import Recipe

Step = str | int


def check(recipe: "Recipe", options: Mapping[str, object], site: Path | None, earlier: Mapping[str, Any]) -> BaseModel:
    """The recipe's options. Raises UnknownOption or InvalidOption."""
    typed = shape(recipe.Options, by_alias=True)
    whole = restored(recipe.Options, read(recipe.Options, options), earlier)
    try:
        return recipe.Options.model_validate(whole, context={"site": site})
    except ValidationError as error:
        raise _explain(recipe.name, typed, error.errors(include_url=False)[0]) from None


# texts


def read(model: type[BaseModel], options: Mapping[str, object]) -> dict[str, object]:
    """The options with JSON read where a text stands for a list or an object."""
    typed = shape(model, by_alias=True)
    return {name: _read(typed.inner(name), value) for name, value in options.items()}


def _read(shape: Shape | None, value: object) -> object:
    """JSON, where a text stands for a list or an object; several such texts are a list of what they say."""
    kinds = {kind.facts.get("type"): kind for kind in shape.branches()} if shape else {}
    if isinstance(value, str) and "string" not in kinds and kinds.keys() & {"array", "object"}:
        found = _from_json(value)
        return [found] if isinstance(found, dict) and "object" not in kinds else found
    if isinstance(value, list) and "array" in kinds:
        inner = kinds["array"].child(0)
        return [_read(inner, each) for each in value]
    return value


def _from_json(text: str) -> object:
    """What the text says, or the text itself for the recipe to understand or to complain of."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def dump(options: BaseModel) -> dict[str, Any]:
    """The options as JSON holds them; pydantic's own secrets, of which it shows asterisks only, with their values."""
    told: dict[str, Any] = _revealed(options.model_dump(mode="json"), options.model_dump())
    return told


def _revealed(shown: Any, real: Any) -> Any:
    if hasattr(real, "get_secret_value"):
        secret = real.get_secret_value()
        return secret.decode() if isinstance(secret, bytes) else to_jsonable_python(secret)
    if isinstance(shown, dict) and isinstance(real, dict) and len(shown) == len(real):
        return {name: _revealed(each, inner) for (name, each), inner in zip(shown.items(), real.values(), strict=True)}
    if isinstance(shown, list) and isinstance(real, (list, tuple)) and len(shown) == len(real):
        return [_revealed(each, inner) for each, inner in zip(shown, real, strict=True)]
    if isinstance(shown, list) and isinstance(real, (set, frozenset)) and any(map(_is_wrapped, real)):
        return [_revealed(None, inner) for inner in real]
    return shown


def _is_wrapped(value: object) -> bool:
    return hasattr(value, "get_secret_value")


def named_uploads(model: type[BaseModel], options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The uploads that options, as JSON holds them, name: each with its field."""
    for path, leaf in marked(shape(model), dict(options), is_upload):
        if isinstance(leaf, str) and leaf.startswith(UPLOAD):
            yield dotted(path), leaf


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that an option names: its field, how it is called, and what it must hold (image/sniff.py).

    `folder`: of the site's, where it is if it is no upload; empty if what is no upload is no file.
    """

    field: str
    called: str
    holds: str
    folder: str


def named_files(model: type[BaseModel], options: Mapping[str, Any]) -> Iterator[NamedFile]:
    """The files that options, as JSON holds them, name, and that can be looked at."""
    whole = shape(model)
    for path, leaf in marked(whole, dict(options), is_upload):
        facts = _holding(whole, path)
        if facts and isinstance(leaf, str) and (leaf.startswith(UPLOAD) or "folder" in facts):
            yield NamedFile(dotted(path), leaf, facts["holds"], facts.get("folder", ""))


def _holding(whole: Shape, path: Sequence[Step]) -> Mapping[str, Any]:
    """What is said of the file that stands there; empty if it is not looked at."""
    here: Shape | None = whole
    for step in path:
        here = here.inner(step) if here else None
    branches = here.branches() if here else []
    return next((branch.facts for branch in branches if "holds" in branch.facts), {})


# errors


def _explain(recipe: str, whole: Shape, error: "ErrorDetails") -> UnknownOption | InvalidOption:
    path, found, known = _follow(whole, error["loc"])
    field = dotted(path) or "options"
    if error["type"] == "extra_forbidden":
        given = HIDDEN if found.has(is_secret) else error["input"]  # it may be a secret under a name that is mistyped
        return UnknownOption(recipe=recipe, field=field, given=given, allowed=", ".join(found.names()))
    if error["type"] == "missing":
        what = f": {words}" if known and (words := found.facts.get("description")) else ""
        return InvalidOption(field=field, given=None, allowed=f"it is needed{what}")
    given = changed(found, error["input"], is_secret, lambda _path, _leaf: HIDDEN)
    return InvalidOption(field=field, given=given, allowed=_allowed(error, given))


def _follow(whole: Shape, loc: Sequence[Step]) -> tuple[list[Step], Shape, bool]:
    """The path in what was given, the shape at its end, and whether all of it is known.

    pydantic's own words for the branch of a union are left out, and so is the place in a list of plain values.
    """
    path: list[Step] = []
    here, known = whole, True
    for step in loc:
        inner = here.inner(step)
        if inner:
            path, here, known = [*path, step], inner, True
        elif len(here.branches()) == 1 and "properties" in here.branches()[0].facts:
            path, known = [*path, step], False
    while path and isinstance(path[-1], int) and not here.names():
        path.pop()
    return path, here, known


def _allowed(error: "ErrorDetails", given: object) -> str:
    if error["type"].startswith("bool"):
        return "yes or no"
    words = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if given == HIDDEN and len(secret := str(error["input"])) >= SHORTEST:
        words = words.replace(secret, HIDDEN)
    return f"one of {words}" if error["type"] == "literal_error" else words
