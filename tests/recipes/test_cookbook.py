"""Recipes are found by themselves, and a broken one takes nobody down."""

import subprocess
import sys
from pathlib import Path

import pytest

from isobuild.errors import HostFault, UnknownRecipe
from isobuild.recipes import Cookbook
from isobuild.recipes.base import Recipe

OWN = ["debian-live", "remaster", "script", "tiny"]
RECIPE = """
from isobuild.image.step import Plan, Step
from isobuild.recipes.base import Options, Recipe

class Tea(Recipe):
    name = "tea-linux"
    title = "Tea Linux"
    version = 1
    Options = Options

    def plan(self, options, place):
        return Plan({}, (Step("brew", ("true",)),))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "tea_linux.py").write_text(RECIPE)
    return tmp_path


def test_isobuild_brings_its_own() -> None:
    assert Cookbook().names() == OWN


@pytest.mark.parametrize("name", OWN)
def test_each_of_its_own_is_complete(name: str) -> None:
    recipe = Cookbook().find(name)
    assert isinstance(recipe, Recipe)
    assert recipe.name == name
    assert recipe.title
    assert recipe.version >= 1


@pytest.mark.parametrize("name", OWN)
def test_every_option_is_described_to_people(name: str) -> None:
    fields = Cookbook().find(name).Options.model_fields
    assert all(field.description for field in fields.values())


def test_a_file_of_the_site_is_a_recipe(site: Path) -> None:
    """S1.3, S2.1: a class in a file, found by its name."""
    cookbook = Cookbook(site)
    assert cookbook.names() == sorted([*OWN, "tea-linux"])
    assert cookbook.find("tea-linux").title == "Tea Linux"


def test_a_file_of_the_site_may_leave_its_annotations_for_later(site: Path) -> None:
    later = "from __future__ import annotations\nfrom isobuild.image.fields import Hostname\n"
    named = RECIPE.replace("    Options = Options", "    class Options(Options):\n        host: Hostname")
    (site / "recipes" / "tea_linux.py").write_text(later + named)
    assert Cookbook(site).parse("tea-linux", {"host": "tea"}).model_dump() == {"host": "tea"}


def test_a_site_may_put_its_own_in_the_place_of_isobuilds(site: Path) -> None:
    (site / "recipes" / "tiny.py").write_text(RECIPE.replace("tea-linux", "tiny"))
    assert Cookbook(site).names() == sorted([*OWN, "tea-linux"])
    assert Cookbook(site).find("tiny").title == "Tea Linux"


def test_a_site_without_recipes_is_fine(tmp_path: Path) -> None:
    assert Cookbook(tmp_path).names() == OWN


def test_an_unknown_recipe_is_answered_with_those_there_are(site: Path) -> None:
    with pytest.raises(UnknownRecipe, match="'coffee'; there are: debian-live, remaster, script, tea-linux, tiny"):
        Cookbook(site).find("coffee")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("def (", "SyntaxError"),
        ("", "has no class derived from Recipe whose name is 'broken'"),
        (RECIPE, "has no class derived from Recipe whose name is 'broken'"),
        (
            RECIPE.replace("tea-linux", "broken").replace("def plan", "def bake"),
            "TypeError: Tea has none of plan, steps, run",
        ),
    ],
    ids=["import", "syntax", "empty", "name", "no plan"],
)
def test_a_broken_recipe_is_named_when_asked_for_and_harms_no_other(site: Path, text: str, why: str) -> None:
    """S2.C11: a class that is missing, or has another name than its file, is said."""
    (site / "recipes" / "broken.py").write_text(text)
    cookbook = Cookbook(site)
    assert cookbook.names() == sorted([*OWN, "broken", "tea-linux"])
    assert cookbook.find("tea-linux").name == "tea-linux"
    with pytest.raises(HostFault, match=f"Recipe broken is broken: .*{why}"):
        cookbook.find("broken")


def test_an_installed_package_may_bring_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "tea-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tea\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[isobuild.recipes]\ntea-linux = tea_recipes.linux\n")
    (tmp_path / "tea_recipes").mkdir()
    (tmp_path / "tea_recipes" / "linux.py").write_text(RECIPE)
    monkeypatch.syspath_prepend(tmp_path)
    assert "tea-linux" in Cookbook().names()
    assert Cookbook().find("tea-linux").title == "Tea Linux"


def test_names_are_told_without_importing_a_recipe() -> None:
    code = "import isobuild.recipes as r, sys; r.Cookbook().names(); print([m for m in sys.modules if 'pydantic' in m])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
