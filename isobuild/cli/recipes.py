"""Recipes: which there are, what may be chosen, and what they would run."""

import shlex
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from isobuild import site
from isobuild.cli import say
from isobuild.config import load
from isobuild.errors import HostFault, InvalidOption
from isobuild.image import apt
from isobuild.image.step import Place, Plan

if TYPE_CHECKING:
    from isobuild.recipes.base import Recipe


def recipes(*, json: bool) -> None:
    """List the recipes; a broken one of the site's is listed as such."""
    cookbook = site.cookbook(load())
    found = []
    for name in cookbook.names():
        try:
            found.append({"name": name, "title": cookbook.find(name).title, "error": None})
        except HostFault as error:
            found.append({"name": name, "title": None, "error": str(error)})
    if json:
        say.value(found)
        return
    say.table(("RECIPE", ""), ((each["name"], each["title"] or each["error"]) for each in found))
    say.words("More of one: isobuild recipe NAME")


def recipe(name: str, options: dict[str, object], *, json: bool) -> None:
    """Show a recipe's options, and its steps with the options that are given."""
    settings = load()
    cookbook = site.cookbook(settings)
    found = cookbook.find(name)
    plan, lacking = _plan(cookbook, found, options, settings.home)
    if json:
        say.value(_shown(found, plan))
        return
    say.console().print(f"{found.name}: {found.title}\n", markup=False)
    rows = [(f"--{each['name'].replace('_', '-')}", each["default"], each["description"]) for each in _options(found)]
    say.table(("OPTION", "DEFAULT", ""), rows)
    if plan:
        print("\nThe steps, as the build user runs them:")
        for step in plan.steps:
            print(f"\n{step.name}:\n  {shlex.join(step.command())}" + (f" < {step.stdin}" if step.stdin else ""))
    say.words(f"\n{lacking}\n" if lacking else f"\nOrder it: isobuild order {name} --name NAME [--OPTION VALUE …]")


def _plan(cookbook: Any, found: "Recipe", options: dict[str, object], home: Any) -> tuple[Plan | None, str]:
    root = PurePosixPath("/BUILD")
    place = Place(
        inputs=root / "in",
        work=root / "work",
        out=root / "out",
        iso="NAME.iso",
        apt=apt.read_host(),
        epoch=0,
        site=home,
    )
    try:
        return found.plan(cookbook.parse(found.name, options), place), ""
    except InvalidOption as error:
        if options or error.facts.get("given") is not None:
            raise
        return None, f"Its steps depend on what you give: {error}"
    except HostFault as error:
        return None, str(error)


def _options(found: "Recipe") -> list[dict[str, Any]]:
    fields = found.Options.model_json_schema().get("properties", {})
    return [
        {"name": name, "default": facts.get("default"), "description": facts.get("description", "")}
        for name, facts in fields.items()
    ]


def _shown(found: "Recipe", plan: Plan | None) -> dict[str, Any]:
    steps = [
        {"name": step.name, "argv": list(step.command()), "stdin": str(step.stdin) if step.stdin else None}
        for step in (plan.steps if plan else ())
    ]
    return {
        "name": found.name,
        "title": found.title,
        "version": found.version,
        "options": _options(found),
        "steps": steps,
    }
