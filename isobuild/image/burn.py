"""One ISO out of files: hybrid, it starts from CD, disk and USB, by BIOS and UEFI."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePath

from isobuild.image.step import Mark, Place, Step

MBR = "/usr/lib/grub/i386-pc/boot_hybrid.img"
PROGRESS = Mark(r"UPDATE :\s+(\d+(?:\.\d+)?)% done")


def burn(place: Place, label: str, seal: str, contents: Mapping[str, PurePath], weight: float) -> Step:
    """The step that writes place.out/place.iso. `contents`: path in the ISO -> file; `seal`: its UUID."""
    grafts = tuple(f"{escape(inside)}={escape(str(file))}" for inside, file in sorted(contents.items()))
    argv = (
        *("xorriso", "-as", "mkisofs", "-r", "-J", "-joliet-long", "-iso-level", "3"),
        *("-V", volume_label(label), "-o", f"{place.out / place.iso}"),
        *("--modification-date=" + stamp(place.epoch), "--set_all_file_dates", f"={place.epoch}"),
        *("--grub2-mbr", MBR, "-partition_offset", "16", "--mbr-force-bootable", "--gpt_disk_guid", seal),
        *("-append_partition", "2", "0xef", f"{place.work / 'efi.img'}", "-appended_part_as_gpt"),
        *("-c", "/boot.catalog", "-b", "/boot/grub/bios.img"),
        *("-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info"),
        *("-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot"),
        *("-graft-points", *grafts),
    )
    return Step("burn", argv, weight, env={"SOURCE_DATE_EPOCH": str(place.epoch)}, marks=(PROGRESS,))


def volume_label(name: str) -> str:
    """The name as ISO 9660 allows it for a medium: up to 32 of A-Z, 0-9 and _."""
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in name.upper())[:32]


def stamp(epoch: int) -> str:
    """YYYYMMDDhhmmsscc in UTC, as xorriso wants dates."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y%m%d%H%M%S00")


def escape(path: str) -> str:
    """A path within xorriso's INSIDE=FILE."""
    return path.replace("\\", "\\\\").replace("=", "\\=")
