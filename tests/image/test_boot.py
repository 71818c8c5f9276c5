"""Boot records: GRUB's menu and the exact commands."""

from image.places import PLACE
from isobuild.image import boot

GRUB = ["grub-mkimage", "-O", "i386-pc-eltorito", "-c", "/b/in/early.cfg", "-p", "/boot/grub", "-o", "/b/work/bios.img"]


def test_grub_finds_its_medium_by_a_file_that_only_it_has() -> None:
    early = boot.files("1234", boot.Entry("Tea"))["early.cfg"]
    assert early.splitlines()[0] == "search --no-floppy --set=root --file /.disk/1234"
    assert boot.contents(PLACE, "1234")["/.disk/1234"] == PLACE.inputs / "seal"


def test_the_menu_shows_itself_on_screen_and_serial_line() -> None:
    menu = boot.files("1234", boot.Entry("Tea", "boot=live"), timeout=5)["grub.cfg"]
    assert "terminal_output console serial\n" in menu
    assert "set timeout=5\n" in menu
    assert menu.endswith(
        'menuentry "Tea" {\n'
        "  linux /live/vmlinuz boot=live console=tty0 console=ttyS0,115200\n"
        "  initrd /live/initrd.img\n"
        "}\n"
    )


def test_a_title_can_not_break_out_of_its_quotes() -> None:
    assert boot.quote('Tea "big" $x \\') == '"Tea \\"big\\" \\$x \\\\"'


def test_a_seal_is_made_of_the_facts() -> None:
    assert boot.seal("tiny", 1) == boot.seal("tiny", 1) != boot.seal("tiny", 2)


def test_the_records_take_five_commands() -> None:
    bios, uefi, fat, folders, copy = (list(step.argv) for step in boot.records(PLACE))
    assert bios[:9] == GRUB
    assert bios[9:12] == ["biosdisk", "iso9660", "fat"]
    assert uefi[:3] == ["grub-mkimage", "-O", "x86_64-efi"]
    assert uefi[8:10] == ["/b/work/BOOTX64.EFI", "efi_gop"]
    assert " ".join(fat) == "mformat -C -i /b/work/efi.img -N 6553f100 -T 8192 -h 16 -s 32 ::"
    assert " ".join(folders) == "mmd -i /b/work/efi.img ::/EFI ::/EFI/BOOT"
    assert " ".join(copy) == "mcopy -i /b/work/efi.img /b/work/BOOTX64.EFI ::/EFI/BOOT/BOOTX64.EFI"
