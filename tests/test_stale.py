"""Stale ISOs: a real apt says what there is, dpkg which is newer, and the suite whether it mends a weakness."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from archives import RELEASED, SmallArchive, served
from larder import open_house, stock
from orders import NOW, order_task, start_build

from isobuild.db import Database
from isobuild.domain import builds, updates
from isobuild.domain.builds import End
from isobuild.domain.states import BuildState
from isobuild.recipes import Cookbook
from isobuild.resolve import Resolver
from isobuild.stale import AWAY, BROUGHT, NO_ARCHIVES, NONE_ADDED, NOT_TOLD, Found, Stale, Update
from isobuild.store.local import LocalStore, Stored
from isobuild.trust import packages, provenance
from isobuild.trust.packages import Fetched
from isobuild.trust.provenance import Making

DAY = timedelta(days=1)
MANIFEST = "cup 1.0 all\nkettle 2:1.5-1 all\nwater 1.0 all\n"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallArchive]:
    """An archive with a suite for security, both alike, and the recipe that is made of them."""
    made = stock(tmp_path / "archive")
    made.publish(suite="tea-security")
    with served(made):
        open_house(tmp_path, made, "tea", "tea-security")
        yield made


@pytest.fixture
def stale(database: Database, tmp_path: Path, small: SmallArchive) -> Stale:
    resolver = Resolver(Cookbook(tmp_path), tmp_path / "archives")
    return Stale(database, resolver, LocalStore(tmp_path / "store"))


def make(stale: Stale, name: str, manifest: str = MANIFEST, recipe: str = "tea", **options: Any) -> int:
    """A ready task with this manifest."""
    number = order_task(stale.db, name, recipe=recipe, options={"packages": ["cup", "kettle"]} | options)
    launch = start_build(stale.db)
    path = stale.store.folder / str(launch.build) / f"{name}.manifest"
    path.parent.mkdir(parents=True)
    path.write_text(manifest)
    files = {"iso": Stored(f"{name}.iso", 1, "5a" * 32), "manifest": Stored(path.name, len(manifest), "5b" * 32)}
    stale.db.write(builds.finish, launch.build, launch.token, End(state=BuildState.SUCCEEDED, files=files), NOW)
    return number


def look(stale: Stale, now: datetime = NOW) -> list[int]:
    return list(stale.look(now, lambda: now))


def told(stale: Stale, number: int) -> dict[str, Any]:
    with stale.db.read() as session:
        return updates.show(session, number) or {}


def brew(small: SmallArchive, days: int, suite: str = "tea", **versions: str) -> None:
    """Newer packages, known to this suite."""
    for name, version in versions.items():
        small.add(name, version)
    small.publish(RELEASED + days * DAY, suite)


def test_an_iso_of_what_there_is_has_none(stale: Stale) -> None:
    number = make(stale, "one")
    assert look(stale) == [number]
    assert (told(stale, number)["count"], told(stale, number)["why"]) == (0, None)


def test_newer_versions_are_found_and_those_for_security_marked(stale: Stale, small: SmallArchive) -> None:
    number = make(stale, "one")
    brew(small, 1, "tea-security", water="1.1")
    small.add("kettle", "2:1.10-1")
    small.publish(RELEASED + DAY)  # the newest of water comes from here too
    assert look(stale, NOW + DAY) == [number]
    assert told(stale, number)["packages"] == [
        {"name": "water", "old": "1.0", "new": "1.1", "security": True},
        {"name": "kettle", "old": "2:1.5-1", "new": "2:1.10-1", "security": False},
    ]


def test_a_weakness_mended_in_between_counts(stale: Stale, small: SmallArchive) -> None:
    number = make(stale, "one")
    brew(small, 1, "tea-security", water="1.1")
    brew(small, 2, water="1.2")
    look(stale, NOW + DAY)
    assert told(stale, number)["packages"] == [{"name": "water", "old": "1.0", "new": "1.2", "security": True}]


def test_what_is_older_in_the_archive_is_no_update(stale: Stale) -> None:
    number = make(stale, "one", "cup 1.0~rc1\nkettle 2:1.10-1\nwater 1.0\ngone 7\n")
    look(stale)
    assert told(stale, number)["packages"] == [{"name": "cup", "old": "1.0~rc1", "new": "1.0", "security": True}]


def test_each_is_looked_at_once_in_a_period(stale: Stale) -> None:
    first, second = make(stale, "one"), make(stale, "two")
    assert look(stale) == [first, second]
    assert look(stale) == []
    assert look(stale, NOW + DAY) == [first, second]


def test_archives_that_are_away_leave_what_was_known(stale: Stale, small: SmallArchive) -> None:
    number = make(stale, "one", "water 0.9\n")
    look(stale)
    small.folder.rename(small.folder.with_name("gone"))
    assert look(stale, NOW + DAY) == [number]
    assert (told(stale, number)["count"], told(stale, number)["why"]) == (1, AWAY)


def test_what_can_not_be_built_again_says_why(stale: Stale) -> None:
    number, broken = make(stale, "one", packages=["wine"]), make(stale, "two", teapot=3)
    assert look(stale) == [number, broken]
    assert told(stale, number)["why"] == (
        "it could not be built again now: packages: wine can't be installed: there is no such package in tea"
    )
    assert "no such option" in told(stale, broken)["why"]


def test_a_manifest_that_is_gone_is_nobody_s_fault(stale: Stale) -> None:
    make(stale, "one")
    second = make(stale, "two")
    (stale.store.folder / "1" / "one.manifest").unlink()
    assert look(stale) == [second]


def test_security_is_seen_by_the_suite(stale: Stale, small: SmallArchive) -> None:
    brew(small, 1, water="3")
    listed = updates.Listed(1, "tea", {}, (9, "any.manifest"))
    (stale.store.folder / "9").mkdir(parents=True)
    (stale.store.folder / "9" / "any.manifest").write_text("water 2\n")
    assert stale.find(listed, NOW) == Found([Update("water", "2", "3", security=False)])


@pytest.fixture
def remade(small: SmallArchive, tmp_path: Path) -> None:
    """A recipe that is made of an ISO, and so knows what is missing only while it is built."""
    text = (tmp_path / "recipes" / "tea.py").read_text().replace('name = "tea"', 'name = "remade"')
    asked = 'asked=dict.fromkeys(served, "service"),'
    (tmp_path / "recipes" / "remade.py").write_text(text.replace(asked, f'{asked} status="status",'))


def tell(stale: Stale, name: str, *fetched: Fetched) -> None:
    """Lay the provenance beside an ISO: these of its packages its build had fetched."""
    making = Making(
        recipe="remade", version=1, options={}, epoch=1, installation="x", isobuild="1", build=1, started=NOW,
        layers={"all": fetched},
    )  # fmt: skip
    (manifest,) = stale.store.folder.glob(f"*/{name}.manifest")
    listed = packages.join(packages.read(manifest.read_text()), fetched)
    told = provenance.write(making, {f"{name}.iso": "5a" * 32}, listed, NOW)
    manifest.with_name(f"{name}.provenance.json").write_bytes(told)


def test_of_a_changed_iso_what_was_added_is_looked_at(stale: Stale, small: SmallArchive, remade: None) -> None:
    number = make(stale, "one", "cup 0.5 all\nkettle 2:1.5-1 all\nwater 1.0 all\ngone 7 all\n", recipe="remade")
    added = [
        Fetched(name, version, "all", f"{name}.deb", "http://tea.example.org/", 1, "5a" * 32)
        for name, version in (("kettle", "2:1.5-1"), ("gone", "7"))
    ]
    tell(stale, "one", *added)
    assert look(stale) == [number]
    assert (told(stale, number)["count"], told(stale, number)["why"]) == (0, NONE_ADDED)
    brew(small, 1, "tea-security", kettle="2:1.10-1", water="1.1")
    assert look(stale, NOW + DAY) == [number]
    assert told(stale, number)["packages"] == [
        {"name": "kettle", "old": "2:1.5-1", "new": "2:1.10-1", "security": True}
    ]
    assert told(stale, number)["why"] == BROUGHT
    small.folder.rename(small.folder.with_name("away"))
    look(stale, NOW + 2 * DAY)
    assert (told(stale, number)["count"], told(stale, number)["why"]) == (1, AWAY)


@pytest.mark.parametrize("provenance", [None, "", "[]", '{"predicate": 7}'])
def test_without_word_of_what_was_added_it_is_not_looked_at(stale: Stale, remade: None, provenance: str | None) -> None:
    number = make(stale, "one", recipe="remade")
    if provenance is not None:
        (stale.store.folder / "1" / "one.provenance.json").write_text(provenance)
    assert look(stale) == [number]
    assert (told(stale, number)["count"], told(stale, number)["why"]) == (0, NOT_TOLD)


def test_a_recipe_that_names_no_archives_is_not_looked_at(stale: Stale, tmp_path: Path) -> None:
    text = (tmp_path / "recipes" / "tea.py").read_text().replace('name = "tea"', 'name = "plain"')
    (tmp_path / "recipes" / "plain.py").write_text(text.replace("def layers", "def no_layers"))
    number = make(stale, "one", "water 0.5 all\n", recipe="plain")
    assert look(stale) == [number]
    assert (told(stale, number)["count"], told(stale, number)["why"]) == (0, NO_ARCHIVES)
