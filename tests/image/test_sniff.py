"""What is in a file that somebody brought: what an option asks for passes, and all else is told in words."""

import io
import os
import tarfile
import time
from pathlib import Path

import pytest

from image.media import Pack, pack
from isobuild.errors import HostFault
from isobuild.image import sniff

__all__ = ["pack"]
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(4) + bytes(4) + b"\x08\x02\0\0"


def jpeg(frame: int, before: bytes = b"") -> bytes:
    """The beginning of a JPEG: JFIF, tables, `before`, and a frame of this kind."""
    tables = b"\xff\xe0\0\x10JFIF\0" + bytes(9) + b"\xff\xdb\0\x06\xff\xc2\0\0" + b"\xff\xc4\0\x04\0\0"
    return b"\xff\xd8" + tables + before + bytes([0xFF, frame]) + b"\0\x11\x08" + bytes(14) + b"\xff\xda\0\x02"


PICTURES: list[tuple[bytes, str, str]] = [
    (PNG + b"\0", "", ""),
    (PNG + b"\1", "", sniff.SHOWN),
    (jpeg(0xC0), "", ""),
    (jpeg(0xC2), "", sniff.SHOWN),
    (jpeg(0xC0, b"\xff\xff\xfe\0\x04hi" + b"\xff\x01"), "", ""),
    (jpeg(0xC2, b"\xff\xfe\0\x06\xff\xc0\xff\xc0"), "", sniff.SHOWN),
    (b"\xff\xd8\xff\xda\0\x02" + jpeg(0xC0), "", sniff.SHOWN),
    (b"\xff\xd8\xff", "", sniff.SHOWN),
    (b"GIF89a", sniff.PICTURE, sniff.PICTURE),
    (b"<svg/>", sniff.PICTURE, sniff.PICTURE),
    (b"", sniff.PICTURE, sniff.PICTURE),
]


@pytest.mark.parametrize(("content", "picture", "menu"), PICTURES)
def test_pictures(tmp_path: Path, content: bytes, picture: str, menu: str) -> None:
    """S0.2: a wallpaper; and what GRUB can show."""
    file = tmp_path / "file"
    file.write_bytes(content)
    assert (sniff.objection("picture", file), sniff.objection("menu-picture", file)) == (picture, menu)


def packed(*names: str, form: str = "") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=f"w:{form}") as archive:  # type: ignore[call-overload]
        for name in names:
            facts = tarfile.TarInfo(name)
            facts.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            archive.addfile(facts)
    return made.getvalue()


THEME = ("Tea-Dark/", "Tea-Dark/index.theme", "Tea-Dark/gtk-3.0/gtk.css")
ARCHIVES: list[tuple[bytes, str]] = [
    *((packed(*THEME, form=form), "") for form in ("", "gz", "bz2", "xz")),
    (packed(*(f"./{name}" for name in ("", *THEME))), ""),
    (packed("Tea/index.theme"), ""),
    (packed(*THEME, "readme"), sniff.ONE_FOLDER),
    (packed(*THEME, "Other/index.theme"), sniff.ONE_FOLDER),
    (packed("index.theme"), sniff.ONE_FOLDER),
    (packed("Tea Dark/index.theme"), sniff.ONE_FOLDER),
    (packed(".Tea/index.theme"), sniff.ONE_FOLDER),
    (packed("../Tea/index.theme"), sniff.ONE_FOLDER),
    (packed("/Tea/index.theme"), sniff.ONE_FOLDER),
    (packed(), sniff.ONE_FOLDER),
    (b"tea", sniff.ARCHIVE),
    (b"PK\3\4" + bytes(1000), sniff.ARCHIVE),
    (b"", sniff.ARCHIVE),
    *((magic + bytes(100), sniff.ARCHIVE) for magic in sniff.PACKED),
    *((packed(*THEME, form=form)[:-20], sniff.ARCHIVE) for form in ("gz", "bz2", "xz")),
    (b"\x28\xb5\x2f\xfd" + bytes(100), ""),
]


