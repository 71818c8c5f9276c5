"""Plans: the same options give the same files and steps, all of them within the place."""

from dataclasses import replace
from pathlib import PurePath

import pytest
from image.custom.samples import REPOSITORY
from image.places import PLACE

from isobuild.errors import HostFault
from isobuild.image.step import Plan
from isobuild.recipes import Cookbook


def plan(recipe: str, options: dict[str, object] | None = None) -> Plan:
    cookbook = Cookbook()
    return cookbook.find(recipe).plan(cookbook.parse(recipe, options or {}), PLACE)


def names(plan: Plan) -> list[str]:
    return list(dict.fromkeys(step.name for step in plan.steps))


@pytest.mark.parametrize("recipe", ["tiny", "debian-live"])
def test_the_same_options_give_the_same_plan(recipe: str) -> None:
    assert plan(recipe) == plan(recipe)


@pytest.mark.parametrize("recipe", ["tiny", "debian-live"])
def test_every_file_a_plan_brings_is_used(recipe: str) -> None:
    made = plan(recipe)
    used = " ".join(" ".join((*step.argv, f"{step.stdin}")) for step in made.steps)
    programs = "".join(made.files.get(name, "") for name in ("make", "give", "room"))
    ours = {name for name in made.files if not name.startswith("custom/")}
    assert [
        name
        for name in ours
        if f"/b/in/{name}" not in used and f"in/{name}" not in programs and f'"$1/{name}"' not in programs
    ] == []


@pytest.mark.parametrize("recipe", ["tiny", "debian-live"])
def test_every_medium_is_found_by_its_own_file(recipe: str) -> None:
    assert plan(recipe).files["seal"] != plan(recipe, {"hostname": "other"}).files["seal"]


def test_a_seal_tells_nothing_of_a_secret() -> None:
    """It is a digest that everybody can read, of what everybody knows else."""
    archive = {**REPOSITORY, "username": "ana"}
    seals = {
        plan("debian-live", {"repositories": [{**archive, "password": password}]}).files["seal"]
        for password in ("sesame", "darjeeling")
    }
    assert len(seals) == 1


def test_tiny_goes_from_packages_to_the_iso() -> None:
    made = plan("tiny", {"hostname": "tea"})
    phases = ["packages", "unpack", "kernel", "initrd"]
    assert names(made) == [*phases, "grub for bios", "grub for uefi", "efi image", "burn"]
    assert made.files["hostname"] == "tea\n"
    assert made.steps[-1].argv[8:10] == ("-V", "TEA")


def test_tiny_wants_a_kernel_and_little_else() -> None:
    cookbook = Cookbook()
    (layer,) = cookbook.find("tiny").layers(cookbook.parse("tiny", {}), PLACE.apt)
    assert layer.packages == ("linux-image-cloud-amd64", "busybox-static")
    assert "kmod" in layer.provided


def test_tinys_message_is_shown_as_it_is() -> None:
    assert plan("tiny", {"message": "100% \\o/"}).files["issue"] == "100\\% \\\\o/\n"


def test_tinys_first_file_system_is_packed_by_name() -> None:
    made = plan("tiny")
    cpio = next(step for step in made.steps if step.argv[0] == "cpio")
    assert cpio.stdin == PurePath("/b/in/initrd.list")
    assert made.files["initrd.list"].splitlines()[:3] == [".", "bin", "bin/busybox"]


def test_debian_live_goes_from_the_packages_to_the_iso() -> None:
    made = plan("debian-live", {"packages": "nano"})
    assert names(made) == ["packages", "system", "manifest", "grub for bios", "grub for uefi", "efi image", "burn"]
    assert (
        "linux /live/vmlinuz boot=live nonetworking quiet console=tty0 console=ttyS0,115200\n" in made.files["grub.cfg"]
    )
    layers = [word for word in made.steps[-1].argv if ".squashfs=" in word]
    assert layers == [
        "/live/10-kernel.squashfs=/b/in/stages/base/10-kernel.squashfs",
        "/live/20-base.squashfs=/b/in/stages/base/20-base.squashfs",
        "/live/30-packages.squashfs=/b/in/stages/packages/30-packages.squashfs",
        "/live/40-custom.squashfs=/b/in/stages/custom/40-custom.squashfs",
    ]


@pytest.mark.parametrize(("recipe", "step"), [("tiny", "unpack"), ("debian-live", "manifest")])
def test_a_manifest_is_left_beside_the_iso(recipe: str, step: str) -> None:
    (last,) = [each for each in plan(recipe).steps if each.argv[-1] == "/b/out/manifest"]
    assert last.name == step


def test_the_options_reach_the_system() -> None:
    chosen = {"hostname": "tea", "username": "ana", "locale": "id_ID.UTF-8", "timezone": "Asia/Jakarta"}
    settings = plan("debian-live", {**chosen, "keyboard": "de"}).files["custom/settings"]
    for setting in ("NAME=tea", "FIRST=ana", "LOCALE=id_ID.UTF-8", "TIMEZONE=Asia/Jakarta", "KEYBOARD=de"):
        assert setting in settings.splitlines()


def wanted(options: dict[str, object]) -> tuple[tuple[str, ...], ...]:
    cookbook = Cookbook()
    layers = cookbook.find("debian-live").layers(cookbook.parse("debian-live", options), PLACE.apt)
    return tuple(layer.packages for layer in layers)


def test_the_packages_that_were_chosen_are_wanted_once() -> None:
    _, chosen = wanted({"packages": "htop,nano,htop"})
    assert chosen.count("htop") == chosen.count("nano") == 1


def test_what_the_options_need_is_wanted() -> None:
    base, chosen = wanted({})
    assert "locales" not in chosen
    assert "ca-certificates" not in base
    assert "locales" in wanted({"locale": "id_ID.UTF-8"})[1]
    assert "ca-certificates" in wanted({"mirror": "https://mirror.example.org/debian"})[0]


@pytest.mark.parametrize(("chosen", "suite"), [("", "bookworm"), ("trixie", "trixie")])
def test_the_release_is_the_hosts_unless_chosen(chosen: str, suite: str) -> None:
    made = plan("debian-live", {"suite": chosen})
    system = next(step for step in made.steps if step.name == "system")
    assert system.env["SUITE"] == suite
    assert f"Suites: {suite} {suite}-updates\n" in made.files["debian.sources"]


@pytest.mark.parametrize("recipe", ["tiny", "debian-live"])
def test_a_host_without_sources_is_told_so(recipe: str) -> None:
    cookbook = Cookbook()
    with pytest.raises(HostFault, match="no apt sources of Debian's"):
        cookbook.find(recipe).layers(cookbook.parse(recipe, {}), "")


def test_a_script_is_one_step() -> None:
    cookbook = Cookbook()
    options = cookbook.parse("script", {"script": "brew", "arguments": ["a b", "c"], "settings": {"theme": "dark"}})
    made = cookbook.find("script").plan(options, replace(PLACE, site=PurePath("/site")))
    (step,) = made.steps
    assert step.argv == ("/site/scripts/brew", "a b", "c")
    assert made.files == {"settings.json": '{\n  "theme": "dark"\n}\n'}
    assert step.env == {"ISOBUILD_SETTINGS": "/b/in/settings.json"}


def test_a_host_without_a_site_has_no_scripts() -> None:
    cookbook = Cookbook()
    with pytest.raises(HostFault, match="no scripts"):
        cookbook.find("script").plan(cookbook.parse("script", {"script": "brew"}), PLACE)
