"""A look ahead: packages, download, size and time, by what archives offer and by builds of the past."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from archives import SmallArchive, served
from larder import open_house, stock
from orders import NOW, start_build
from test_desk import desk_over

from isobuild import preview
from isobuild.db import Database
from isobuild.desk import Desk
from isobuild.domain import builds
from isobuild.domain.builds import End
from isobuild.domain.states import BuildState
from isobuild.errors import CannotInstall, InvalidOption
from isobuild.recipes import Cookbook
from isobuild.resolve import Resolver
from isobuild.store.cache import Cache
from isobuild.store.local import Stored

MIB = 1 << 20


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallArchive]:
    with served(stock(tmp_path / "archive")) as archive:
        open_house(tmp_path, archive)
        yield archive


@pytest.fixture
def desk(database: Database, tmp_path: Path, small: SmallArchive) -> Desk:
    return replace(desk_over(database, tmp_path), resolver=Resolver(Cookbook(tmp_path), tmp_path / "archives"))


def weight(small: SmallArchive, *names: str) -> int:
    return sum(path.stat().st_size for name in names for path in (small.folder / "pool").glob(f"{name}_*.deb"))


def test_what_there_is_to_download_is_told(desk: Desk, small: SmallArchive) -> None:
    shown = preview.look(desk, "tea", {"packages": "kettle"})
    assert (shown["packages"], shown["packages_size"]) == (2, weight(small, "water", "kettle"))
    assert (shown["download"], shown["current"], shown["why"]) == (shown["packages_size"], True, None)


def test_what_this_host_has_is_not_downloaded(desk: Desk, small: SmallArchive) -> None:
    cache = Cache(desk.settings.cache, desk.settings.cache_size)
    with next((small.folder / "pool").glob("water_*.deb")).open("rb") as file:
        cache.take(file)
    assert preview.look(desk, "tea", {"packages": "kettle"})["download"] == weight(small, "kettle")


def test_before_any_build_the_size_is_a_guess_and_the_time_unknown(desk: Desk) -> None:
    shown = preview.look(desk, "tea", {})
    assert (shown["size"]["builds"], shown["time"]) == (0, None)
    assert shown["size"]["low"] < shown["size"]["likely"] < shown["size"]["high"]


def test_size_and_time_are_learned(desk: Desk, small: SmallArchive) -> None:
    water = weight(small, "water")
    desk.order("tea", {}, name="first")
    launch = start_build(desk.db)
    iso = Stored("first.iso", 7 * water, "5a" * 32)
    end = End(state=BuildState.SUCCEEDED, files={"iso": iso}, stages={"size": water})
    desk.db.write(builds.finish, launch.build, launch.token, end, NOW)
    shown = preview.look(desk, "tea", {"packages": "kettle"})
    assert shown["size"]["likely"] == 7 * weight(small, "water", "kettle")
    assert (shown["size"]["builds"], shown["time"]["builds"]) == (1, 1)


def test_what_can_not_be_had_is_told_and_not_ordered(desk: Desk) -> None:
    with pytest.raises(CannotInstall, match=r"Did you mean water\?"):
        preview.look(desk, "tea", {"packages": "watr"})
    with pytest.raises(CannotInstall, match=r"Did you mean water\?"):
        desk.order("tea", {"packages": "watr"}, name="first")
    assert desk.tasks() == []


def test_a_bad_option_is_told_before_archives_are_asked(desk: Desk, small: SmallArchive) -> None:
    with pytest.raises(InvalidOption):
        preview.look(desk, "tea", {"service": "bucket"})
    assert small.asked == []


def test_archives_that_are_away_leave_it_open(desk: Desk, small: SmallArchive, tmp_path: Path) -> None:
    open_house(tmp_path, replace(small, port=1))
    shown = preview.look(desk, "tea", {})
    assert (shown["packages"], shown["download"], shown["size"]) == (None, None, None)
    assert "does not answer" in shown["why"]
    assert desk.order("tea", {"packages": "watr"}, name="first")["state"] == "pending"


def test_a_site_that_does_not_look_says_so(desk: Desk, small: SmallArchive) -> None:
    blind = replace(desk, resolver=None)
    assert preview.look(blind, "tea", {})["why"] == preview.UNASKED
    assert blind.order("tea", {"packages": "watr"}, name="first")["state"] == "pending"
    assert small.asked == []


def test_choices_are_options_with_few_values() -> None:
    found = preview.choices(Cookbook().find("debian-live").Options)
    assert {"compression", "recommends", "docs", "desktop"} <= {*found}
    assert not {"packages", "hostname", "timeout", "users", "suite"} & {*found}


def test_what_is_known_only_while_it_is_built_is_not_told_as_none(desk: Desk, tmp_path: Path) -> None:
    recipe = tmp_path / "recipes" / "tea.py"
    recipe.write_text(recipe.read_text().replace("preferences=never,", 'preferences=never, status="status",'))
    shown = preview.look(desk, "tea", {"packages": "kettle"})
    assert (shown["packages"], shown["packages_size"], shown["download"], shown["why"]) == (None, None, None, None)
    with pytest.raises(CannotInstall, match=r"Did you mean water\?"):
        preview.look(desk, "tea", {"packages": "watr"})


CHANGES = """
    def base(self, options, site):
        return site / "old.iso"

    def installed(self, options, base):
        return {"packages": base.read_text()}
"""
WATER = "Package: water\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n\n"


def test_a_change_of_an_iso_is_looked_up_on_top_of_what_is_in_it(desk: Desk, tmp_path: Path) -> None:
    recipe = tmp_path / "recipes" / "tea.py"
    recipe.write_text(
        recipe.read_text()
        .replace('Layer("base", ("water",), debian),', "")
        .replace("preferences=never,", 'preferences=never, status="status",')
        + CHANGES
    )
    (tmp_path / "old.iso").write_text(WATER)
    shown = preview.look(desk, "tea", {"packages": "kettle"})
    assert (shown["packages"], shown["why"]) == (1, None)
    assert shown["size"]["low"] >= len(WATER), "it is what it was, and more"
    with pytest.raises(CannotInstall, match="lake can't be installed: it needs water"):
        preview.look(desk, "tea", {"packages": "lake"})
