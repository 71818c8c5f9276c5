"""Looks at an ISO that is to be changed:

    python3 look.py ISO OUT

leaves in OUT/stages/medium what later steps need:

    facts.json   its label, date and files; the release of the system in it
    layers       the system's squashfs files, lowest first: lines "OFFSET PATH", the offset in bytes of the ISO
    initrds      the first file systems that belong to its kernels: lines "VERSION PATH"
    mebibytes    the size of the system, unpacked
    status       what dpkg says of it
    text-N       menus, checksums and lists of the ISO

It ends with 65 and a sentence if that is no ISO, or only the beginning of one, or if no live system is in it; with 71
if there is no room to look. It needs nothing but Python, xorriso and squashfs-tools: a build user runs it.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from struct import unpack_from
from tempfile import TemporaryDirectory
from typing import NoReturn

SECTOR = 2048  # bytes
FIRST = 16  # the sector of the first volume descriptor
LAST = 32  # as far as one is looked for
WRONG, HOST = 65, 71  # the order can't be followed; this machine can't do it now
FULL = ("No space left on device", "Disk quota exceeded")
FOUND = re.compile(r"File data lba: +(\d+) , +(\d+) , +(\d+) , +(\d+) , '(/[^']*)'")
MENUS = re.compile(r"/(boot/grub|isolinux|syslinux|boot/isolinux|boot/syslinux|EFI/[^/]+)/[\w.+-]+\.(cfg|conf)")
SUMS = re.compile(r"/(md5|sha1|sha256|sha512)sums?(\.txt)?", re.IGNORECASE)
LISTS = re.compile(r"/live/[\w.-]+\.(module|packages)")
LARGEST = 16 << 20  # bytes of a text
WANTED = ("var/lib/dpkg/status", "usr/lib/os-release")


@dataclass(frozen=True)
class File:
    """A file in the ISO: where its bytes begin, and how many there are."""

    path: str
    offset: int
    size: int


@dataclass(frozen=True)
class Iso:
    """An ISO 9660 image that is whole."""

    file: Path
    label: str
    date: str  # YYYYMMDDhhmmsscc: boot loaders know it by that
    joliet: bool
    files: Mapping[str, File]

    def read(self, path: str, most: int) -> bytes:
        """The first bytes of a file in it."""
        with self.file.open("rb") as opened:
            opened.seek(self.files[path].offset)
            return opened.read(min(most, self.files[path].size))


def fail(words: str, status: int = WRONG) -> NoReturn:
    """End, as it is the order that can't be followed, unless another status says whose fault it is."""
    print(f"E: {words}", file=sys.stderr)
    sys.exit(status)


# the ISO


def open_iso(file: Path) -> Iso:
    """The ISO in a file, if it is one, and whole."""
    with file.open("rb") as opened:
        opened.seek(FIRST * SECTOR)
        descriptors = opened.read((LAST - FIRST) * SECTOR)
        there = opened.seek(0, 2)
    if len(descriptors) < SECTOR or not descriptors.startswith(b"\x01CD001\x01"):
        fail("source: this is not an ISO 9660 image")
    (sectors,) = unpack_from("<I", descriptors, 80)
    if there < sectors * SECTOR:
        fail(f"source: this ISO is not whole: it has {there} of the {sectors * SECTOR} bytes that it says to have")
    label, date = (descriptors[start:end].decode("ascii", "replace") for start, end in ((40, 72), (830, 846)))
    joliet = any(descriptors[at : at + 6] == b"\x02CD001" for at in range(0, len(descriptors), SECTOR))
    return Iso(file, label.rstrip(), date if date.isdigit() else "", joliet, {each.path: each for each in files(file)})


def files(iso: Path) -> Iterator[File]:
    """The files in the ISO, but those that lie in pieces."""
    command = ("xorriso", "-indev", f"stdio:{iso}", "-find", "/", "-type", "f", "-exec", "report_lba")
    listed = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")  # noqa: S603
    if listed.returncode:
        words = [line for line in listed.stderr.splitlines() if " : FAILURE : " in line or " : FATAL : " in line]
        fail(f"source: this ISO can't be read: {words[0] if words else listed.stderr[-300:]}")
    pieces: dict[str, list[tuple[int, int, int]]] = {}
    for piece, lba, blocks, size, path in FOUND.findall(listed.stdout):
        pieces.setdefault(path, []).insert(int(piece), (int(lba), int(blocks), int(size)))
    for path, found in pieces.items():
        if all(one[0] + one[1] == other[0] for one, other in pairwise(found)):
            yield File(path, found[0][0] * SECTOR, found[0][2])


def texts(iso: Iso) -> dict[str, str]:
    """The menus, checksums and lists: path -> text."""
    named = (each for each in iso.files.values() if any(kind.fullmatch(each.path) for kind in (MENUS, SUMS, LISTS)))
    return {each.path: iso.read(each.path, LARGEST).decode(errors="surrogateescape") for each in named}


