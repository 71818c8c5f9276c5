"""ISOs that exist are changed, behind the door, and boot by BIOS and by UEFI to what was ordered."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sites import build_user

from image import livebuild, machines
from image.building import Kitchen, kitchen
from isobuild.image import contents
from isobuild.image.proof import FIRMWARES, Firmware, boots

__all__ = ["build_user"]
pytestmark = pytest.mark.iso

TOOLS = "mmdebstrap mksquashfs unsquashfs xorriso grub-mkimage mformat mcopy cpio newuidmap qemu-system-x86_64"
LIVE = {"hostname": "teapot", "username": "ana", "compression": "fast", "packages": ["nano"]}
CHANGE = {
    "source": "own.iso", "hostname": "cup", "packages": ["tree"], "remove": ["nano"], "compression": "fast",
    "title": "A cup of tea", "persistence": True, "files": [{"path": "/etc/motd", "content": "hello\n"}],
}  # fmt: skip
LOGIN = "^cup login:"
#: brings a hook of the first file system, so that it is made anew
CHANGE_OTHERS = {**CHANGE, "source": "others.iso", "packages": ["tree", "cryptsetup-initramfs"]}


@pytest.fixture(scope="module")
def cook(needed: Callable[[str], str], build_user: str) -> Iterator[Kitchen]:
    for tool in TOOLS.split():
        needed(tool)
    with kitchen(build_user) as made:
        (made.site.home / "isos").mkdir(mode=0o755)
        yield made


def bring(cook: Kitchen, iso: Path, name: str) -> Path:
    """Put an ISO among the site's."""
    target = Path(shutil.copyfile(iso, cook.site.home / "isos" / name))
    target.chmod(0o644)
    return target


@pytest.fixture(scope="module")
def own(cook: Kitchen) -> Path:
    return bring(cook, cook.iso(cook.build("debian-live", LIVE)), "own.iso")


@pytest.fixture(scope="module")
def changed(cook: Kitchen, own: Path) -> dict[str, Any]:
    return cook.build("remaster", CHANGE)


