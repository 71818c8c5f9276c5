"""How far a machine came, by what its console said; and machines that can't be."""

from collections.abc import Callable
from pathlib import Path

import pytest

from isobuild.errors import HostFault
from isobuild.image import prove
from isobuild.image.proof import Boot, boot

RAW = (
    b"\x1b[2J\x1b[=3h\x1b[!p\x1b]104\x1b\\\x1b]0;title\x07\x1bP+q6E\x1b\\\x1b(BDebian\r\n\x1b[1mtea login:\x1b[0m \xff"
)
SAID = {
    "": "its serial console was silent",
    "??": "its serial console said nothing that tells; its last line: ??",
    "error: file `/live/vmlinuz' not found.\n": "the boot menu could not load what it was to start; its last line: err",
    "BdsDxe: failed to load Boot0001\n": "the firmware found nothing to start; its last line: BdsDxe: failed to load",
    'BdsDxe: loading Boot0001 "CD"\nBdsDxe: starting Boot0001\n': "the firmware started it, and it said nothing; its",
    'BdsDxe: failed to load "CD"\nBdsDxe: starting "EFI Internal Shell"\n': "the firmware found nothing to start; its",
    "Welcome to GRUB!\n": "the boot menu was there, and the kernel said nothing; its last line: Welcome to GRUB!",
    "GNU GRUB  version 2.06\n*Tea      \n": "the boot menu was there, and the kernel said nothing; its last line: *Tea",
    "GNU GRUB\n[    0.0] Linux version 6.1\n": "the kernel ran, and no system came up; its last line: [ 0.0] Linux",
    "[    0.0] Linux version\nBegin: Mounting\n(initramfs) ": "the first file system did not find the medium",
    "[    2.0] systemd[1]: Hello\nWelcome to Debian!\n": "the system was starting; its last line: Welcome to Debian!",
    "Welcome to Debian!\n\ntea login: \n": "the system was up, and waited for somebody to log in; its last line: tea",
    "tea login: \nisobuild: the desktop waits for a session of surf": "the system was up, and its desktop was not; its",
    "Linux version 6.1\nKernel panic - not syncing: No init\n": "the kernel panicked; its last line: Kernel panic",
}
NOTHING = "the firmware found nothing to start; its last line: No bootable device."


def test_escape_codes_are_no_words() -> None:
    assert prove.plain(RAW) == "Debian\ntea login: \ufffd"


@pytest.mark.parametrize("said", SAID)
def test_what_was_seen_last_tells_how_far_it_came(said: str) -> None:
    assert " ".join(prove.point(said).split()).startswith(SAID[said])


@pytest.mark.parametrize("said", SAID)
def test_a_system_that_was_not_heard_at_all_is_not_known_to_be_broken(said: str) -> None:
    tried = Boot("uefi", "tcg", reached=False, seconds=60, where=prove.point(said), log=said)
    words = ("was silent", "started it, and it said nothing", "the kernel said nothing")
    assert tried.is_silent is any(each in SAID[said] for each in words)


def test_what_came_up_was_heard() -> None:
    assert not Boot("bios", "kvm", reached=True, seconds=4, where=None, log="login:").is_silent


def test_without_qemu_it_is_the_hosts_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostFault, match="package qemu-system-x86 is not installed"):
        boot(tmp_path / "any.iso", "bios", "login:", 5)


def test_a_machine_that_qemu_refuses_is_the_hosts_fault(needed: Callable[[str], str], tmp_path: Path) -> None:
    needed("qemu-system-x86_64")
    with pytest.raises(HostFault, match=r"QEMU: .*no\.iso"):
        boot(tmp_path / "no.iso", "bios", "login:", 5)


def test_an_empty_medium_does_not_boot_and_says_where(needed: Callable[[str], str], tmp_path: Path) -> None:
    needed("qemu-system-x86_64")
    (tmp_path / "empty.iso").write_bytes(bytes(1 << 20))
    tried = boot(tmp_path / "empty.iso", "bios", "login:", 40, tmp_path / "kept")
    assert (tried.reached, tried.where) == (False, NOTHING)
    assert (tmp_path / "kept/bios.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["bios.json", "bios.log", "bios.png"]
