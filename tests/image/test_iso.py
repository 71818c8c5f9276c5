"""Real ISOs, built by an ordinary user, boot by BIOS and by UEFI to the login prompt that was ordered."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from image.building import Builder, builder
from isobuild.errors import BuildFailed
from isobuild.image.proof import FIRMWARES, Firmware, boots

pytestmark = pytest.mark.iso

TOOLS = "mmdebstrap mksquashfs xorriso grub-mkimage mformat mcopy cpio newuidmap qemu-system-x86_64"
TINY = {"hostname": "teacup", "message": "100% ready \\o/"}
LIVE = {"hostname": "teapot", "username": "ana", "compression": "fast", "packages": "nano", "keyboard": "de"}


@pytest.fixture(scope="module")
def kitchen(needed: Callable[[str], str]) -> Iterator[Builder]:
    for tool in TOOLS.split():
        needed(tool)
    with builder() as made:
        yield made


@pytest.fixture(scope="module")
def tiny(kitchen: Builder) -> Path:
    return kitchen.build("tiny", TINY, "tiny")


@pytest.fixture(scope="module")
def live(kitchen: Builder) -> Path:
    return kitchen.build("debian-live", LIVE, "live")


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_tiny_boots(tiny: Path, firmware: Firmware) -> None:
    boot = boots(tiny, firmware, "^teacup login:", limit=120, memory=512)
    assert "\n100% ready \\o/\n" in boot.log


def test_the_same_order_gives_the_same_iso_bit_for_bit(kitchen: Builder, tiny: Path) -> None:
    assert kitchen.build("tiny", TINY, "again").read_bytes() == tiny.read_bytes()


def test_a_manifest_tells_what_is_in_it(tiny: Path, live: Path) -> None:
    lists = [[line.split() for line in iso.with_name("manifest").read_text().splitlines()] for iso in (tiny, live)]
    assert all(len(line) == 2 for lines in lists for line in lines)
    names = [{name for name, _ in lines} for lines in lists]
    assert {"linux-image-cloud-amd64", "busybox-static"} < names[0]
    assert {"linux-image-amd64", "live-boot", "nano"} < names[1]


def test_an_iso_that_does_not_come_up_is_no_proof(tiny: Path) -> None:
    with pytest.raises(BuildFailed, match="did not boot by bios to 'never said' within 2 s"):
        boots(tiny, "bios", "never said", limit=2, memory=512)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_debian_live_boots(live: Path, firmware: Firmware) -> None:
    assert boots(live, firmware, "^teapot login:", limit=400).seconds > 0
