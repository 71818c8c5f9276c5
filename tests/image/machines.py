"""ISOs with nothing but a boot record of BIOS, made of a few bytes of machine code."""

import subprocess
from pathlib import Path

HANGS = bytes.fromhex("fa f4 eb fd")  # cli; 1: hlt; jmp 1b
CHATS = bytes.fromhex("ba f8 03 b0 78 ee eb fd")  # mov $0x3f8,%dx; mov $'x',%al; 1: out %al,%dx; jmp 1b
#: the same with "login: " once, and then nothing
GREETS = bytes.fromhex("ba f8 03 be 17 7c 2e ac 84 c0 74 03 ee eb f7 fa f4 eb fd 00 00 00 00") + b"login: \0"


def record(code: bytes, folder: Path) -> Path:
    """An ISO in the folder, which starts this code, in real mode at 0x7c00. Needs xorriso."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    (tree / "boot.img").write_bytes(code.ljust(2048, b"\0"))
    iso = folder / "record.iso"
    options = ("-b", "boot.img", "-no-emul-boot", "-boot-load-size", "4")
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", *options, "-o", iso, tree], check=True, capture_output=True)
    return iso
