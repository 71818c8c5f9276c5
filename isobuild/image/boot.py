"""Boot records for BIOS and UEFI, by GRUB: both find their medium by a file that only it has, and read one menu."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from isobuild.image.step import Place, Step

CONSOLES = "console=tty0 console=ttyS0,115200"
EFI_SECTORS = 8192
MODULES = (
    "iso9660 fat part_msdos part_gpt search search_fs_file configfile normal linux serial terminal echo test minicmd "
    "boot all_video gzio"
)
SCREENS = (
    "if serial --unit=0 --speed=115200; then\n  terminal_input console serial\n  terminal_output console serial\nfi\n"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the boot menu, and the kernel's command line (the consoles are added to it)."""

    title: str
    arguments: str = ""

    def __str__(self) -> str:
        arguments = f"{self.arguments} {CONSOLES}".strip()
        return f"menuentry {quote(self.title)} {{\n  linux /live/vmlinuz {arguments}\n  initrd /live/initrd.img\n}}\n"


def seal(*facts: object) -> str:
    """A UUID made of the facts, that tells one medium from another; the same facts give the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "\n".join(map(str, facts))))


def files(seal: str, *entries: Entry, timeout: int = 2, screen: str = "") -> dict[str, str]:
    """What the boot records are made of, for the inputs folder. The first entry starts after `timeout` seconds.

    `screen`: what GRUB does for its looks before it shows the menu.
    """
    early = (
        f"search --no-floppy --set=root --file /.disk/{seal}\n"
        "set prefix=($root)/boot/grub\n"
        "configfile ($root)/boot/grub/grub.cfg\n"
    )
    menu = f"{SCREENS}{screen}set timeout={timeout}\nset default=0\n{''.join(map(str, entries))}"
    return {"early.cfg": early, "grub.cfg": menu, "seal": f"{seal}\n"}


def records(place: Place, modules: Sequence[str] = ()) -> tuple[Step, ...]:
    """GRUB for both firmwares, with further modules of it, as bios.img and efi.img in the place's work folder."""
    bios, uefi, fat = place.work / "bios.img", place.work / "BOOTX64.EFI", f"{place.work / 'efi.img'}"
    dates = {"SOURCE_DATE_EPOCH": str(place.epoch)}
    return (
        Step("grub for bios", _grub(place, "i386-pc-eltorito", bios, "biosdisk", *modules), weight=0.2),
        Step("grub for uefi", _grub(place, "x86_64-efi", uefi, "efi_gop", *modules), weight=0.2),
        Step("efi image", _format(fat, place.epoch), weight=0.1, env=dates),
        Step("efi image", ("mmd", "-i", fat, "::/EFI", "::/EFI/BOOT"), weight=0.1, env=dates),
        Step("efi image", ("mcopy", "-i", fat, f"{uefi}", "::/EFI/BOOT/BOOTX64.EFI"), weight=0.1, env=dates),
    )


def contents(place: Place, seal: str) -> Mapping[str, PurePath]:
    """Where the ISO is to have what `files` and `records` made: path in the ISO -> file."""
    return {
        f"/.disk/{seal}": place.inputs / "seal",
        "/boot/grub/grub.cfg": place.inputs / "grub.cfg",
        "/boot/grub/bios.img": place.work / "bios.img",
        "/EFI/BOOT/BOOTX64.EFI": place.work / "BOOTX64.EFI",
    }


def quote(text: str) -> str:
    """The text as one word of GRUB's language."""
    return '"' + re.sub(r'(["$\\])', r"\\\1", text) + '"'


def _grub(place: Place, kind: str, image: PurePath, *extra: str) -> tuple[str, ...]:
    config = ("-c", f"{place.inputs / 'early.cfg'}", "-p", "/boot/grub")
    return ("grub-mkimage", "-O", kind, *config, "-o", f"{image}", *extra, *MODULES.split())


def _format(fat: str, epoch: int) -> tuple[str, ...]:
    return ("mformat", "-C", "-i", fat, "-N", f"{epoch:08x}", "-T", f"{EFI_SECTORS}", "-h", "16", "-s", "32", "::")
