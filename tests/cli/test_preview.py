"""`isobuild preview`: what an order would come to."""

import json
from collections.abc import Iterator

import pytest
from archives import SmallArchive, served
from larder import open_house, stock
from sites import Site

from cli.conftest import Call


@pytest.fixture
def small(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallArchive]:
    """An archive that is looked into, and the recipe that is made of it."""
    site.env["ISOBUILD_RESOLVE"] = "yes"
    with served(stock(site.home / "archive")) as archive:
        open_house(site.home, archive)
        yield archive


def test_it_is_told_to_people(small: SmallArchive, call: Call) -> None:
    said = call("preview", "tea", "--packages", "kettle")
    assert said.code == 0
    assert "packages" in said.out and "to download" in said.out
    assert "(a guess: none was built here yet)" in said.out


def test_it_is_told_to_programs(small: SmallArchive, call: Call) -> None:
    shown = json.loads(call("preview", "tea", "--json").out)
    assert (shown["recipe"], shown["packages"], shown["time"]) == ("tea", 1, None)


def test_a_recipe_file_is_looked_at(small: SmallArchive, site: Site, call: Call) -> None:
    (site.home / "tray.toml").write_text('recipe = "tea"\nname = "tray"\n[options]\npackages = ["kettle"]\n')
    assert json.loads(call("preview", "--file", site.home / "tray.toml", "--json").out)["packages"] == 2
    said = call("preview", "--file", site.home / "tray.toml", "--packages", "watr")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "isobuild: packages: watr can't be installed: there is no such package in tea. Did you mean water?\n"
    )


def test_what_can_not_be_had_is_not_ordered(small: SmallArchive, call: Call) -> None:
    said = call("order", "tea", "--name", "tray", "--packages", "lake")
    assert said.code == 2
    assert "lake can't be installed: it needs water (>= 2), and tea has 1.0." in said.err
    assert json.loads(call("tasks", "--json").out) == []


def test_a_recipe_is_needed(site: Site, call: Call) -> None:
    assert call("preview").code == 2
    assert "one of debian-live" in call("preview").err
    assert call("preview", "wine").code == 2


def test_a_site_that_does_not_look_says_so(site: Site, call: Call) -> None:
    assert "Its packages are not known yet" in call("preview", "tiny").err
