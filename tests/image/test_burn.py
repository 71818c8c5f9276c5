"""The ISO: the exact xorriso line."""

from pathlib import PurePath

import pytest

from image.places import PLACE
from isobuild.image.burn import burn, escape, stamp, volume_label

LINE = """\
xorriso -as mkisofs -r -J -joliet-long -iso-level 3 -V TEA_TIME -o /b/out/tea.iso
--modification-date=2023111422132000 --set_all_file_dates =1700000000
--grub2-mbr /usr/lib/grub/i386-pc/boot_hybrid.img -partition_offset 16 --mbr-force-bootable --gpt_disk_guid 1234
-append_partition 2 0xef /b/work/efi.img -appended_part_as_gpt
-c /boot.catalog -b /boot/grub/bios.img -no-emul-boot -boot-load-size 4 -boot-info-table --grub2-boot-info
-eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot
-graft-points /boot/grub/bios.img=/b/work/bios.img /live/vmlinuz=/b/work/vmlinuz
"""


def test_the_whole_line() -> None:
    contents = {
        "/live/vmlinuz": PurePath("/b/work/vmlinuz"),
        "/boot/grub/bios.img": PurePath("/b/work/bios.img"),
    }
    step = burn(PLACE, "tea-time", "1234", contents, weight=1)
    assert list(step.argv) == LINE.split()
    assert step.env == {"SOURCE_DATE_EPOCH": "1700000000"}


def test_xorriso_tells_its_progress() -> None:
    step = burn(PLACE, "tea", "1234", {}, weight=1)
    assert step.fraction("xorriso : UPDATE :  47.94% done") == pytest.approx(0.4794)


def test_a_label_is_what_iso_9660_allows() -> None:
    assert volume_label("tea-linux.é" + "x" * 40) == "TEA_LINUX__" + "X" * 21


def test_dates_are_utc() -> None:
    assert stamp(0) == "1970010100000000"


def test_an_equals_sign_in_a_path_is_escaped() -> None:
    assert escape("a=b\\c") == "a\\=b\\\\c"
