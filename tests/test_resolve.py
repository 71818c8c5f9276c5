"""An order's packages are looked up before it is queued: what can't be had names the option."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from archives import RELEASED, SmallArchive, served
from larder import open_house, stock
from orders import NOW

from isobuild.errors import ArchiveAway, ArchiveRefused, CannotAsk, CannotInstall, HostFault, InvalidOption
from isobuild.image.snapshot import Snapshot
from isobuild.recipes import Cookbook
from isobuild.resolve import Resolver


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallArchive]:
    """An archive, and the recipe that is made of it among the site's own."""
    with served(stock(tmp_path / "archive")) as archive:
        open_house(tmp_path, archive)
        yield archive


@pytest.fixture
def resolver(tmp_path: Path, small: SmallArchive) -> Resolver:
    return Resolver(Cookbook(tmp_path), tmp_path / "archives")


def snapshot(resolver: Resolver, later: timedelta = timedelta(), **options: object) -> Snapshot:
    found = resolver.snapshot("tea", options, NOW + later)
    assert found is not None
    return found


def test_an_order_comes_to_the_packages_that_a_build_would_take(resolver: Resolver) -> None:
    found = snapshot(resolver, packages=["kettle"], service="cup")
    assert sorted(each.name for each in found.packages) == ["cup", "kettle", "water"]


@pytest.mark.parametrize(
    ("options", "field", "given"),
    [
        ({"packages": ["cup", "watr"]}, "packages", "watr"),
        ({"service": "wine"}, "service", "wine"),
        ({"packages": ["bucket"], "exclude": ["cold"]}, "exclude", "bucket"),
    ],
)
def test_what_can_not_be_had_names_the_option(
    resolver: Resolver, options: dict[str, object], field: str, given: str
) -> None:
    with pytest.raises(CannotInstall) as caught:
        resolver.check("tea", options, NOW)
    assert isinstance(caught.value, InvalidOption)
    assert (caught.value.field, caught.value.facts["given"]) == (field, given)
    assert str(caught.value).startswith(f"{field}: {given} can't be installed: ")


def test_several_reasons_are_told_at_once(resolver: Resolver) -> None:
    with pytest.raises(CannotInstall, match=r"^packages: watr can't .* sauce can't be installed") as caught:
        resolver.check("tea", {"packages": ["watr", "sauce"]}, NOW)
    assert str(caught.value).count("can't be installed") == 2


def test_archives_that_are_away_keep_nobody_from_ordering(resolver: Resolver, small: SmallArchive) -> None:
    small.folder.rename(small.folder.with_name("gone"))
    with pytest.raises(ArchiveAway):
        resolver.snapshot("tea", {}, NOW)
    resolver.check("tea", {"packages": ["watr"]}, NOW)


def test_who_is_in_a_hurry_does_not_ask_again_at_once(resolver: Resolver, small: SmallArchive) -> None:
    small.folder.rename(small.folder.with_name("gone"))
    resolver.check("tea", {}, NOW)
    before = len(small.asked)
    resolver.check("tea", {}, NOW + timedelta(seconds=59))
    assert len(small.asked) == before
    small.folder.with_name("gone").rename(small.folder)
    assert snapshot(resolver, timedelta(seconds=61)).current


def test_the_last_word_of_an_archive_will_do(resolver: Resolver, small: SmallArchive) -> None:
    assert snapshot(resolver).current
    small.folder.rename(small.folder.with_name("gone"))
    assert not snapshot(resolver, timedelta(hours=2), packages=["kettle"]).current
    with pytest.raises(CannotInstall):
        resolver.check("tea", {"packages": ["watr"]}, NOW + timedelta(hours=2))


def test_a_mirror_without_the_suite_is_the_order_s_matter(resolver: Resolver, small: SmallArchive) -> None:
    with pytest.raises(CannotAsk, match="there is no suite tea") as caught:
        resolver.check("tea", {"mirror": f"{small.uri}/nowhere"}, NOW)
    assert caught.value.field == "mirror"


