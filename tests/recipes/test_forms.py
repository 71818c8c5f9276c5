"""A recipe has one of three forms: a plan, steps, or Python that runs."""

import json
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from image.places import PLACE

from isobuild.errors import HostFault
from isobuild.image.step import Step
from isobuild.recipes import Cookbook
from isobuild.recipes.base import Recipe, form, progress

HEAD = """
from isobuild.image.step import Plan, Step
from isobuild.recipes.base import Options, Recipe

class Tea(Recipe):
    name, title, version, Options = "tea", "Tea", 1, Options
"""
FORMS = {
    "plan": "    def plan(self, options, place):\n        return Plan({'a': 'b'}, (Step('brew', ('true',)),))\n",
    "steps": "    def steps(self, options, place):\n        yield Step('brew', ('true', place.iso))\n",
    "run": "    def run(self, options, place):\n        raise RuntimeError('only in a build')\n",
}
NONE, SEVERAL = "Tea has none of plan, steps, run; one is needed", "Tea has steps and run of plan, steps, run"


def recipe(folder: Path, *forms: str, text: str = HEAD) -> Recipe:
    (folder / "recipes").mkdir()
    (folder / "recipes" / "tea.py").write_text(text + "".join(FORMS[form] for form in forms))
    return Cookbook(folder).find("tea")


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_known(tmp_path: Path, name: str) -> None:
    """S1.1: a recipe is a class with one method to write."""
    assert form(type(recipe(tmp_path, name))) == name


@pytest.mark.parametrize(("forms", "why"), [((), NONE), (("steps", "run"), SEVERAL)])
def test_none_or_several_are_refused(tmp_path: Path, forms: tuple[str, ...], why: str) -> None:
    """S1.37: a class that is no recipe is refused, and named."""
    with pytest.raises(HostFault, match=f"Recipe tea is broken: TypeError: {why}"):
        recipe(tmp_path, *forms)


def test_a_recipe_may_be_derived_from_another_form_and_all(tmp_path: Path) -> None:
    text = HEAD.replace("(Recipe)", "(Tiny)").replace(
        "import Options,", "import Options\nfrom isobuild.recipes.tiny import Tiny\n#"
    )
    found = recipe(tmp_path, text=f"{text}    pass\n")
    assert (found.name, form(type(found))) == ("tea", "plan")


def test_steps_alone_are_a_plan_without_files(tmp_path: Path) -> None:
    plan = recipe(tmp_path, "steps").plan(None, PLACE)
    assert (plan.files, plan.steps) == ({}, (Step("brew", ("true", "tea.iso")),))


def test_a_recipe_in_python_is_one_step_and_its_own_module(tmp_path: Path) -> None:
    place = replace(PLACE, python=("python", "FOLDER"), site=PurePath("/site"))
    plan = recipe(tmp_path, "run").plan(None, place)
    (step,) = plan.steps
    assert (step.name, step.command()) == ("tea", ("python", "FOLDER", "/b/in/recipe.json"))
    assert plan.files["recipe/tea.py"] == HEAD + FORMS["run"]
    told = json.loads(plan.files["recipe.json"])
    assert (told["name"], told["file"]) == ("tea", "recipe/tea.py")
    assert told["place"]["out"] == "/b/out"


MODERN = """
from __future__ import annotations
from dataclasses import dataclass
from isobuild.recipes import base

@dataclass
class Leaf:
    kind: str = "green"

class Options(base.Options):
    size: Leaves = 3

class Tea(base.Recipe):
    name, title, version, Options = "tea", "Tea", 1, Options
    def steps(self, options, place):
        return []

Leaves = int
Options.model_rebuild()
"""


def test_a_sites_module_may_postpone_its_annotations(tmp_path: Path) -> None:
    found = recipe(tmp_path, text=MODERN)
    assert Cookbook(tmp_path).parse("tea", {"size": "5"}).model_dump() == {"size": 5}
    assert found.plan(None, PLACE).steps == ()


@pytest.mark.parametrize(
    ("percent", "what", "line"),
    [
        (40, "unpacking", "isobuild: 40% unpacking"),
        (33.333, " two\nlines ", "isobuild: 33.3% two lines"),
        (0.00001, "", "isobuild: 0%"),
        (1e9, "done", "isobuild: 100% done"),
    ],
)
def test_progress_is_a_line_that_is_heard(
    capsys: pytest.CaptureFixture[str], percent: float, what: str, line: str
) -> None:
    """S1.1: who builds may tell how far it is."""
    progress(percent, what)
    assert capsys.readouterr().out == f"{line}\n"
