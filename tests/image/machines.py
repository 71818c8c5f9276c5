"""ISOs with nothing but a boot record of BIOS, made of a few bytes of machine code; and a machine with a disk."""

import re
import subprocess
import time
from pathlib import Path

from isobuild.image.prove import plain

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


def boot_with_disk(iso: Path, disk: Path, until: str, seconds: float) -> str:
    """Boot an ISO by BIOS, a raw disk beside it, until the serial console says this; all that it said."""
    console = disk.with_suffix(".log")
    drives = ("-cdrom", iso, "-drive", f"file={disk},format=raw,if=virtio")
    screen = ("-display", "none", "-nic", "none", "-serial", f"file:{console}")
    argv = ("qemu-system-x86_64", "-machine", "q35", "-m", "1024", "-boot", "d", *drives, *screen)
    over, said = time.monotonic() + seconds, ""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as machine:
        try:
            while not re.search(until, said, re.MULTILINE) and machine.poll() is None and time.monotonic() < over:
                time.sleep(0.2)
                said = plain(console.read_bytes()) if console.exists() else ""
        finally:
            machine.kill()
    return said


def disk_for_changes(path: Path) -> Path:
    """A raw disk on which live-boot keeps all changes of the system. Needs mkfs.ext4."""
    tree = path.with_suffix(".tree")
    tree.mkdir()
    (tree / "persistence.conf").write_text("/ union\n")
    with path.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-L", "persistence", "-d", tree, path], check=True)
    return path


def names_on(disk: Path, folder: str) -> set[str]:
    """The names in a folder of such a disk, as whoever mounts it next will see it. Needs e2fsck and debugfs."""
    subprocess.run(["/usr/sbin/e2fsck", "-fy", disk], check=False, capture_output=True)  # its machine was cut off
    asked: list[str | Path] = ["/usr/sbin/debugfs", "-R", f"ls -p {folder}", disk]
    told = subprocess.run(asked, check=True, capture_output=True, text=True)
    return {line.split("/")[5] for line in told.stdout.splitlines() if line.count("/") > 5}
