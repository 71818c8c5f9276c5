"""A build fetches its packages from an archive that is there, goes away, or is broken: each ends with its cause."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from archives import SmallArchive, served
from sites import Site

from isobuild.image import archive
from isobuild.image.snapshot import Layer

RECIPE = """
from isobuild.image import fetch
from isobuild.image.snapshot import Layer
from isobuild.image.step import Plan, Step
from isobuild.recipes.base import Options, Recipe

class Brew(Recipe):
    name, title, version, Options = "brew", "Brew", 1, Options

    def layers(self, options, apt):
        return (Layer("all", ("cup", "tea"), {sources!r}),)

    def plan(self, options, place):
        copy = Step("copy", ("cp", f"{{place.inputs}}/packages/tea_1.0_all.deb", f"{{place.out}}/any.iso"))
        steps = (*fetch.fetch(place, place.packages), copy)
        return Plan(fetch.files(place, place.packages), steps, packages=place.packages)
"""


@pytest.fixture
def small(tmp_path: Path) -> SmallArchive:
    made = SmallArchive(tmp_path / "archive")
    made.folder.mkdir()
    for name in ("cup", "tea"):
        made.add(name, files={f"usr/share/{name}": name * 1000})
    made.publish()
    return made


@pytest.fixture
def brewing(site: Site, small: SmallArchive) -> Iterator[Site]:
    """A site whose recipe is made of two packages of the archive, which is served, and was asked already."""
    with served(small):
        folder = site.home / "recipes"
        folder.mkdir(mode=0o755)
        (folder / "brew.py").write_text(RECIPE.format(sources=small.sources))
        layer = Layer("all", ("cup", "tea"), small.sources)
        archive.take((layer,), site.home / "archives", datetime.now(UTC))
        yield site


def order(site: Site, name: str = "first") -> None:
    site.run("order", "brew", "--name", name, "--max-attempts", 1, "--fresh")


def test_what_is_not_there_is_fetched_once(brewing: Site, small: SmallArchive) -> None:
    order(brewing)
    build = brewing.carry()
    assert (build["state"], build["error"]) == ("succeeded", None)
    assert build["stages"]["packages"] == {"cached": 0, "fetched": 2}
    before = len(small.asked)
    order(brewing, "second")
    assert brewing.carry()["stages"]["packages"] == {"cached": 2, "fetched": 0}
    assert len(small.asked) == before


def test_a_mirror_that_vanishes_midway_is_the_cause(brewing: Site, small: SmallArchive) -> None:
    """Its lists were there; its packages are not any more."""
    order(brewing)
    (small.folder / "pool").rename(small.folder / "gone")
    build = brewing.carry()
    assert (build["state"], build["cause"], build["step"]) == ("failed", "upstream", "packages")
    assert "404" in build["error"]
    assert brewing.is_clear()
    (small.folder / "gone").rename(small.folder / "pool")
    brewing.run("retry", 1)
    assert brewing.carry()["state"] == "succeeded"


def test_a_package_that_was_changed_on_its_way_is_not_taken(brewing: Site, small: SmallArchive) -> None:
    order(brewing)
    tea = small.folder / "pool" / "tea_1.0_all.deb"
    tea.write_bytes(tea.read_bytes()[:-1] + b"!")
    build = brewing.carry()
    assert (build["state"], build["cause"]) == ("failed", "upstream")
    assert "Hash Sum mismatch" in (build["tail"] or "") + build["error"]
    assert not [path for path in (brewing.home / "cache" / "files").glob("*") if path.read_bytes() == tea.read_bytes()]
    assert brewing.is_clear()
