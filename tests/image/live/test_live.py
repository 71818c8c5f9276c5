"""A live system's stages: what changes which of them, and what is left to do when some are there."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from image.places import APT, PLACE, SNAPSHOT, package
from isobuild.image.custom import Customisation
from isobuild.image.live import MODULES, System, room
from isobuild.image.step import Place

SYSTEM = System(Customisation(), "bookworm", APT, ("nano",), False, "fast")
HASH = f"$6$salt$ {'x' * 85}".replace(" ", "x")


def keys(system: System, place: Place = PLACE) -> dict[str, str]:
    return {stage.name: stage.key for stage in system.stages(place)}


def changed(system: System, place: Place = PLACE) -> list[str]:
    before, after = keys(SYSTEM), keys(system, place)
    return [name for name in after if before.get(name) != after[name]]


def choosing(**choices: Any) -> System:
    return replace(SYSTEM, choices=Customisation(**choices))


def test_another_name_changes_what_is_customised_alone() -> None:
    assert changed(choosing(hostname="tea")) == ["custom"]


def test_another_wallpaper_changes_what_is_customised_alone() -> None:
    plain, hills, sea = (
        choosing(desktop="xfce", wallpaper=picture) for picture in (None, *(f"upload:{each * 64}" for each in "12"))
    )
    assert [name for name, key in keys(hills).items() if keys(plain)[name] != key] == ["custom"]
    assert [name for name, key in keys(sea).items() if keys(hills)[name] != key] == ["custom"]


def test_one_package_more_leaves_the_base_as_it_is() -> None:
    assert changed(replace(SYSTEM, packages=("nano", "htop"))) == ["packages", "custom"]


def test_a_new_version_of_a_package_changes_its_layer() -> None:
    layers = {**SNAPSHOT.layers, "packages": (package("nano", "2.0"), package("libnano"))}
    assert changed(SYSTEM, replace(PLACE, snapshot=replace(SNAPSHOT, layers=layers))) == ["packages", "custom"]


@pytest.mark.parametrize("system", [replace(SYSTEM, compression="small"), choosing(docs=False)])
def test_what_packs_or_strips_everything_changes_everything(system: System) -> None:
    assert changed(system) == ["base", "packages", "custom"]


def test_another_release_changes_everything() -> None:
    assert changed(SYSTEM, replace(PLACE, snapshot=replace(SNAPSHOT, epoch=1))) == ["base", "packages", "custom"]


def test_a_place_and_a_name_change_nothing() -> None:
    assert changed(SYSTEM, replace(PLACE, iso="other.iso", work=PLACE.inputs)) == []


def test_without_packages_there_is_no_layer_of_them() -> None:
    bare = replace(SYSTEM, packages=(), choices=Customisation(users=({"name": "ana"},)))
    assert list(keys(bare)) == ["base", "custom"]
    assert "/live/30-packages.squashfs" not in bare.contents(PLACE)
    assert f"{bare.contents(PLACE)['/live/vmlinuz']}" == "/b/in/stages/base/vmlinuz"


def test_a_secret_is_kept_from_others() -> None:
    (*others, last) = choosing(users=({"name": "ana", "password": HASH},)).stages(PLACE)
    assert all(stage.kept for stage in others)
    assert (last.name, last.kept, last.key) == ("custom", False, "")


def test_what_is_made_needs_neither_steps_nor_packages() -> None:
    made = replace(PLACE, made=frozenset({"base", "packages", "custom"}))
    assert [step.name for step in SYSTEM.steps(made)] == ["manifest"]
    assert SYSTEM.needed(made) == ()
    assert not SYSTEM.needs_releases(made)


def test_it_is_made_for_the_architecture_that_was_chosen() -> None:
    system = next(step for step in SYSTEM.steps(PLACE) if step.name == "system")
    assert system.env["ARCHITECTURE"] == "amd64"


def test_where_changes_are_kept_live_boot_stacks_the_layers_in_order(tmp_path: Path) -> None:
    """It takes the first that it names for the topmost."""
    function = re.search(r"^stack_in_order\(\) \{.*?^\}", SYSTEM.files(PLACE)["make"], re.MULTILINE | re.DOTALL)
    assert function
    helpers = tmp_path / "misc-helpers.sh"
    helpers.write_text("for d in /run/live/rootfs/*\ndo\n\techo /run/live/rootfs/*\ndone\n")
    subprocess.run(["sh", "-euc", f'{function[0]}\nstack_in_order "$1"', "sh", helpers], check=True)
    assert helpers.read_text() == "for d in $(ls -dr /run/live/rootfs/*)\ndo\n\techo /run/live/rootfs/*\ndone\n"


def test_with_a_base_only_the_other_packages_are_needed() -> None:
    made = replace(PLACE, made=frozenset({"base"}))
    assert [each.name for each in SYSTEM.needed(made)] == ["nano", "libnano"]
    system = next(step for step in SYSTEM.steps(made) if step.name == "system")
    assert system.env["MAKE"] == "packages custom"


def test_packages_that_nobody_asked_for_are_automatic() -> None:
    assert SYSTEM.files(PLACE)["automatic.list"] == "libnano\n"


def test_a_kernel_among_the_packages_needs_the_modules() -> None:
    layers = {**SNAPSHOT.layers, "packages": (package("linux-image-rt-amd64"),)}
    place = replace(PLACE, snapshot=replace(SNAPSHOT, layers=layers))
    assert [step.env["KERNEL"] for step in SYSTEM.steps(place) if step.name == "system"] == ["yes"]
    assert [step.env["KERNEL"] for step in SYSTEM.steps(PLACE) if step.name == "system"] == [""]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("linux-headers-amd64", True), ("zfs-dkms", True), ("tea-modules-6.1.0-56-amd64", True),
        ("perl-modules-5.36", False), ("libpam-modules", False), ("linux-base", False),
    ],
)  # fmt: skip
def test_what_brings_modules(name: str, is_one: bool) -> None:
    assert bool(MODULES.search(name)) is is_one


def test_usr_is_merged_before_packages_come() -> None:
    assert "Package: usrmerge\nPin: release *\nPin-Priority: -1\n" in SYSTEM.layers[0].preferences


def test_the_room_grows_with_the_packages() -> None:
    assert room(()) == 300
    assert room(SNAPSHOT.packages) == 300 + 6 * len(SNAPSHOT.packages)
