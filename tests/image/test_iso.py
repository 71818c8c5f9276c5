"""Real ISOs, built behind the door, boot by BIOS and by UEFI to the login prompt that was ordered."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sites import build_user

from image.building import Kitchen, kitchen
from image.custom.samples import YESCRYPT
from isobuild.errors import BuildFailed
from isobuild.image.proof import FIRMWARES, Firmware, boots

__all__ = ["build_user"]
pytestmark = pytest.mark.iso

TOOLS = "mmdebstrap mksquashfs unsquashfs xorriso grub-mkimage mformat mcopy cpio newuidmap qemu-system-x86_64"
TINY = {"hostname": "teacup", "message": "100% ready \\o/"}
LIVE: dict[str, Any] = {
    "hostname": "teapot",
    "username": "ana",
    "compression": "fast",
    "packages": ["nano", "ca-certificates"],
    "keyboard": "de",
}
NOWHERE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}


@pytest.fixture(scope="module")
def cook(needed: Callable[[str], str], build_user: str) -> Iterator[Kitchen]:
    for tool in TOOLS.split():
        needed(tool)
    with kitchen(build_user) as made:
        yield made


@pytest.fixture(scope="module")
def tiny(cook: Kitchen) -> dict[str, Any]:
    return cook.build("tiny", TINY, boot_test=True)


@pytest.fixture(scope="module")
def live(cook: Kitchen) -> dict[str, Any]:
    return cook.build("debian-live", LIVE, boot_test=True)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_tiny_boots(cook: Kitchen, tiny: dict[str, Any], firmware: Firmware) -> None:
    assert tiny["proof"][firmware]["reached"], tiny["proof"]
    said = cook.said(tiny, firmware)
    assert "\n100% ready \\o/\n" in said
    assert "\nteacup login:" in said


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_debian_live_boots(cook: Kitchen, live: dict[str, Any], firmware: Firmware) -> None:
    assert live["proof"][firmware]["reached"], live["proof"]
    assert "\nteapot login:" in cook.said(live, firmware)


def test_an_iso_that_does_not_come_up_is_no_proof(cook: Kitchen, tiny: dict[str, Any]) -> None:
    with pytest.raises(BuildFailed, match="did not boot by bios to 'never said' within 2 s"):
        boots(cook.iso(tiny), "bios", "never said", limit=2, memory=512)


def manifest(iso: Path) -> dict[str, str]:
    lines = iso.with_suffix(".manifest").read_text().splitlines()
    return {name: version for name, version, _architecture in map(str.split, lines)}


def test_a_manifest_tells_what_is_in_it(cook: Kitchen, tiny: dict[str, Any], live: dict[str, Any]) -> None:
    assert {"linux-image-cloud-amd64", "busybox-static"} < set(manifest(cook.iso(tiny)))
    assert {"linux-image-amd64", "live-boot", "nano"} < set(manifest(cook.iso(live)))


def test_the_same_order_gives_the_same_bytes(cook: Kitchen, tiny: dict[str, Any]) -> None:
    assert cook.iso(cook.build("tiny", TINY)).read_bytes() == cook.iso(tiny).read_bytes()


def test_a_system_made_anew_has_the_same_bytes(cook: Kitchen, live: dict[str, Any]) -> None:
    """Nothing is taken from the cache: each stage is made again."""
    shutil.rmtree(cook.site.home / "cache" / "stages")
    build = cook.build("debian-live", LIVE)
    iso = cook.iso(build)
    assert set(build["stages"]["made"]) == {"base", "packages", "custom"}
    assert iso.read_bytes() == cook.iso(live).read_bytes()


def test_another_name_reuses_all_but_what_names_it(cook: Kitchen, live: dict[str, Any]) -> None:
    build = cook.build("debian-live", {**LIVE, "hostname": "kettle"})
    assert (set(build["stages"]["reused"]), set(build["stages"]["made"])) == ({"base", "packages"}, {"custom"})


def test_one_package_more_is_laid_over_the_same_base(cook: Kitchen, live: dict[str, Any]) -> None:
    build = cook.build("debian-live", {**LIVE, "packages": [*LIVE["packages"], "tree"]})
    assert set(build["stages"]["reused"]) == {"base"}
    assert build["stages"]["packages"]["fetched"] == 1
    assert {"nano", "tree"} < set(manifest(cook.iso(build)))


def test_a_password_is_in_the_iso_and_in_no_cache(cook: Kitchen, live: dict[str, Any]) -> None:
    kept = set((cook.site.home / "cache" / "stages").iterdir())
    people = [{"name": "ana", "password": YESCRYPT, "sudo": "yes"}]
    build = cook.build("debian-live", {**LIVE, "username": "live", "users": people})
    assert cook.iso(build).exists()
    assert (set(build["stages"]["reused"]), set(build["stages"]["made"])) == ({"base", "packages"}, {"custom"})
    assert set((cook.site.home / "cache" / "stages").iterdir()) == kept


def test_packages_may_bring_a_kernel_and_what_starts_with_it(cook: Kitchen, live: dict[str, Any]) -> None:
    build = cook.build("debian-live", {**LIVE, "packages": ["linux-image-cloud-amd64", "btrfs-progs"]})
    assert "btrfs-progs" in manifest(cook.iso(build))
    assert set(build["stages"]["reused"]) == {"base"}
    assert "85% initrd" in cook.site.log(build["id"])


def test_a_lab_builds_on_without_its_mirror(
    cook: Kitchen, live: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All packages are in the cache: none is downloaded twice, and no archive is asked."""
    for name, proxy in NOWHERE.items():
        monkeypatch.setenv(name, proxy)
    shutil.rmtree(cook.site.home / "cache" / "stages")
    for asked in (cook.site.home / "archives").glob("*/asked"):
        asked.unlink()  # it would be asked again now
    build = cook.build("debian-live", {**LIVE, "hostname": "lab"})
    assert set(build["stages"]["made"]) == {"base", "packages", "custom"}
    assert build["stages"]["packages"]["fetched"] == 0
    assert "The archives do not answer" in cook.site.log(build["id"])
