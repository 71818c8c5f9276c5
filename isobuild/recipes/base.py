"""What a recipe is: a name, words for people, options, and one of three forms: a plan, steps, or Python that runs."""

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from isobuild.image.leaves import is_secret, shape
from isobuild.image.secrets import hidden
from isobuild.image.snapshot import Layer
from isobuild.image.step import Place, Plan, Proof, Step, clamp
from isobuild.recipes import SITE

__all__ = ["FORMS", "Options", "Recipe", "form", "hidden", "progress", "secrets"]
FORMS = ("plan", "steps", "run")


class Options(BaseModel):
    """What a person may choose about a recipe. Each field has a description in words for people."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Recipe:
    """How a kind of ISO is made, in one of the three FORMS; in each, `options` is an instance of `Options`.

    `plan` and `steps` are pure: no database, no clock, no commands run; the same input gives the same plan.
    """

    name: ClassVar[str]
    """As people type it: the module's name, with hyphens."""
    title: ClassVar[str]
    """One line for people."""
    version: ClassVar[int]
    """Raised when the same options come to give another ISO."""
    Options: ClassVar[type[BaseModel]]
    proof: ClassVar[Proof | None] = None
    """How its ISOs are proved to boot, where its plan does not say; None: they are booted only if somebody asks."""

    def plan(self, options: Any, place: Place) -> Plan:
        """The files and steps that leave the ISO at `place.out / place.iso`; without it, what the other form needs.

        Raises HostFault if this host lacks what the recipe needs.
        """
        if form(type(self)) == "run":
            return _performance(self, place)
        return Plan({}, tuple(self.steps(options, place)), self.proof)

    def steps(self, options: Any, place: Place) -> Sequence[Step]:
        """The steps alone, where they need no files."""
        raise NotImplementedError

    def run(self, options: Any, place: Any) -> Mapping[str, Any] | None:
        """Make the ISO, as the build user, behind the door: `place` is a Place, and its folders are real Paths.

        What it returns, if anything, are the build's results. Raise a BuildFailed with its cause to end the build.
        """
        raise NotImplementedError

    def rollback(self, options: Any, place: Any) -> None:
        """Called when `run` raised, before the workspace is removed: undo what it did elsewhere."""

    def inputs(self, options: Any, site: Path | None) -> Mapping[str, Path]:
        """The files, by any names, that make another ISO when they change; `site` is the site's folder, if it has one.

        Not the recipe's own: those of isobuild have a `version`, and all others are read anyway.
        """
        return {}

    def layers(self, options: Any, apt: str) -> Sequence[Layer]:
        """The Debian packages that it is made of, from `sources`; `place.snapshot` is what they come to."""
        return ()

    def base(self, options: Any, site: Path | None) -> Path | None:
        """The ISO of the site's that it is made of, which the service may open; what people bring, only builds do."""
        return None

    def installed(self, options: Any, base: Path) -> Mapping[str, str] | None:
        """dpkg's status of what the layers come on top of, by their names; None if only a build knows it.

        Raises InvalidOption if the order does not fit what is there, BadInput, HostFault, OSError.
        """
        return None

    def check_packages(self, options: Any, names: Collection[str]) -> None:
        """Raise InvalidOption if an option asks for what is in none of the packages that the layers come to."""

    def sources(self, options: Any, apt: str) -> str:
        """The archives, as deb822 text, that make another ISO when they have something new; `apt` is the host's own.

        Raises HostFault if this host lacks what the recipe needs.
        """
        return ""


def form(kind: type[Recipe]) -> str:
    """Which of the FORMS a recipe has. Raises TypeError if that is none of them, or several."""
    found = [each for each in FORMS if getattr(kind, each) is not getattr(Recipe, each)]
    if len(found) != 1:
        raise TypeError(f"{kind.__name__} has {' and '.join(found) or 'none'} of {', '.join(FORMS)}; one is needed")
    return found[0]


def progress(percent: float, what: str = "") -> None:
    """From within `run`: so much of it is done (0..100), and this is the step that it is in now."""
    print(f"isobuild: {round(100 * clamp(percent / 100), 1):g}% {' '.join(what.split())}".rstrip(), flush=True)


def secrets(options: type[BaseModel]) -> set[str]:
    """The names of the options that are secret, or have a secret within: of the type `Secret`, or of pydantic's."""
    whole = shape(options)
    return {name for name in whole.names() if (inner := whole.inner(name)) and inner.has(is_secret)}


def _performance(recipe: Recipe, place: Place) -> Plan:
    """One step: `place.python` performs what recipe.json tells; a module of the site's own goes along."""
    module = sys.modules[type(recipe).__module__]
    source = Path(f"{module.__file__}")
    file = f"recipe/{source.name}" if module.__name__.startswith(f"{SITE}.") else None
    folders = {name: f"{getattr(place, name)}" for name in ("inputs", "work", "out")}
    facts = {"iso": place.iso, "apt": place.apt, "epoch": place.epoch, "site": place.site and f"{place.site}"}
    told = {"name": recipe.name, "module": module.__name__, "file": file, "place": folders | facts}
    files = {"recipe.json": json.dumps(told, indent=2) + "\n", **({file: source.read_text()} if file else {})}
    step = Step(recipe.name, (*place.python, f"{place.inputs / 'recipe.json'}"), weight=60)
    return Plan(files, (step,), recipe.proof)
