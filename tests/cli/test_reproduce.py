"""`isobuild reproduce`: an ISO built again is identical, or it is said what differs."""

import io
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from archives import RELEASED, SmallArchive, served
from image.media import Pack, pack
from sites import Site

from cli.conftest import Call
from isobuild.store.cache import Cache, Made

__all__ = ["pack"]
COPIES = """#!/bin/sh
set -e
name=first
[ "$ISOBUILD_TASK" = 1 ] || name=again
if [ ! -e {folder}/$name ]; then echo "E: the kettle is cold" >&2; exit 65; fi
cp {folder}/$name "$ISOBUILD_OUT/any.iso"
"""


@pytest.fixture
def built(site: Site, pack: Pack) -> Path:
    """Task 1 is ready; the folder holds what it was made of, and what a second build would make, if anything."""
    folder = site.home / "made"
    folder.mkdir(mode=0o755)
    shutil.copy(pack("first.iso", {"hello": "tea\n"}, {}), folder / "first")
    site.order(text=COPIES.format(folder=folder))
    assert site.carry()["state"] == "succeeded"
    return folder


def test_an_iso_that_comes_out_the_same_is_identical(call: Call, site: Site, built: Path) -> None:
    shutil.copy(built / "first", built / "again")
    said = call("reproduce", 1)
    assert (said.code, said.out) == (
        0,
        f"identical: built again, the ISO has the same SHA-256, {site.task()['sha256']}\n",
    )
    assert [task["id"] for task in site.json("tasks")] == [1]


def test_the_second_task_stays_if_it_is_wanted(call: Call, site: Site, built: Path) -> None:
    shutil.copy(built / "first", built / "again")
    told = json.loads(call("reproduce", 1, "--keep", "--json").out)
    assert told == {"identical": True, "sha256": site.task()["sha256"], "task": 2}
    assert (site.task(2)["name"], site.task(2)["state"]) == ("first-again", "ready")


def test_what_differs_is_said_and_kept(call: Call, site: Site, built: Path, pack: Pack) -> None:
    shutil.copy(pack("again.iso", {"hello": "tea and milk\n", "sugar": "two\n"}, {}), built / "again")
    said = call("reproduce", 1)
    assert said.code == 1
    assert "not identical: the second ISO is task 2's" in said.out
    assert "+ /sugar" in said.out
    assert site.task(2)["state"] == "ready"


def test_a_second_build_that_fails_says_where_to_look(call: Call, built: Path) -> None:
    said = call("reproduce", 1)
    assert said.code == 1
    assert "It could not be built again" in said.err
    assert "the kettle is cold" in said.err
    assert "isobuild log 2" in said.err


def test_what_is_not_ready_can_not_be_built_again(call: Call, site: Site) -> None:
    site.order()
    assert call("reproduce", 1).code == 3
    assert call("reproduce", 99).code == 4


BREW = """
from isobuild.image import fetch
from isobuild.image.snapshot import Layer
from isobuild.image.step import Plan, Step
from isobuild.recipes.base import Options, Recipe

class Brew(Recipe):
    name, title, version, Options = "brew", "Brew: the tea that there is", 1, Options

    def layers(self, options, apt):
        return (Layer("all", ("tea",), {sources!r}),)

    def plan(self, options, place):
        (tea,) = place.packages
        pour = Step("pour", ("cp", f"{{place.inputs}}/packages/{{tea.file}}", f"{{place.out}}/{{place.iso}}"))
        return Plan(fetch.files(place, [tea]), (*fetch.fetch(place, [tea]), pour), packages=(tea,))
"""


def test_it_is_made_of_the_same_packages_though_there_are_newer_ones(call: Call, site: Site, tmp_path: Path) -> None:
    small = SmallArchive(tmp_path / "archive")
    small.folder.mkdir()
    small.add("tea", files={"usr/share/tea": "green"})
    small.publish()
    (site.home / "recipes").mkdir(exist_ok=True)
    with served(small):
        (site.home / "recipes" / "brew.py").write_text(BREW.format(sources=small.sources))
        site.run("order", "brew", "--name", "first")
        assert site.carry()["state"] == "succeeded"
        small.add("tea", "2.0", files={"usr/share/tea": "black"})
        small.publish(RELEASED + timedelta(days=1))
        for asked in (site.home / "archives").glob("*/asked"):
            asked.unlink()
        site.run("order", "brew", "--name", "newer", "--fresh")
        assert site.carry()["state"] == "succeeded"
        assert site.task(2)["sha256"] != site.task(1)["sha256"]
        assert call("reproduce", 1).code == 0, "the cache has it"
        shutil.rmtree(site.home / "cache")
        assert call("reproduce", 1).code == 0, "the archive has it"


STAGED = """
from isobuild.image.step import Plan, Stage, Step
from isobuild.recipes.base import Options, Recipe

MAKE = 'set -e; mkdir -p "$ISOBUILD_OUT/stages/.pot"; cd "$ISOBUILD_OUT/stages"; cp {folder}/first .pot/pot; '
MAKE += 'echo 7 >.pot/milliseconds; mv .pot pot'

class Staged(Recipe):
    name, title, version, Options = "staged", "Staged: of a stage that others have", 1, Options

    def plan(self, options, place):
        make = Step("pot", ("sh", "-c", MAKE), leaves="stages")
        burn = Step("burn", ("cp", f"{{place.inputs}}/stages/pot/pot", f"{{place.out}}/{{place.iso}}"))
        return Plan({{}}, (burn,) if "pot" in place.made else (make, burn), stages=(Stage("pot", "{key}"),))
"""
KEY = "b" * 64


def test_stages_that_others_made_are_made_again(call: Call, site: Site, pack: Pack) -> None:
    """What is in the cache is another pot: an ISO of that would differ."""
    folder = site.home / "made"
    folder.mkdir(mode=0o755)
    shutil.copy(pack("first.iso", {"hello": "tea\n"}, {}), folder / "first")
    (site.home / "recipes").mkdir(exist_ok=True)
    (site.home / "recipes" / "staged.py").write_text(STAGED.format(folder=folder, key=KEY))
    site.run("order", "staged", "--name", "first")
    assert site.carry()["stages"]["made"] == {"pot": 0.0}
    cache = Cache(site.home / "cache", 1 << 30)
    cache.keep(KEY, Made("pot", 9.5, {"pot": cache.take(io.BytesIO(b"another pot")) or ""}))
    said = call("reproduce", 1, "--keep")
    assert (said.code, said.out[:10]) == (0, "identical:")
    (build,) = site.builds(2)
    assert (build["stages"]["reused"], build["stages"]["made"]) == ({}, {"pot": 0.0})
    site.run("order", "staged", "--name", "third", "--fresh")
    third = site.carry()
    assert third["stages"]["reused"] == {"pot": 0.0}, "what the second build made is kept, and used by others"
