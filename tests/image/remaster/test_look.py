"""What is found in an ISO that is to be changed, and the words for one that can't be."""

import json
import subprocess
from pathlib import Path

import pytest

from image.media import STATUS, Pack, pack
from isobuild.image.remaster import look

__all__ = ["pack"]
RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n'
SYSTEM = {"var/lib/dpkg/status": STATUS, "usr/lib/os-release": RELEASE, "usr/share/big": "x" * (3 << 20)}


def kernel(version: str) -> bytes:
    """The beginning of a kernel, as the boot protocol has it."""
    made = bytearray(0x1000)
    made[0x202:0x206] = b"HdrS"
    made[0x20E:0x210] = (0x600).to_bytes(2, "little")
    made[0x800 : 0x800 + len(version) + 9] = f"{version} (a@b) #1".encode()[: len(version) + 9]
    return bytes(made)


def seen(iso: Path, tmp_path: Path) -> Path:
    look.main(f"{iso}", f"{tmp_path / 'out'}")
    return tmp_path / "out" / "stages" / "medium"


def test_what_later_steps_need_is_left(pack: Pack, tmp_path: Path) -> None:
    files = {"live/initrd.img-6.1": "first", "boot/grub/grub.cfg": "menu\n", "sha256sum.txt": "", "readme.txt": "hi"}
    text = kernel("6.1").decode("latin-1")
    iso = pack("tea.iso", {**files, "live/vmlinuz-6.1": text}, {"live/filesystem.squashfs": (SYSTEM, ())})
    medium = seen(iso, tmp_path)
    facts = json.loads((medium / "facts.json").read_text())
    assert (facts["label"], facts["layers"]) == ("TEA", ["/live/filesystem.squashfs"])
    assert facts["release"]["VERSION_CODENAME"] == "bookworm"
    assert set(facts["texts"]) == {"/boot/grub/grub.cfg", "/sha256sum.txt"}
    assert (medium / facts["texts"]["/boot/grub/grub.cfg"]).read_text() == "menu\n"
    assert (medium / "status").read_text() == STATUS
    assert (medium / "initrds").read_text() == "6.1 /live/initrd.img-6.1\n"
    assert (medium / "mebibytes").read_text() == "4\n"
    assert (medium / "milliseconds").read_text().strip().isdigit()


def test_a_layer_is_found_by_its_offset(pack: Pack, tmp_path: Path) -> None:
    iso = pack("tea.iso", {}, {"live/filesystem.squashfs": (SYSTEM, ())})
    offset, path = (seen(iso, tmp_path) / "layers").read_text().split()
    assert path == "/live/filesystem.squashfs"
    assert iso.read_bytes()[int(offset) :][:4] == b"hsqs"


def test_the_uppermost_layer_says_what_is_installed(pack: Pack, tmp_path: Path) -> None:
    above = {"var/lib/dpkg/status": STATUS.replace("bash", "dash")}
    layers = {"live/10-base.squashfs": (SYSTEM, ()), "live/20-more.squashfs": (above, ())}
    medium = seen(pack("tea.iso", {}, layers), tmp_path)
    assert "Package: dash\n" in (medium / "status").read_text()
    assert [line.split()[1] for line in (medium / "layers").read_text().splitlines()] == [f"/{name}" for name in layers]


def test_a_list_of_modules_says_which_layers_and_their_order(pack: Pack, tmp_path: Path) -> None:
    layers = {f"live/{name}.squashfs": (SYSTEM, ()) for name in ("a", "b", "unused")}
    iso = pack("tea.iso", {"live/filesystem.module": "b.squashfs a.squashfs\n"}, layers)
    facts = json.loads((seen(iso, tmp_path) / "facts.json").read_text())
    assert facts["layers"] == ["/live/b.squashfs", "/live/a.squashfs"]
    assert "/live/filesystem.module" in facts["texts"]


def refused(iso: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        seen(iso, tmp_path)
    assert ended.value.code == 65
    assert not (tmp_path / "out" / "stages" / "medium").exists()
    return capsys.readouterr().err


def test_what_is_no_iso(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.iso").write_text("not an ISO")
    assert refused(tmp_path / "x.iso", tmp_path, capsys) == "E: source: this is not an ISO 9660 image\n"


def test_the_beginning_of_an_iso(pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    iso = pack("tea.iso", {}, {"live/filesystem.squashfs": (SYSTEM, ())})
    iso.write_bytes(iso.read_bytes()[: iso.stat().st_size // 2])
    assert "this ISO is not whole: it has " in refused(iso, tmp_path, capsys)


def test_an_iso_without_a_live_system(pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    iso = pack("tea.iso", {"readme.txt": "hi"}, {"casper/filesystem.squashfs": (SYSTEM, ())})
    assert "no live system is in this ISO: it has no squashfs in /live" in refused(iso, tmp_path, capsys)


def test_a_live_system_of_another_kind(pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    iso = pack("tea.iso", {}, {"live/filesystem.squashfs": ({"etc/os-release": RELEASE}, ())})
    assert "is not of Debian's kind" in refused(iso, tmp_path, capsys)


def test_a_layer_that_is_none(pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    iso = pack("tea.iso", {"live/filesystem.squashfs": "mud" * 1000}, {})
    assert "/live/filesystem.squashfs in this ISO is damaged" in refused(iso, tmp_path, capsys)


def test_a_kernel_that_says_no_version() -> None:
    assert look.version_of(b"") == look.version_of(bytes(0x1000)) == ""
    assert look.version_of(kernel("6.1.0-56-amd64")) == "6.1.0-56-amd64"


SMALL = 'mount -t tmpfs -o size=64k small "$1"; exec env TMPDIR="$1" python3 -I "$2" "$3" "$4"'


def test_a_disk_that_fills_is_the_machine_s_fault(pack: Pack, tmp_path: Path) -> None:
    system = {"var/lib/dpkg/status": STATUS + "x" * (1 << 20)}
    iso = pack("tea.iso", {}, {"live/filesystem.squashfs": (system, ())})
    (tmp_path / "small").mkdir()
    words = ("sh", f"{tmp_path / 'small'}", look.__file__, f"{iso}", f"{tmp_path / 'out'}")
    command = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-euc", SMALL, *words)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 71
    assert done.stderr == "E: the disk is full: /live/filesystem.squashfs in this ISO could not be read\n"
