"""A change of an ISO: its two plans, its stages, and what changes which of them."""

import json
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from image.places import APT, PLACE, SNAPSHOT, package
from isobuild.image.remaster import Change, Remastered
from isobuild.image.step import Place
from isobuild.recipes.remaster import RemasterOptions

ISO = PurePath("/b/in/uploads/aaaa")
CHANGE = Change(RemasterOptions(), "bookworm", APT, ("nano",), ("vim",), False, "fast")
UNKNOWN = replace(PLACE, snapshot=replace(SNAPSHOT, layers={}))
HASH = f"$6$salt${'x' * 86}"


def of(change: Change = CHANGE, place: Place = PLACE, sha256: str = "a" * 64) -> Remastered:
    return Remastered(change, ISO, sha256, place)


def keys(made: Remastered) -> dict[str, str]:
    return {stage.name: stage.key for stage in made.stages}


def changed(made: Remastered) -> list[str]:
    before, after = keys(of()), keys(made)
    return [name for name in after if before.get(name) != after[name]]


def choosing(**choices: Any) -> Change:
    return replace(CHANGE, choices=RemasterOptions(**choices))


def test_before_the_iso_is_known_it_is_looked_at() -> None:
    made = of(place=UNKNOWN)
    assert not made.is_known
    assert [stage.name for stage in made.stages] == ["medium"]
    assert [step.argv[2] for step in made.steps()] == ["/b/in/look", "/b/in/fit"]
    assert made.needed == ()


def test_an_iso_that_was_looked_at_before_is_only_fitted() -> None:
    made = of(place=replace(UNKNOWN, made=frozenset({"medium"})))
    assert [step.argv[2] for step in made.steps()] == ["/b/in/fit"]


def test_then_its_layers_are_made_and_it_is_burnt() -> None:
    made = of(place=replace(PLACE, made=frozenset({"medium"})))
    names = list(dict.fromkeys(step.name for step in made.steps()))
    assert names == ["packages", "system", "manifest", "menus", "compose", "burn"]
    system = next(step for step in made.steps() if step.name == "system")
    assert (system.env["MAKE"], system.env["REMOVE"]) == ("packages custom", "vim-")
    assert system.argv[-5:] == ("/b/in/remaster", "/b/in", "/b/work", "/b/out", f"{ISO}")
    assert made.files()["packages.list"].split() == [each.file for each in SNAPSHOT.layers["packages"]]
    assert made.files()["automatic.list"] == "libnano\n"


def test_the_boot_records_are_kept() -> None:
    burn = of().steps()[-1]
    assert burn.argv[:9] == (
        *("xorriso", "-indev", f"stdio:{ISO}", "-outdev", "stdio:/b/out/tea.iso"),
        *("-overwrite", "on", "-boot_image", "any"),
    )
    assert burn.argv[9:12] == ("replay", "-options_from_file", "/b/work/burn")


def test_what_is_made_needs_neither_the_system_nor_packages() -> None:
    made = of(place=replace(PLACE, made=frozenset({"medium", "packages", "custom"})))
    assert [step.name for step in made.steps()] == ["manifest", "menus", "compose", "burn"]
    assert made.needed == ()


def test_what_changes_which_stage() -> None:
    assert changed(of(choosing(hostname="tea"))) == ["custom"]
    assert changed(of(replace(CHANGE, remove=()))) == ["packages", "custom"]
    assert changed(of(replace(CHANGE, compression="small"))) == ["packages", "custom"]
    assert changed(of(sha256="b" * 64)) == ["medium", "packages", "custom"]
    newer = replace(SNAPSHOT, layers={"packages": (package("nano", "2.0"),)})
    assert changed(of(place=replace(PLACE, snapshot=newer))) == ["packages", "custom"]
    assert changed(of(choosing(title="tea", timeout=9))) == []


def test_without_packages_that_come_or_go_there_is_no_layer_of_them() -> None:
    nothing = replace(PLACE, snapshot=replace(SNAPSHOT, layers={"packages": ()}))
    assert list(keys(of(replace(CHANGE, remove=()), nothing))) == ["medium", "custom"]
    assert list(keys(of(CHANGE, nothing))) == ["medium", "packages", "custom"]


def test_a_secret_is_given_from_the_first_plan_on_and_kept_from_others() -> None:
    change = choosing(users=[{"name": "ana", "password": HASH}])
    assert HASH in of(change, UNKNOWN).files()["custom/accounts"]
    (*others, last) = of(change).stages
    assert all(stage.kept for stage in others)
    assert (last.name, last.kept, last.key) == ("custom", False, "")


def test_its_packages_come_on_top_of_what_the_iso_has() -> None:
    layer = CHANGE.layer
    assert (layer.packages, layer.remove, layer.status) == (("nano",), ("vim",), "stages/medium/status")


def test_nothing_chosen_changes_nothing() -> None:
    texts = of().files()
    assert "PARTS=''\n" in texts["custom/settings"]
    assert [name for name in texts if name.startswith("custom/") and name.endswith(".sh")] == []
    assert json.loads(texts["menu.json"]) == {"title": "", "timeout": 5, "arguments": [], "background": ""}
