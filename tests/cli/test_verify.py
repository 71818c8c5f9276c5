"""`isobuild verify FILE`: whether an ISO is whole, matches its checksum, and boots."""

import json
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from cli.conftest import Call


@pytest.fixture
def iso(needed: Callable[[str], str], tmp_path: Path) -> Path:
    """One that is whole, and has nothing that could boot."""
    needed("qemu-system-x86_64")
    (tmp_path / "any").write_text("hello")
    burn = [needed("xorriso"), "-as", "mkisofs", "-quiet", "-V", "TEA", "-o", f"{tmp_path}/tea.iso", f"{tmp_path}/any"]
    subprocess.run(burn, check=True)
    return tmp_path / "tea.iso"


def test_what_does_not_boot_is_told_and_kept(call: Call, iso: Path, tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text(f"{sha256(iso.read_bytes()).hexdigest()}  tea.iso\n")
    said = call("verify", iso, "--firmware", "bios", "--limit", 3, "--into", tmp_path / "kept")
    assert said.code == 1
    assert "SHA-256: as the file beside it says\n" in said.err
    assert said.err.endswith("bios: not up within 3 s: its serial console was silent\n")
    assert (tmp_path / "kept/bios.png").exists()


def test_another_checksum_is_damage(call: Call, iso: Path) -> None:
    iso.with_name("tea.iso.sha256").write_text(f"{'5a' * 32} *tea.iso\n")
    said = call("verify", iso, "--firmware", "bios", "--limit", 1, "--json")
    assert said.code == 1
    told = json.loads(said.out)
    assert (told["label"], told["size"], told["sha256_matches"]) == ("TEA", iso.stat().st_size, False)
    assert [(boot["firmware"], boot["reached"]) for boot in told["boots"]] == [("bios", False)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tea.iso", "--firmware", "coreboot"], "firmware: 'coreboot' can't be used: bios, uefi"),
        (["tea.iso", "--until", "("], "until: '(' can't be used: a regular expression"),
        (["any"], "an ISO 9660 image, which this is not"),
        (["no.iso"], "No such file or directory"),
    ],
)
def test_bad_input_is_one_sentence(call: Call, iso: Path, arguments: list[str], words: str) -> None:
    said = call("verify", iso.parent / arguments[0], *arguments[1:])
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert words in said.err
