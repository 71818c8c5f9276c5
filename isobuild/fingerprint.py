"""Same order, same ISO: the fingerprint of an order, of all that its ISO is made of."""

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isobuild.errors import HostFault
from isobuild.image import apt, upstream
from isobuild.recipes import Cookbook

if TYPE_CHECKING:
    from pydantic import BaseModel

    from isobuild.recipes.base import Recipe


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What tells the orders of a site apart; `folder` keeps what archives of packages said when they were asked."""

    cookbook: Cookbook
    folder: Path

    def of(self, recipe: str, options: Mapping[str, Any], now: datetime) -> str | None:
        """The fingerprint of an order: those that have the same may have one ISO.

        None if it is to be built for itself: it has a secret, or what it is made of is not known, as an archive never
        answered. Raises BadInput, and HostFault if the recipe is broken.
        """
        chosen = self.cookbook.parse(recipe, options)
        found = self.cookbook.find(recipe)
        if has_secret(chosen):
            return None
        try:
            archives = upstream.digest(found.sources(chosen, apt.read_host()), self.folder, now)
            inputs = found.inputs(chosen, self.cookbook.site)
            return archives and fingerprint(found, chosen, inputs, archives)
        except (HostFault, OSError):  # what is missing is told by the build
            return None
        except Exception as error:  # a recipe that others wrote may fail in any way
            raise HostFault(what=f"Recipe {recipe} is broken: {type(error).__name__}: {error}") from error


def fingerprint(recipe: "Recipe", options: "BaseModel", inputs: Mapping[str, Path], archives: str) -> str:
    """SHA-256, in hexadecimal, of all that an ISO is made of. `options` have no secret; `archives` is their digest.

    Raises OSError if a file can't be read.
    """
    facts = {
        "recipe": recipe.name,
        "versions": [vars(kind)["version"] for kind in type(recipe).__mro__ if "version" in vars(kind)],
        "modules": {kind.__module__: upstream.sha256_of(inspect.getfile(kind)) for kind in _foreign(recipe)},
        "options": options.model_dump(mode="json"),
        "inputs": {name: upstream.sha256_of(path) for name, path in inputs.items()},
        "archives": archives,
    }
    return sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def has_secret(options: "BaseModel") -> bool:
    """Whether a secret was chosen: one that is another than the recipe's own."""
    from isobuild.image.secrets import values
    from isobuild.recipes.base import secrets
    from isobuild.recipes.options import dump

    kind, chosen = type(options), vars(options)
    fields, told = kind.model_fields, dump(options)
    return any(
        chosen[name] != fields[name].get_default(call_default_factory=True, validated_data=chosen)
        for name in secrets(kind)
        if not told[name] or values(kind, {name: told[name]})
    )


def _foreign(recipe: "Recipe") -> list[type]:
    """The classes of a recipe that isobuild does not bring: whoever writes them may forget to raise `version`."""
    from isobuild.recipes.base import Recipe

    kinds = [kind for kind in type(recipe).__mro__ if issubclass(kind, Recipe)]
    return [kind for kind in kinds if not kind.__module__.startswith("isobuild.")]
