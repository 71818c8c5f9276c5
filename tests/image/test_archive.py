"""Archives of packages, asked by a real apt: what layers come to, and what is said when they can't."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from archives import RELEASED, SmallArchive, served

from isobuild.errors import ArchiveAway, Unresolved
from isobuild.image import archive
from isobuild.image.archive import Archive
from isobuild.image.snapshot import Layer, Snapshot

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallArchive]:
    made = SmallArchive(tmp_path / "archive")
    made.folder.mkdir()
    made.add("water")
    made.add("cup", Depends="water", Recommends="saucer")
    made.add("saucer")
    made.add("kettle", "2:1.5-1", Depends="water (>= 1.0)")
    made.publish()
    with served(made):
        yield made


@pytest.fixture
def base(small: SmallArchive) -> Layer:
    return Layer("base", ("water",), small.sources)


def take(tmp_path: Path, *layers: Layer, later: timedelta = timedelta()) -> Snapshot:
    return archive.take(layers, tmp_path / "kept", NOW + later)


def names(snapshot: Snapshot) -> dict[str, list[str]]:
    return {layer: sorted(each.name for each in packages) for layer, packages in snapshot.layers.items()}


def test_a_layer_adds_what_those_below_have_not(tmp_path: Path, base: Layer) -> None:
    found = take(tmp_path, base, Layer("packages", ("cup", "kettle"), base.sources))
    assert names(found) == {"base": ["water"], "packages": ["cup", "kettle"]}


def test_a_package_has_all_that_fetching_needs(tmp_path: Path, small: SmallArchive, base: Layer) -> None:
    (kettle,) = take(tmp_path, base, Layer("packages", ("kettle",), base.sources)).layers["packages"]
    assert (kettle.name, kettle.version, kettle.architecture) == ("kettle", "2:1.5-1", "all")
    assert kettle.uri.startswith(f"{small.uri}/pool/kettle_2")
    assert kettle.size == (small.folder / "pool" / "kettle_2:1.5-1_all.deb").stat().st_size
    assert len(kettle.sha256) == 64


def test_recommended_packages_come_when_wanted(tmp_path: Path, base: Layer) -> None:
    cup = Layer("packages", ("cup",), base.sources)
    assert names(take(tmp_path, base, cup))["packages"] == ["cup"]
    assert names(take(tmp_path, base, replace(cup, recommends=True)))["packages"] == ["cup", "saucer"]


def test_what_is_excluded_never_comes(tmp_path: Path, base: Layer) -> None:
    pinned = "Package: saucer\nPin: release *\nPin-Priority: -1\n"
    cup = Layer("packages", ("cup",), base.sources, recommends=True, preferences=pinned)
    assert names(take(tmp_path, base, cup))["packages"] == ["cup"]


def test_what_is_provided_counts_as_there(tmp_path: Path, base: Layer) -> None:
    alone = Layer("kernel", ("cup",), base.sources, provided=("water",))
    assert names(take(tmp_path, alone)) == {"kernel": ["cup"]}


STATUS = """\
Package: water
Status: install ok installed
Architecture: all
Version: 1.0

