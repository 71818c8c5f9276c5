"""The boot test of a build: what is proved, what comes of it, and that it never fails a build."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from image.machines import GREETS, HANGS, record
from sites import Site, wait_for

from isobuild.image.step import Plan, Proof, Step
from isobuild.runner import proving

OWN = Proof("^up$", 200, 512)
PLAIN, PROVED = Plan({}, (Step("one", ("true",), 10),)), Plan({}, (Step("one", ("true",), 10),), OWN)
COPY = """#!/bin/sh
set -e
mkdir "$ISOBUILD_OUT/boot"
echo forged >"$ISOBUILD_OUT/boot/bios.png"
ln -s /etc/passwd "$ISOBUILD_OUT/boot/uefi.log"
cp {iso} "$ISOBUILD_OUT/any.iso"
"""
RECIPE = """
from isobuild.image.step import Proof, Step
from isobuild.recipes.base import Options, Recipe

class Small(Recipe):
    name, title, version, Options = "small", "Small", 1, Options
    proof = Proof(until="login: *$", seconds=60, memory={memory})

    def steps(self, options, place):
        yield Step("copy", ("cp", "{iso}", f"{{place.out}}/any.iso"))
"""
BOTH = {"bios", "uefi"}


@pytest.fixture
def tools(needed: Callable[[str], str]) -> None:
    for tool in ("qemu-system-x86_64", "xorriso"):
        needed(tool)


@pytest.mark.parametrize(
    ("site_says", "asked", "plan", "proof"),
    [
        ("auto", None, PROVED, OWN),
        ("auto", None, PLAIN, None),
        ("auto", True, PLAIN, Proof()),
        ("auto", False, PROVED, None),
        ("yes", None, PLAIN, Proof()),
        ("yes", None, PROVED, OWN),
        ("yes", False, PROVED, None),
        ("no", None, PROVED, None),
        ("no", True, PROVED, OWN),
    ],
)
def test_what_is_proved(tools: None, site_says: str, asked: bool | None, plan: Plan, proof: Proof | None) -> None:
    assert proving.wanted(site_says, asked, plan) == proof


def test_without_qemu_nothing_is_proved_that_nobody_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "PATH", f"{tmp_path}")
    assert proving.wanted("auto", None, PROVED) is None
    assert (proving.wanted("yes", None, PROVED), proving.wanted("auto", True, PROVED)) == (OWN, OWN)


def test_the_steps_leave_a_share_of_the_progress_to_their_proof() -> None:
    assert proving.share_before(PLAIN, None) == 1.0
    assert proving.share_before(PROVED, Proof(seconds=45)) == pytest.approx(0.5)


def place(site: Site, code: bytes) -> Path:
    """An ISO with this boot record, where build users can read it."""
    iso = record(code, site.home / "made")
    (site.home / "made").chmod(0o755)
    return Path(shutil.copyfile(iso, site.home / "made/ready"))


def order(site: Site, code: bytes, **wish: Any) -> int:
    return site.order(text=COPY.format(iso=place(site, code)), boot_test=True, **wish)


def test_a_failed_proof_does_not_fail_the_build_and_says_where(tools: None, site: Site) -> None:
    order(site, GREETS)
    build = site.carry()
    assert (build["state"], build["error"], set(build["proof"])) == ("succeeded", None, BOTH)
    task = site.task()
    assert (task["state"], task["verified"]) == ("ready", False)
    bios, uefi = (task["proof"][firmware] for firmware in ("bios", "uefi"))
    assert (bios["reached"], bios["where"]) == (True, None)
    assert (uefi["reached"], uefi["where"].partition(";")[0]) == (False, "the firmware found nothing to start")
    files = {file["kind"]: site.home / "store/1" / file["name"] for file in task["files"]}
    assert files["boot-bios"].read_bytes().startswith(b"\x89PNG"), "not what its script left there"
    assert files["boot-bios-log"].read_text() == "login: "
    assert "root:" not in files["boot-uefi-log"].read_text()
    assert "out bios: up after" in site.log()
    assert site.is_clear()


def test_a_boot_that_the_time_limit_cut_short_was_none(tools: None, site: Site) -> None:
    order(site, HANGS, time_limit=40.0)
    build = site.carry()
    assert build["state"] == "succeeded"
    assert build["proof"]["bios"]["reached"] is None
    assert build["proof"]["bios"]["where"].startswith("the build's time left it 1")
    assert "the boot record was started, and said nothing" in build["proof"]["bios"]["where"]


def test_no_boot_is_begun_when_the_time_is_nearly_over(tools: None, site: Site) -> None:
    order(site, HANGS, time_limit=15.0)
    build = site.carry()
    assert (build["state"], {each["where"] for each in build["proof"].values()}) == ("succeeded", {proving.NO_TIME})
    assert "There is no boot test: the build's time was nearly over." in site.log()
    assert {file["kind"] for file in site.task()["files"]}.isdisjoint({"boot-bios", "boot-bios-log"})
    assert site.task()["verified"] is None


def test_a_fault_of_the_proof_itself_is_told(tools: None, site: Site) -> None:
    (site.home / "recipes").mkdir()
    (site.home / "recipes/small.py").write_text(RECIPE.format(iso=place(site, HANGS), memory=1 << 30))
    site.run("order", "small", "--name", "small")
    build = site.carry(boot_test="auto")
    assert build["state"] == "succeeded"
    why = "the machine takes 1073742080 MiB of memory, and this host has"
    assert all(each["reached"] is None and each["where"].startswith(why) for each in build["proof"].values())
    assert f"out bios: {why}" in site.log()
    assert (site.task()["state"], site.task()["verified"]) == ("ready", None)
    assert "not tested" in site.run("tasks").stdout


def test_a_person_can_cancel_it_while_it_boots(tools: None, site: Site) -> None:
    order(site, HANGS)
    site.tick()
    wait_for(lambda: len(site.processes("qemu-system-x86")) > 1)
    wait_for(lambda: site.task()["step"] == "boot test")
    site.run("cancel", 1)
    assert site.built()["state"] == "canceled"
    wait_for(site.is_clear)
    assert (site.task()["state"], site.isos()) == ("canceled", [])


@pytest.mark.iso
def test_a_real_one_is_verified_and_so_is_who_shares_it(site: Site, needed: Callable[[str], str]) -> None:
    for tool in ("qemu-system-x86_64", "xorriso", "grub-mkimage", "mformat"):
        needed(tool)
    site.run("order", "tiny", "--name", "lab", "--hostname", "lab")
    build = site.carry(boot_test="auto")
    assert {each["reached"] for each in build["proof"].values()} == {True}
    assert site.run("order", "tiny", "--name", "twin", "--hostname", "lab", "--boot-test").stdout == "2\n"
    for number in (1, 2):
        task = site.task(number)
        assert (task["state"], task["verified"], task["proof"]) == ("ready", True, build["proof"])
    assert "lab login:" in (site.home / "store/1/lab.bios.log").read_text()
    assert "19.8 MiB, verified" in site.run("tasks").stdout
    said = site.run("task", 2).stdout
    assert "boot by bios  " in said
    assert "  up after " in said
