"""Secrets in options: hidden from everybody's eyes, taken over from an earlier order, kept out of texts."""

import json
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from isobuild.errors import InvalidOption
from isobuild.image.leaves import HIDDEN, Path, Shape, changed, is_secret, marked, shape

SHORTEST = 4  # characters of a secret that is looked for in texts: what is shorter stands in many words


def hidden(model: type[BaseModel], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON holds them, to be shown: instead of each secret, and of what the model does not know, HIDDEN."""
    whole = shape(model)
    known = changed(whole, dict(options), is_secret, lambda _path, _leaf: HIDDEN)
    return {name: value if whole.inner(name) or not value else HIDDEN for name, value in known.items()}


def without(model: type[BaseModel], options: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Options without their secrets, to be shared; and the paths of those that were left out."""
    found = [path for path, _ in marked(shape(model), dict(options), is_secret)]
    left: Any = dict(options)
    for path in reversed(found):  # of a list, the last first
        left = _drop(left, path)
    return left, [dotted(path) for path in found]


def _drop(value: Any, path: Path) -> Any:
    first, *rest = path
    if isinstance(value, Mapping):
        kept = {name: each for name, each in value.items() if name != first or rest}
        return kept | ({first: _drop(value[first], tuple(rest))} if rest else {})
    return [
        _drop(each, tuple(rest)) if place == first else each
        for place, each in enumerate(value)
        if place != first or rest
    ]


def values(model: type[BaseModel], options: Mapping[str, Any]) -> set[str]:
    """The secrets themselves, as texts."""
    return {text for _, leaf in marked(shape(model), dict(options), is_secret) for text in _texts(leaf)}


def _texts(value: Any) -> Iterator[str]:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else None
    if inner is None:
        yield str(value)
    for each in inner or ():
        yield from _texts(each)


def dotted(path: Sequence[str | int]) -> str:
    """A path as people read it: "users.0.password"."""
    return ".".join(map(str, path))


# taken over from an earlier order


def restored(model: type[BaseModel], options: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the earlier order's secrets where HIDDEN stands for one.

    Raises InvalidOption where it is not sure which of them is meant.
    """

    def take(path: Path, leaf: Any) -> Any:
        if leaf != HIDDEN:
            return leaf
        found = _find(shape(model), path, options, earlier)
        if found is None:
            allowed = "the secret itself: there is no earlier order of yours that has surely this one"
            raise InvalidOption(field=dotted(path), given=HIDDEN, allowed=allowed)
        return found

    taken: dict[str, Any] = changed(shape(model), dict(options), is_secret, take)
    return taken


def _find(here: Shape | None, path: Path, given: Any, earlier: Any) -> Any:
    """What an earlier order has at the place of `given` that the path leads to; None if that is not sure."""
    for step in path:
        here = here and here.inner(step)
        if isinstance(step, int):
            names = here.names() if here else []
            earlier = _same(step, given, earlier, names) if isinstance(earlier, (list, tuple)) else None
        else:
            earlier = earlier.get(step) if isinstance(earlier, Mapping) else None
        given = given[step]
        if earlier is None:
            return None
    return earlier


def _same(place: int, given: Sequence[Any], earlier: Sequence[Any], names: Sequence[str]) -> Any:
    """That one of a list which is meant: all of the secrets in their order, or whichever has the same name.

    The name is what a model begins with; places alone would give one person's secret to another.
    """
    wanted = given[place]
    if not isinstance(wanted, Mapping):
        unsaid = [index for index, each in enumerate(given) if each == HIDDEN]
        return earlier[unsaid.index(place)] if len(unsaid) == len(earlier) else None
    same = [each for each in earlier if names and names[0] in each and each[names[0]] == wanted.get(names[0])]
    return same[0] if len(same) == 1 else None


# kept out of texts


class Veil:
    """Hides secrets in what is written about a build."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)

    def over(self, text: str) -> str:
        """The text, with HIDDEN in the place of each secret."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text

    def over_all(self, value: Any) -> Any:
        """The same for every text in a JSON value."""
        if isinstance(value, str):
            return self.over(value)
        if isinstance(value, Mapping):
            return {self.over(key): self.over_all(each) for key, each in value.items()}
        return [self.over_all(each) for each in value] if isinstance(value, list) else value

    def covers(self, text: str) -> bool:
        """Whether a text has a secret in it."""
        return any(form in text for form in self._forms)


def _forms(secret: str) -> Iterator[str]:
    """As it is, as a shell's word and as JSON have it, whole and line by line."""
    for text in (secret, *secret.split("\n")):
        yield from (text, shlex.quote(text), json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
        yield shlex.quote(text)[1:-1] if shlex.quote(text) != text else text