Package: tea
Status: install ok installed
Architecture: all
Version: 9
Depends: water
"""


def on_top(tmp_path: Path, layer: Layer, status: str | None = STATUS) -> dict[str, list[str]]:
    installed = {layer.name: status}
    return names(archive.take([layer], tmp_path / "kept", NOW, installed=installed))


def test_a_layer_comes_on_top_of_what_a_system_has(tmp_path: Path, base: Layer) -> None:
    cup = Layer("packages", ("cup", "water"), base.sources, status="status")
    assert on_top(tmp_path, cup) == {"packages": ["cup"]}
    assert on_top(tmp_path, cup, STATUS.replace("1.0", "0.9")) == {"packages": ["cup", "water"]}


def test_what_is_not_known_yet_is_left_out(tmp_path: Path, base: Layer) -> None:
    cup = Layer("packages", ("no-such",), base.sources, status="status")
    assert on_top(tmp_path, cup, None) == {}
    with pytest.raises(Unresolved, match="no-such"):  # as if nothing were there
        take(tmp_path, cup)


def test_what_others_need_can_not_go(tmp_path: Path, base: Layer) -> None:
    layer = Layer("packages", ("cup",), base.sources, status="status")
    assert on_top(tmp_path, replace(layer, packages=(), remove=("tea",))) == {"packages": []}
    assert on_top(tmp_path, replace(layer, remove=("tea",))) == {"packages": ["cup"]}
    with pytest.raises(Unresolved, match="water can't be removed: the rest of the system needs it"):
        on_top(tmp_path, replace(layer, remove=("water",)))


def test_an_empty_layer_adds_nothing(tmp_path: Path, base: Layer) -> None:
    assert take(tmp_path, base, Layer("packages", (), base.sources)).layers["packages"] == ()


def test_a_second_layer_may_have_more_sources(tmp_path: Path, base: Layer, small: SmallArchive) -> None:
    other = SmallArchive(tmp_path / "other")
    other.folder.mkdir()
    other.add("sugar", Depends="water")
    other.publish()
    with served(other):
        both = f"{base.sources}\n{other.sources}"
        found = take(tmp_path, base, Layer("packages", ("sugar",), both))
    assert names(found) == {"base": ["water"], "packages": ["sugar"]}


def test_the_date_of_the_release_is_that_of_what_is_made(tmp_path: Path, base: Layer) -> None:
    assert take(tmp_path, base).epoch == int(RELEASED.timestamp())


def test_the_archives_are_asked_once_an_hour(tmp_path: Path, small: SmallArchive, base: Layer) -> None:
    take(tmp_path, base)
    before = len(small.asked)
    take(tmp_path, base, later=timedelta(minutes=59))
    assert len(small.asked) == before
    take(tmp_path, base, later=timedelta(minutes=61))
    assert len(small.asked) > before


def test_what_is_new_is_seen_and_the_old_release_stays_as_it_was(
    tmp_path: Path, small: SmallArchive, base: Layer
) -> None:
    first = take(tmp_path, base)
    before = [Path(path).read_bytes() for path in first.releases]
    small.add("water", "1.1")
    small.publish(RELEASED + timedelta(days=1))
    second = take(tmp_path, base, later=timedelta(hours=2))
    assert [each.version for each in second.packages] == ["1.1"]
    assert [Path(path).read_bytes() for path in first.releases] == before
    assert second.releases != first.releases


def test_archives_that_are_away_are_taken_at_their_last_word(tmp_path: Path, small: SmallArchive, base: Layer) -> None:
    """A lab without its mirror builds on."""
    first = take(tmp_path, base)
    assert first.current
    small.folder.rename(tmp_path / "gone")
    second = take(tmp_path, base, Layer("packages", ("kettle",), base.sources), later=timedelta(hours=2))
    assert not second.current
    assert names(second) == {"base": ["water"], "packages": ["kettle"]}


def test_archives_that_never_answered_are_named(tmp_path: Path) -> None:
    nowhere = SmallArchive(tmp_path, port=1).sources
    with pytest.raises(ArchiveAway, match=r"does not answer as it should: .*127\.0\.0\.1") as caught:
        take(tmp_path, Layer("base", ("water",), nowhere))
    assert caught.value.cause == "upstream"


def test_an_unknown_package_is_the_orders_fault(tmp_path: Path, base: Layer) -> None:
    with pytest.raises(Unresolved, match=r"^wine can't be installed: there is no such package in tea\.") as caught:
        take(tmp_path, base, Layer("packages", ("wine",), base.sources))
    assert caught.value.cause == "request"


def test_a_failed_question_is_asked_again(tmp_path: Path, small: SmallArchive, base: Layer) -> None:
    wine = Layer("packages", ("wine",), base.sources)
    with pytest.raises(Unresolved):
        take(tmp_path, base, wine)
    small.add("wine")
    small.publish(RELEASED + timedelta(days=1))
    assert names(take(tmp_path, base, wine, later=timedelta(hours=2)))["packages"] == ["wine"]


def test_logins_are_their_owners_alone_and_gone_afterwards(tmp_path: Path, base: Layer) -> None:
    login = "machine http://127.0.0.1 login ana password sesame\n"
    take(tmp_path, replace(base, logins=login))
    assert not list((tmp_path / "kept").glob("*/logins"))
    archive = Archive(base.sources, tmp_path / "kept", login)
    with archive.alone():
        assert (archive.folder / "logins").stat().st_mode & 0o777 == 0o600
        assert (archive.folder / "logins").read_text() == login


def test_what_nobody_asks_any_more_is_let_go(tmp_path: Path, base: Layer) -> None:
    take(tmp_path, base)
    other = replace(base, sources=f"{base.sources}Architectures: amd64\n")
    take(tmp_path, other)
    assert len(list((tmp_path / "kept").iterdir())) == 2
    (tmp_path / "kept").joinpath(Archive(base.sources, tmp_path).folder.name, "sources.sources").write_text("")
    os.utime(Archive(other.sources, tmp_path / "kept").folder / "sources.sources", (0, 0))
    take(tmp_path, base)
    assert [each.name for each in (tmp_path / "kept").iterdir()] == [Archive(base.sources, tmp_path).folder.name]


@pytest.fixture
def vendor(tmp_path: Path) -> SmallArchive:
    """Another archive, much older, that is not served yet."""
    made = SmallArchive(tmp_path / "vendor")
    made.folder.mkdir()
    made.add("biscuit")
    made.publish(released=RELEASED - timedelta(days=4000))
    return made


def test_what_one_archive_said_counts_while_another_is_away(
    tmp_path: Path, small: SmallArchive, base: Layer, vendor: SmallArchive
) -> None:
    with served(vendor):
        both = replace(base, packages=("water", "biscuit"), sources=f"{base.sources}\n{vendor.sources}")
        take(tmp_path, both)
    found = take(tmp_path, both, later=timedelta(hours=2))
    assert not found.current
    assert {each.name for each in found.layers["base"]} == {"water", "biscuit"}


def test_who_was_killed_when_the_lists_had_come_loses_no_word(tmp_path: Path, small: SmallArchive, base: Layer) -> None:
    take(tmp_path, base)
    kept = Archive(base.sources, tmp_path / "kept")
    shutil.rmtree(kept.folder / "said")
    small.folder.rename(tmp_path / "gone")
    found = take(tmp_path, base, later=timedelta(hours=2))
    assert (found.current, bool(found.releases)) == (False, True)


def test_an_old_archive_beside_debian_s_does_not_date_what_is_made(
    tmp_path: Path, small: SmallArchive, base: Layer, vendor: SmallArchive
) -> None:
    release = small.folder / "dists/tea/Release"
    release.write_text(f"Origin: Debian\n{release.read_text()}")
    with served(vendor):
        found = take(tmp_path, replace(base, sources=f"{vendor.sources}\n{base.sources}"))
    assert found.epoch == int(RELEASED.timestamp())