# the live system


def layers(iso: Iso) -> list[str]:
    """The squashfs files that the system is stacked of, the lowest first, as live-boot finds them."""
    for name in ("/live/filesystem.module", "/live/filesystem.filesystem.module"):
        if name in iso.files:
            named = [f"/live/{each}" for each in iso.read(name, LARGEST).decode(errors="replace").split()]
            return [path for path in named if path in iso.files]
    return sorted(path for path in iso.files if re.fullmatch(r"/live/[^/\n]+\.squashfs", path))


def initrds(iso: Iso) -> Iterator[tuple[str, str]]:
    """The version of each kernel in /live, and the path of its first file system."""
    for path in sorted(iso.files):
        if kernel := re.fullmatch(r"/live/vmlinuz([\w.+~-]*)", path):
            beside = (
                f"/live/{name}{kernel[1]}{suffix}" for name in ("initrd.img", "initrd") for suffix in ("", ".img")
            )
            initrd = next((each for each in beside if each in iso.files), None)
            if initrd and (version := version_of(iso.read(path, 1 << 16))):
                yield version, initrd


def version_of(kernel: bytes) -> str:
    """The version that a kernel says it is (https://docs.kernel.org/arch/x86/boot.html); empty if it says none."""
    if len(kernel) < 0x210 or kernel[0x202:0x206] != b"HdrS":
        return ""
    start = 0x200 + unpack_from("<H", kernel, 0x20E)[0]
    said = re.match(rb"[\w.+~-]+", kernel[start : start + 200])
    return said[0].decode() if said else ""


def unsquash(iso: Iso, path: str, *arguments: str) -> str:
    """What unsquashfs says of a layer."""
    command = (
        "unsquashfs",
        "-offset",
        f"{iso.files[path].offset}",
        *arguments[:-1],
        f"{iso.file}",
        *arguments[-1].split(),
    )
    ran = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")  # noqa: S603
    if ran.returncode and any(words in ran.stderr for words in FULL):
        fail(f"the disk is full: {path} in this ISO could not be read", HOST)
    if ran.returncode == 1:
        fail(f"source: {path} in this ISO is damaged: {ran.stderr.strip()[-300:]}")
    return ran.stdout


def size(iso: Iso, stack: Sequence[str]) -> int:
    """The bytes of the system's files."""
    lines = (line.split(maxsplit=3) for path in stack for line in unsquash(iso, path, "-lln", "").splitlines())
    return sum(int(line[2]) for line in lines if len(line) == 4 and line[0].startswith("-"))


def peep(iso: Iso, stack: Sequence[str]) -> dict[str, str]:
    """The files of the system that are WANTED, as far as they are there: the uppermost of each."""
    found: dict[str, str] = {}
    with TemporaryDirectory() as scratch:
        for number, path in enumerate(stack):
            tree = Path(scratch, f"{number}")
            unsquash(iso, path, "-quiet", "-no-progress", "-dest", f"{tree}", " ".join(WANTED))
            for name in WANTED:
                if (tree / name).is_file() and not (tree / name).is_symlink():
                    found[name] = (tree / name).read_text(errors="replace")
    return found


def release(text: str) -> dict[str, str]:
    """What os-release says."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


# what is left


def main(source: str, out: str) -> None:
    """Look, and leave it."""
    began = time.monotonic()
    iso = open_iso(Path(source))
    stack = layers(iso)
    if not stack:
        fail("source: no live system is in this ISO: it has no squashfs in /live")
    inside = peep(iso, stack)
    if not inside.get(WANTED[0]):
        fail("source: the live system in this ISO is not of Debian's kind: dpkg knows of no packages there")
    print("isobuild: 50% medium", flush=True)
    stage = Path(out, "stages", "medium")
    part = stage.with_name(".medium")
    part.mkdir(parents=True)
    write(iso, stack, inside, part)
    (part / "milliseconds").write_text(f"{round(1000 * (time.monotonic() - began))}\n")
    part.rename(stage)


def write(iso: Iso, stack: Sequence[str], inside: Mapping[str, str], part: Path) -> None:
    """Write it all down."""
    said = texts(iso)
    facts = {
        "label": iso.label, "date": iso.date, "joliet": iso.joliet, "release": release(inside.get(WANTED[1], "")),
        "layers": stack, "files": sorted(iso.files), "texts": {path: f"text-{n}" for n, path in enumerate(said)},
    }  # fmt: skip
    (part / "facts.json").write_text(json.dumps(facts))
    for number, text in enumerate(said.values()):
        (part / f"text-{number}").write_text(text, errors="surrogateescape")
    (part / "layers").write_text("".join(f"{iso.files[path].offset} {path}\n" for path in stack))
    (part / "initrds").write_text("".join(f"{version} {path}\n" for version, path in initrds(iso)))
    (part / "mebibytes").write_text(f"{(size(iso, stack) >> 20) + 1}\n")
    (part / "status").write_text(inside[WANTED[0]])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
