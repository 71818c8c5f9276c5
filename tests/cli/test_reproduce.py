"""`isobuild reproduce`: an ISO built again is identical, or it is said what differs."""

import json
import shutil
from pathlib import Path

import pytest
from image.media import Pack, pack
from sites import Site

from cli.conftest import Call

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
