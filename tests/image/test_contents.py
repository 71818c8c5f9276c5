"""What is in an ISO, read where it lies."""

from hashlib import sha256
from pathlib import Path

import pytest

from isobuild.errors import BadInput, HostFault
from isobuild.image import contents
from isobuild.image.contents import Entry

from .media import STATUS, Pack, pack, whiteout

__all__ = ["pack"]
BASE = {
    "etc/hostname": "tea\n", "etc/name": "-> hostname", "usr/bin/a b -> c": "odd", "usr/share/doc/x/y": "gone",
    "var/lib/dpkg/status": STATUS,
}  # fmt: skip


def read(iso: Path) -> contents.Contents:
    return contents.read(iso)


def test_a_medium_with_a_system(pack: Pack) -> None:
    iso = pack("tea.iso", {"it's.cfg": "menu"}, {"live/filesystem.squashfs": (BASE, ())})
    found = read(iso)
    assert (found.label, found.size) == ("TEA", iso.stat().st_size)
    assert set(found.files) == {"/it's.cfg", "/live/filesystem.squashfs"}
    assert contents.digest(iso, found.files["/it's.cfg"]) == sha256(b"menu").hexdigest()
    assert found.packages == {"bash": "5.2-1", "libc6": "2.36", "libc6:i386": "2.35"}
    assert found.system["/etc/hostname"] == Entry("-rw-r--r--", "0:0", 4)
    assert found.system["/etc/name"] == Entry("lrwxrwxrwx", "0:0", 8, "hostname")
    assert found.system["/usr/bin/a b -> c"].size == 3
    assert found.system["/"].mode.startswith("d")


def test_layers_are_stacked_by_their_names(pack: Pack) -> None:
    above = {"etc/hostname": "green tea\n", "opt/new": "new", "var/lib/dpkg/status": "", "etc/name": "a file now"}
    hides = ("-p", "usr d 755 0 0", "-p", "usr/share d 755 0 0", *whiteout("usr/share/doc"))
    layers = {"live/a.squashfs": (BASE, ()), "live/b.squashfs": (above, hides), "boot/other.squashfs": ({"x": ""}, ())}
    found = read(pack("tea.iso", {}, layers))
    assert found.system["/etc/hostname"].size == 10
    assert found.system["/etc/name"].mode == "-rw-r--r--"
    assert "/opt/new" in found.system
    assert not [path for path in found.system if path.startswith("/usr/share/doc") or path == "/x"]
    assert "/usr/share" in found.system


def test_a_folder_gives_way_to_a_file() -> None:
    below = {"/a": Entry("drwxr-xr-x", "0:0"), "/a/b": Entry("-rw-r--r--", "0:0", 1), "/ab": Entry("-rw-r--r--", "0:0")}
    found = contents.stack(below, {"/a": Entry("lrwxrwxrwx", "0:0", 1, "ab")})
    assert set(found) == {"/a", "/ab"}


def test_an_iso_without_a_system(pack: Pack) -> None:
    found = read(pack("tea.iso", {"readme": "hello"}, {}))
    assert (found.system, found.packages, set(found.files)) == ({}, {}, {"/readme"})


def test_devices_and_odd_lines() -> None:
    listing = """Parallel unsquashfs: Using 2 processors
crw-r--r-- 0/0               1,  3 2026-11-21 06:43 squashfs-root/dev/null
brw-rw---- 0/6             259,  0 2026-11-21 06:43 squashfs-root/dev/disk
-rwsr-xr-x 1000/100          62600 2026-11-21 06:43 squashfs-root/usr/bin/su
broken
"""
    assert contents.parse(listing) == {
        "/dev/null": Entry("crw-r--r--", "0:0", 0, "1, 3"),
        "/dev/disk": Entry("brw-rw----", "0:6", 0, "259, 0"),
        "/usr/bin/su": Entry("-rwsr-xr-x", "1000:100", 62600),
    }


def test_what_is_damaged_inside(pack: Pack) -> None:
    iso = pack("tea.iso", {}, {"live/filesystem.squashfs": (BASE, ())})
    extent = read(iso).files["/live/filesystem.squashfs"]
    with iso.open("r+b") as file:
        file.seek(extent.at + 8)
        file.write(b"\xff" * 64)
    with pytest.raises(BadInput, match=r"an ISO whose contents can be read \(.*SQUASHFS superblock"):
        read(iso)


def test_what_is_no_iso(tmp_path: Path) -> None:
    (tmp_path / "x.iso").write_bytes(b"x" * 99999)
    with pytest.raises(BadInput, match="an ISO 9660 image, which this is not"):
        read(tmp_path / "x.iso")


def test_a_tool_that_is_missing(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    iso = pack("tea.iso", {}, {})
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(HostFault, match="xorriso is not installed"):
        read(iso)
