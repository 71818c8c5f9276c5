"""A recipe that is asked again, once its first steps have found out what it needs to know."""

import re
from pathlib import Path

import pytest
from sites import Site

RECIPE = """
from pathlib import Path

from isobuild.errors import InvalidOption
from isobuild.image.step import Plan, Stage, Step
from isobuild.recipes.base import Options, Recipe

LOOK = 'mkdir -p "$ISOBUILD_OUT/stages/.leaf" && cd "$ISOBUILD_OUT/stages" && echo 7 >.leaf/milliseconds && '
LOOK += 'echo "$1" >.leaf/colour && mv .leaf leaf'

class TeaOptions(Options):
    colour: str = "green"
    pin: str = ""

class Tea(Recipe):
    name, title, version, Options = "tea", "Tea: what colour?", 1, TeaOptions

    def plan(self, options, place):
        stage = Stage("leaf", options.colour.ljust(64, "0"))
        leaf = Path(place.inputs) / "stages" / "leaf" / "colour"
        if not leaf.exists() or "leaf" not in place.made:
            look = Step("look", ("sh", "-c", LOOK, "sh", options.colour), weight=1, leaves="stages")
            return Plan({"first": "1\\n"}, (look,), stages=(stage,), more=3)
        colour = leaf.read_text().strip()
        if colour == "blue":
            raise InvalidOption(field="colour", given=colour, allowed="a colour that tea has")
        brew = 'cat "$ISOBUILD_IN/first" "$ISOBUILD_IN/more/second" >"$ISOBUILD_OUT/x.iso"'
        files = {"first": "1\\n", "more/second": f"{colour} tea\\n"}
        return Plan(files, (Step("brew", ("sh", "-c", brew), weight=3),), stages=(stage,))
"""


@pytest.fixture
def tea(site: Site) -> Site:
    (site.home / "recipes").mkdir(exist_ok=True)
    (site.home / "recipes" / "tea.py").write_text(RECIPE)
    return site


def order(site: Site, name: str, colour: str = "green") -> None:
    site.run("order", "tea", "--name", name, "--colour", colour, "--fresh", "--max-attempts", 1)


def content(iso: Path) -> str:
    return iso.read_text()


def test_what_the_first_steps_left_the_second_plan_knows(tea: Site) -> None:
    order(tea, "first")
    build = tea.carry()
    assert (build["state"], build["error"]) == ("succeeded", None)
    assert content(tea.isos()[0]) == "1\ngreen tea\n"
    assert build["stages"]["made"] == {"leaf": 0.0}
    said = tea.log()
    assert said.index("step look") < said.index("stage leaf: made") < said.index("step brew")
    assert len(re.findall("stage leaf", said)) == 1


def test_a_stage_that_is_there_leaves_the_second_plan_alone(tea: Site) -> None:
    order(tea, "first")
    order(tea, "second")
    tea.carry()
    build = tea.carry()
    assert set(build["stages"]["reused"]) == {"leaf"}
    assert "step look" not in tea.log(2)
    assert [content(iso) for iso in tea.isos()] == ["1\ngreen tea\n"] * 2


def test_what_the_second_plan_refuses_is_the_orders_fault(tea: Site) -> None:
    order(tea, "first", "blue")
    build = tea.carry()
    assert (build["state"], build["cause"]) == ("failed", "request")
    assert build["error"] == "colour: 'blue' is not allowed: a colour that tea has."
    assert tea.is_clear()
    assert not tea.stored()


LEAVES = """
from pathlib import Path

from isobuild.image.step import Plan, Step
from isobuild.image.upstream import identity
from isobuild.recipes.base import Options, Recipe

class Leaves(Recipe):
    name, title, version, Options = "leaves", "Leaves: of the site's tin", 1, Options

    def plan(self, options, place):
        tin = Path(place.site) / "isos" / "tin"
        steps = (Step("look", ("sh", "-c", {look!r})), Step("brew", ("cp", f"{{tin}}", f"{{place.out}}/x.iso")))
        return Plan({{}}, steps, reads={{tin: identity(tin)}})
"""


@pytest.mark.parametrize(
    ("look", "state"),
    [("true", "succeeded"), ("echo sugar >>{tin}", "failed"), ("cp {tin} {tin}2; mv {tin}2 {tin}", "failed")],
)
def test_what_is_read_where_it_lies_must_stay_as_it_is(site: Site, look: str, state: str) -> None:
    (site.home / "recipes").mkdir(exist_ok=True)
    (site.home / "isos").mkdir()
    (site.home / "isos").chmod(0o777)
    tin = site.home / "isos" / "tin"
    tin.write_text("tea\n")
    tin.chmod(0o666)
    (site.home / "recipes" / "leaves.py").write_text(LEAVES.format(look=look.format(tin=tin)))
    site.run("order", "leaves", "--name", "first", "--max-attempts", 1)
    build = site.carry()
    assert build["state"] == state
    if state == "failed":
        assert (build["cause"], build["error"]) == ("host", "tin was changed by somebody while an ISO was made of it.")
        assert site.is_clear()
