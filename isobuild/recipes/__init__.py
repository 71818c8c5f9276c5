"""Recipes, found by themselves: the modules of this package, the site's own recipes/*.py, and installed packages.

debian_live.py holds the class whose name is `debian-live`; there is no list to edit. A module is imported only when
its recipe is asked for.
"""

import json
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from importlib import import_module, util
from itertools import chain
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

from isobuild.errors import HostFault, InvalidOption, UnknownRecipe

if TYPE_CHECKING:
    from pydantic import BaseModel

    from isobuild.recipes.base import Recipe

ENTRY_POINTS = "isobuild.recipes"
PARTS = ("base", "options")  # modules beside the recipes that are none
SITE = "isobuild_site_recipes"  # the package, as it were, of the site's own
DEEPEST = 32  # lists in lists
PLAIN = f"Unicode text, finite numbers, and lists at most {DEEPEST} deep"
LOADING = RLock()  # one at a time: until a module of the site's is whole, others must not find another by its name


class Cookbook:
    """Every recipe this site has. Of recipes with the same name the site's own goes first, then isobuild's."""

    def __init__(self, site: Path | None = None) -> None:
        self.site = site

    def names(self) -> list[str]:
        """The names of all recipes, in order; none of them is imported for this."""
        return sorted({name for name, _ in self._sources()})

    def find(self, name: str) -> "Recipe":
        """The recipe of this name. Raises UnknownRecipe, or HostFault if its module is broken."""
        load = next((load for each, load in self._sources() if each == name), None)
        if load is None:
            raise UnknownRecipe(field="recipe", given=name, allowed=", ".join(self.names()))
        try:
            return recipe_in(load(), name)
        except Exception as error:  # a module that others wrote may fail in any way; it must be named, whatever it is
            raise HostFault(what=f"Recipe {name} is broken: {type(error).__name__}: {error}") from error

    def parse(self, name: str, options: Mapping[str, object], earlier: Mapping[str, Any] | None = None) -> "BaseModel":
        """The recipe's options, checked. Texts as typed on a command line are understood ("a,b" for a list, and JSON).

        `earlier`: the options of an order whose secrets are meant where "(secret)" stands for one.
        Raises UnknownOption or InvalidOption for the first bad one, naming the field, what was given and what may be.
        """
        return parse(self.find(name), options, self.site, earlier)

    def dump(self, options: "BaseModel") -> dict[str, Any]:
        """The options as JSON holds them, with their secrets; `parse` takes them back."""
        from isobuild.recipes.options import dump

        return dump(options)

    def hiding(self) -> Callable[[str, Mapping[str, Any]], dict[str, Any]]:
        """What makes of a recipe's options what anybody may see; all is hidden where nobody can tell what is secret.

        Each recipe is looked for once, so that many orders can be shown.
        """
        from isobuild.image.leaves import HIDDEN
        from isobuild.image.secrets import hidden

        model = cache(self._model)

        def hide(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
            if not options:
                return {}
            known = model(name)
            return hidden(known, options) if known else {option: value and HIDDEN for option, value in options.items()}

        return hide

    def _model(self, name: str) -> "type[BaseModel] | None":
        """A recipe's options; None if it is gone, or broken."""
        try:
            return self.find(name).Options
        except (UnknownRecipe, HostFault):
            return None

    def _sources(self) -> Iterator[tuple[str, Callable[[], ModuleType]]]:
        return chain(_of_site(self.site), _own(), _installed())  # the slowest last: most names are found before


def recipe_in(module: ModuleType, name: str) -> "Recipe":
    """The recipe of this name in a module. Raises LookupError if there is none, TypeError if its form is unclear."""
    from isobuild.recipes.base import Recipe, form

    for each in vars(module).values():
        if isinstance(each, type) and issubclass(each, Recipe) and getattr(each, "name", None) == name:
            form(each)
            return each()
    raise LookupError(f"{module.__file__} has no class derived from Recipe whose name is {name!r}")


def load(path: Path) -> ModuleType:
    """The module in a site's file. Raises ImportError, or whatever it raises itself."""
    spec = util.spec_from_file_location(f"{SITE}.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python module")
    module = util.module_from_spec(spec)
    with LOADING:
        sys.modules[spec.name] = module  # pydantic looks up annotations there, and fingerprints the file
        spec.loader.exec_module(module)
    return module


def parse(
    recipe: "Recipe",
    options: Mapping[str, object],
    site: Path | None,
    earlier: Mapping[str, Any] | None = None,
) -> "BaseModel":
    """A recipe's options, checked. Raises UnknownOption or InvalidOption."""
    from isobuild.recipes.options import check

    for option, value in options.items():
        _check_value(option, value)
    return check(recipe, options, site, earlier or {})


def is_json(value: object) -> bool:
    """Whether any database can hold it: it is PLAIN."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        return not _is_deeper(value, DEEPEST)
    except (TypeError, ValueError, RecursionError):  # half a character, NaN, thousands of brackets
        return False


def _check_value(option: str, value: object) -> None:
    if not is_json([option, value]):
        raise InvalidOption(field=option.encode(errors="replace").decode(), given="such a value", allowed=PLAIN)


def _is_deeper(value: object, depth: int) -> bool:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return depth == 0 or any(_is_deeper(each, depth - 1) for each in inner)


def _own() -> "Iterator[tuple[str, Callable[[], ModuleType]]]":
    for found in pkgutil.iter_modules(__path__):
        if found.name not in PARTS:
            yield _name(found.name), partial(import_module, f"{__name__}.{found.name}")


def _installed() -> "Iterator[tuple[str, Callable[[], ModuleType]]]":
    from importlib import metadata  # slow to import

    for point in metadata.entry_points(group=ENTRY_POINTS):
        yield point.name, partial(import_module, point.module)


def _of_site(site: Path | None) -> "Iterator[tuple[str, Callable[[], ModuleType]]]":
    for path in (site / "recipes").glob("[!_.]*.py") if site else ():
        yield _name(path.stem), partial(load, path)


def _name(module: str) -> str:
    return module.replace("_", "-")