def other(small: SmallArchive, **facts: str) -> dict[str, object]:
    return {"repositories": [{"uri": f"{small.uri}/", "key": "/dev/null"} | facts]}


def test_a_repository_that_does_not_answer_is_named(resolver: Resolver, small: SmallArchive) -> None:
    for _ in range(2):
        with pytest.raises(CannotAsk, match="it does not answer") as caught:
            resolver.check("tea", other(small, uri="http://127.0.0.1:1/debian"), NOW)
        assert caught.value.field == "repositories.0.uri"


def test_a_repository_that_is_not_signed_so_is_named(resolver: Resolver, small: SmallArchive, tmp_path: Path) -> None:
    second = stock(tmp_path / "second")
    with served(second), pytest.raises(CannotAsk, match="no suite tea that is signed by the key given") as caught:
        resolver.check("tea", other(second), NOW)
    assert (caught.value.field, caught.value.facts["given"]) == ("repositories.0.key", f"{second.uri}/")


def test_a_key_that_stands_in_the_order_is_its_build_s_cause_too(tmp_path: Path, small: SmallArchive) -> None:
    from isobuild.image import archive
    from isobuild.image.snapshot import Layer

    keyed = small.sources.replace(
        "Trusted: yes", "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDME\n =AAAA"
    )
    with pytest.raises(ArchiveRefused, match="can't be used") as caught:
        archive.take([Layer("base", ("water",), keyed)], tmp_path / "keyed", NOW)
    assert caught.value.cause == "request"


def test_what_is_new_counts_after_an_hour(resolver: Resolver, small: SmallArchive) -> None:
    snapshot(resolver)
    small.add("wine")
    small.publish(RELEASED + timedelta(days=1))
    with pytest.raises(CannotInstall):
        snapshot(resolver, service="wine")
    assert "wine" in {each.name for each in snapshot(resolver, timedelta(minutes=61), service="wine").packages}


def test_a_broken_recipe_is_no_fault_of_the_order_s(resolver: Resolver, tmp_path: Path) -> None:
    text = (tmp_path / "recipes" / "tea.py").read_text()
    (tmp_path / "recipes" / "tea.py").write_text(text.replace("served = ()", "served = missing"))
    with pytest.raises(HostFault, match="Recipe tea is broken: NameError"):
        resolver.snapshot("tea", {}, NOW)
    resolver.check("tea", {}, NOW)


def test_a_recipe_without_packages_comes_to_none(resolver: Resolver, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "brew").write_text("#!/bin/sh\n")
    (tmp_path / "scripts" / "brew").chmod(0o755)
    assert resolver.snapshot("script", {"script": "brew"}, NOW) is None


def test_a_recipe_may_judge_what_its_packages_come_to(resolver: Resolver, tmp_path: Path) -> None:
    check = """
    def check_packages(self, options, names):
        if "cup" in names and "saucer" not in names:
            from isobuild.errors import InvalidOption
            raise InvalidOption(field="service", given=options.service, allowed="a saucer, too")
"""
    with (tmp_path / "recipes" / "tea.py").open("a") as recipe:
        recipe.write(check)
    with pytest.raises(InvalidOption, match="service: 'cup' is not allowed: a saucer, too"):
        resolver.check("tea", {"service": "cup"}, NOW)
    resolver.check("tea", {"service": "cup", "packages": ["saucer"]}, NOW)


def test_of_what_is_known_only_while_building_the_names_are_looked_up(resolver: Resolver, tmp_path: Path) -> None:
    text = (tmp_path / "recipes" / "tea.py").read_text()
    below = text.replace('asked=dict.fromkeys(served, "service"),', 'status="medium/status",')
    (tmp_path / "recipes" / "tea.py").write_text(below)
    with pytest.raises(CannotInstall, match="there is no such package in tea"):
        resolver.snapshot("tea", {"packages": ["watr", "cup"]}, NOW)
    assert resolver.snapshot("tea", {"packages": ["mocha"]}, NOW) is None  # what it needs may be there