@pytest.fixture(scope="module")
def others(cook: Kitchen, needed: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One made by live-build."""
    needed("lb")
    if os.geteuid():
        pytest.skip("live-build needs root")
    return bring(cook, livebuild.make(tmp_path_factory.mktemp("livebuild")), "others.iso")


@pytest.fixture(scope="module")
def others_changed(cook: Kitchen, others: Path) -> dict[str, Any]:
    return cook.build("remaster", CHANGE_OTHERS, boot_test=True)


def layers(found: contents.Contents) -> list[str]:
    return sorted(path for path in found.files if path.endswith(".squashfs"))


def check_change(iso: Path) -> None:
    found = contents.read(iso)
    assert "tree" in found.packages
    assert "nano" not in found.packages
    assert found.system["/etc/motd"].size == len("hello\n")
    assert "/usr/bin/nano" not in found.system or found.system["/usr/bin/nano"].mode.startswith("c")
    for path in ("/", "/etc", "/etc/hosts", "/etc/hostname"):
        assert found.system[path].mode[7] == "r", path
    names = {line.split()[0] for line in iso.with_suffix(".manifest").read_text().splitlines()}
    assert "tree" in names
    assert "nano" not in names


def test_our_own_changed_boots_by_uefi(cook: Kitchen, changed: dict[str, Any]) -> None:
    assert "A cup of tea" in boots(cook.iso(changed), "uefi", LOGIN, limit=400).log


def test_our_own_changed_boots_by_bios_and_keeps_changes_on_a_disk(
    cook: Kitchen, changed: dict[str, Any], tmp_path: Path
) -> None:
    """The layers are stacked in their order then, too: the host's name is that of the last."""
    disk = machines.disk_for_changes(tmp_path / "changes.img")
    said = machines.boot_with_disk(cook.iso(changed), disk, LOGIN, seconds=400)
    assert re.search(LOGIN, said, re.MULTILINE), said[-2000:]
    assert {"rw", "work"} <= machines.names_on(disk, "/")
    assert {"etc", "var"} <= machines.names_on(disk, "/rw")


def test_our_own_gets_layers_on_top(cook: Kitchen, own: Path, changed: dict[str, Any]) -> None:
    iso = cook.iso(changed)
    check_change(iso)
    before, after = contents.read(own), contents.read(iso)
    assert layers(after) == [*layers(before), "/live/z01-packages.squashfs", "/live/z02-custom.squashfs"]
    assert after.label == before.label
    assert set(changed["stages"]["made"]) == {"medium", "packages", "custom"}


def test_what_was_there_is_burnt_as_it_was(own: Path, cook: Kitchen, changed: dict[str, Any]) -> None:
    iso = cook.iso(changed)
    before, after = contents.read(own).files, contents.read(iso).files
    written = {
        "/boot/grub/grub.cfg",
        "/live/filesystem.packages",
        "/boot/grub/bios.img",
    }  # the last has places of sectors
    same = [path for path in before if path not in written]
    assert [path for path in same if contents.digest(own, before[path]) != contents.digest(iso, after[path])] == []


def test_the_same_change_gives_the_same_bytes(cook: Kitchen, changed: dict[str, Any]) -> None:
    """Nothing is taken from the cache: each stage is made again."""
    shutil.rmtree(cook.site.home / "cache" / "stages")
    again = cook.build("remaster", CHANGE)
    assert set(again["stages"]["made"]) == {"medium", "packages", "custom"}
    assert cook.iso(again).read_bytes() == cook.iso(changed).read_bytes()


def test_another_name_reuses_all_but_what_names_it(cook: Kitchen, changed: dict[str, Any]) -> None:
    build = cook.build("remaster", {**CHANGE, "hostname": "kettle"})
    assert (set(build["stages"]["reused"]), set(build["stages"]["made"])) == ({"medium", "packages"}, {"custom"})


def test_what_was_changed_is_changed_again_in_a_task_that_comes_after(cook: Kitchen, changed: dict[str, Any]) -> None:
    users = [{"name": "ana", "full_name": "Ana Who Was There"}, {"name": "bob"}]
    build = cook.build("remaster", {"users": users, "compression": "fast"}, after=[changed["task_id"]])
    found = contents.read(cook.iso(build))
    assert layers(found)[-3:] == [f"/live/{name}.squashfs" for name in ("z01-packages", "z02-custom", "z03-custom")]
    assert {"/home/ana", "/home/bob"} < set(found.system)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_one_made_by_live_build_boots(cook: Kitchen, others_changed: dict[str, Any], firmware: Firmware) -> None:
    assert others_changed["proof"][firmware]["reached"], others_changed["proof"]
    assert "\ncup login:" in cook.said(others_changed, firmware)


def test_one_made_by_live_build_is_right_in_itself(cook: Kitchen, others: Path, others_changed: dict[str, Any]) -> None:
    iso = cook.iso(others_changed)
    check_change(iso)
    before, after = contents.read(others), contents.read(iso)
    assert layers(after)[1:] == ["/live/z01-packages.squashfs", "/live/z02-custom.squashfs"]
    new = {path for path in after.files if path not in before.files}
    assert new == set(layers(after)[1:])
    assert after.files["/live/initrd.img"].size != before.files["/live/initrd.img"].size
    listed = sums(iso, after.files["/sha256sum.txt"])
    assert new < set(listed)
    assert [path for path, digest in listed.items() if contents.digest(iso, after.files[path]) != digest] == []


def sums(iso: Path, extent: contents.Extent) -> dict[str, str]:
    with iso.open("rb") as file:
        file.seek(extent.at)
        lines = [line.split("  ./") for line in file.read(extent.size).decode().splitlines() if "  ./" in line]
    return {f"/{path}": digest for digest, path in lines}


def test_a_damaged_one_is_the_orders_fault(cook: Kitchen, own: Path) -> None:
    hurt = bring(cook, own, "hurt.iso")
    first = next(each for path, each in contents.read(hurt).files.items() if path.endswith("20-base.squashfs"))
    with hurt.open("r+b") as opened:
        opened.seek(first.at + first.size // 2)
        opened.write(b"U" * (1 << 20))
    build = cook.build("remaster", {"source": "hurt.iso", "compression": "fast"})
    assert (build["state"], build["cause"]) == ("failed", "request")
    assert "source: /live/20-base.squashfs in this ISO is damaged" in build["error"]
    assert not cook.site.workspaces()


@pytest.mark.parametrize(
    ("package", "words"), [("live-boot", "without live-boot"), ("linux-image-6", "it starts Linux 6")]
)
def test_what_starts_it_must_stay(cook: Kitchen, own: Path, package: str, words: str) -> None:
    (name,) = [each for each in contents.read(own).packages if each.startswith(package) and "initramfs" not in each]
    build = cook.build("remaster", {"source": "own.iso", "remove": [name]})
    assert (build["state"], build["cause"]) == ("failed", "request")
    assert words in build["error"]
    assert not cook.site.workspaces()
