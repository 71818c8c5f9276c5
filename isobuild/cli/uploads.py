"""Files on the command line: uploads, recipe files, and options that stand in a file."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from isobuild import recipe_files, slip
from isobuild.cli import say
from isobuild.cli.orders import open_desk
from isobuild.desk import Desk
from isobuild.domain.listing import Shown
from isobuild.domain.wishes import Wish
from isobuild.errors import BadInput, InvalidOption
from isobuild.image.leaves import Shape, changed, shape
from isobuild.image.secrets import dotted
from isobuild.recipe_files import FORMS, Form
from isobuild.recipes.options import read
from isobuild.store.uploads import Uploaded


def upload(file: str, *, json: bool) -> None:
    """Bring a file."""
    kept = _put(open_desk(), file, "FILE")
    if json:
        say.value(asdict(kept))
    else:
        print(kept.upload)


def export(number: int, form: str) -> None:
    """Print a task's recipe file."""
    if form not in FORMS:
        raise BadInput(field="format", given=form, allowed=" or ".join(FORMS))
    print(recipe_files.share(open_desk(), number, cast("Form", form)), end="")


def bring(desk: Desk, recipe: str, options: Mapping[str, object]) -> dict[str, Any]:
    """The options, with `@FILE` become what is in that file: an upload, a secret, a text of several lines."""
    model = desk.cookbook.find(recipe).Options
    found = read(model, options)

    def takes_file(place: Shape) -> bool:
        return place.is_upload or place.is_secret or place.facts.get("format") == "multiline"

    def take(path: tuple[str | int, ...], leaf: object) -> object:
        if not (isinstance(leaf, str) and leaf.startswith("@")):
            return leaf
        return _put(desk, leaf[1:], dotted(path)).upload if _is_upload(shape(model, True), path) else _text(leaf, path)

    brought: dict[str, Any] = changed(shape(model, True), found, takes_file, take)
    return brought


def _is_upload(here: Shape, path: tuple[str | int, ...]) -> bool:
    for step in path:
        here = here.inner(step) or here
    return any(branch.is_upload for branch in [here, *here.branches()])


def _text(leaf: str, path: tuple[str | int, ...]) -> str:
    try:
        return (sys.stdin.read() if leaf == "@-" else Path(leaf[1:]).read_text()).removesuffix("\n")
    except (OSError, ValueError) as error:
        allowed = f"what begins with @ is the name of a file that can be read ({error})"
        raise InvalidOption(field=dotted(path), given=leaf, allowed=allowed) from error


def _put(desk: Desk, file: str, field: str) -> Uploaded:
    try:
        if file == "-":
            return desk.uploads.put(sys.stdin.buffer, "")
        with Path(file).open("rb") as source:
            return desk.uploads.put(source, file)
    except OSError as error:
        raise BadInput(field=field, given=file, allowed=f"a file that can be read ({error.strerror})") from error


def read_recipe(file: str) -> Shown:
    """What a recipe file says. Raises BadInput."""
    try:
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise BadInput(field="file", given=file, allowed=f"a file that can be read ({error.strerror})") from error
    return recipe_files.read(text, recipe_files.form_of(file))


def order_from(file: str, desk: Desk, recipe: str, options: Mapping[str, object], name: str, wish: Wish) -> Shown:
    """Order what a recipe file says; what is said beside it wins."""
    facts = read_recipe(file)
    said = {key: value for key, value in wish.items() if _is_said(key, value)}
    recipe = recipe or facts["recipe"]
    options = bring(desk, recipe, facts.get("options", {}) | options)
    named = {"name": name} if name else {}
    wanted = slip.read(facts | said | named | {"recipe": recipe, "options": options}, "file")
    return desk.order_all([wanted.ordered(desk)])[0]


def _is_said(key: str, value: object) -> bool:
    default = slip.Slip.model_fields[key].get_default(call_default_factory=True)
    return value not in (None, "", [], {}) and value != default
