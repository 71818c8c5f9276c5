"""Performs a recipe that is written in Python, as the build user: `python FOLDER/ INPUTS/recipe.json`.

It is the `__main__.py` of the folder that python.py makes, where nothing else of the runner is.
"""

import json
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isobuild.errors import BadInput, BuildFailed
from isobuild.image.step import Place
from isobuild.recipes import load, parse, recipe_in

if TYPE_CHECKING:
    from isobuild.recipes.base import Recipe

STATUSES = {"request": 65, "upstream": 69, "host": 71}  # sysexits(3), as causes.py understands them
SOFTWARE = 70  # of any other exception: what was printed tells its cause


def main(file: Path) -> int:
    """Perform what a recipe.json tells; the exit status that says how it ended."""
    try:
        _perform(json.loads(file.read_text()), file.parent)
    except BuildFailed as failure:
        print(failure, file=sys.stderr)
        return STATUSES.get(failure.cause, SOFTWARE)
    except BadInput as error:
        print(error, file=sys.stderr)
        return STATUSES["request"]
    except Exception:
        traceback.print_exc()
        return SOFTWARE
    return 0


def _perform(told: dict[str, Any], inputs: Path) -> None:
    place = _place(told["place"], inputs)
    recipe = recipe_in(load(inputs / told["file"]) if told["file"] else import_module(told["module"]), told["name"])
    site = Path(place.site) if place.site else None
    options = parse(recipe, json.loads((inputs / "options.json").read_text()), site)
    results = _run(recipe, options, place)
    if results is not None:
        Path(place.out / "results.json").write_text(json.dumps(dict(results)))


def _run(recipe: "Recipe", options: object, place: Place) -> Any:
    try:
        return recipe.run(options, place)
    except BaseException:
        _roll_back(recipe, options, place)
        raise


def _roll_back(recipe: "Recipe", options: object, place: Place) -> None:
    try:
        recipe.rollback(options, place)
    except Exception:  # why it had to be called is what counts
        traceback.print_exc()


def _place(facts: dict[str, Any], inputs: Path) -> Place:
    return Place(
        inputs=inputs, work=Path(facts["work"]), out=Path(facts["out"]), iso=facts["iso"], apt=facts["apt"],
        epoch=facts["epoch"], site=Path(facts["site"]) if facts["site"] else None,
        dependencies=tuple(json.loads((inputs / "dependencies.json").read_text())),
    )  # fmt: skip


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # it is told to end: by an exception
    sys.exit(main(Path(sys.argv[1])))