@pytest.mark.parametrize(("content", "words"), ARCHIVES)
def test_archives_with_a_theme(tmp_path: Path, content: bytes, words: str) -> None:
    """The same that looks.sh takes in the build, told before."""
    file = tmp_path / "file"
    file.write_bytes(content)
    assert sniff.objection("theme", file) == words


def special(kind: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        facts = tarfile.TarInfo("tea/odd")
        facts.type, facts.linkname = kind, "leaf"
        archive.addfile(facts)
    return made.getvalue()


TREES: list[tuple[bytes, str]] = [
    *((packed("./", "tea/", "tea/leaf", form=form), "") for form in ("", "gz", "bz2", "xz")),
    *((special(kind), "") for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE)),
    *((special(kind), sniff.TREE) for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)),
    (packed("tea/leaf", "/etc/passwd"), sniff.TREE),
    (packed("tea/../../etc/passwd"), sniff.TREE),
    (packed("tea/..leaf", "..."), ""),
    (packed(), sniff.TREE),
    (b"tea", sniff.ARCHIVE),
    (b"\x28\xb5\x2f\xfd" + bytes(100), ""),
]


@pytest.mark.parametrize(("content", "words"), TREES)
def test_archives_with_a_tree(tmp_path: Path, content: bytes, words: str) -> None:
    """The same that files.sh takes in the build, told before."""
    file = tmp_path / "file"
    file.write_bytes(content)
    assert sniff.objection("tree", file) == words


def test_of_a_large_archive_the_beginning_is_looked_at(tmp_path: Path) -> None:
    """A few KiB of xz may be GiB; the build has limits for that, this has none to spare."""
    file = tmp_path / "file"
    with tarfile.open(file, "w:xz", preset=0) as archive:
        for name in ("Tea/big", "Tea/bigger", "Other/far"):
            facts = tarfile.TarInfo(name)
            facts.size = sniff.FAR
            archive.addfile(facts, io.BytesIO(bytes(sniff.FAR)))
    assert sniff.objection("theme", file) == ""


SYSTEM = ({"etc/motd": "tea"}, ())


def test_a_live_iso(pack: Pack, tmp_path: Path) -> None:
    iso = pack("tea.iso", {f"docs/{number}.txt": "x" for number in range(99)}, {"live/filesystem.squashfs": SYSTEM})
    assert sniff.objection("live-iso", iso) == ""


def test_an_iso_that_is_none_or_not_whole_or_not_live(pack: Pack, tmp_path: Path) -> None:
    casper = pack("casper.iso", {"live/readme": "hi"}, {"casper/filesystem.squashfs": SYSTEM})
    assert sniff.objection("live-iso", casper) == sniff.LIVE
    cut = tmp_path / "cut.iso"
    cut.write_bytes(casper.read_bytes()[:-2048])
    size = casper.stat().st_size
    assert sniff.objection("live-iso", cut) == (
        f"a whole ISO: this has {size - 2048} of the {size} bytes that it says to have"
    )
    cut.write_bytes(b"tea" * 30000)
    assert sniff.objection("live-iso", cut) == "an ISO 9660 image, which this is not"


def test_an_iso_that_leads_astray_ends(tmp_path: Path) -> None:
    """Its folders say to be anywhere, of any size."""
    descriptor = bytearray(b"\x01CD001\x01" + bytes(2041))
    for root in (b"\x22\0" + b"\xff" * 30 + b"\xff\0", b"\x22\0\x10" + bytes(7) + b"\xff\xff\xff\x7f" + bytes(20)):
        descriptor[156:190] = root
        iso = tmp_path / "x.iso"
        iso.write_bytes(bytes(16 * 2048) + descriptor + os.urandom(1 << 20))
        began = time.monotonic()
        assert sniff.objection("live-iso", iso) == sniff.LIVE
        assert time.monotonic() - began < 1


def test_what_can_not_be_read_is_told(tmp_path: Path) -> None:
    assert sniff.objection("picture", tmp_path / "gone") == "a file that can be read (No such file or directory)"
    with pytest.raises(HostFault, match="'teapot'"):
        sniff.objection("teapot", tmp_path)
