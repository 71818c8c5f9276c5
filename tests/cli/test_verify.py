"""`isobuild verify FILE`: whether an ISO is whole, matches its checksum, and boots."""

import json
import re
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from image.machines import GREETS, HANGS, record

from cli.conftest import Call
from isobuild.cli import verify
from isobuild.image.medium import Medium
from isobuild.trust import keys


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
    assert "SHA-256: as SHA256SUMS says\n" in said.err
    assert "bios: not up within 3 s: " in said.err
    assert (tmp_path / "kept/bios.png").exists()


def test_another_checksum_is_damage(call: Call, iso: Path) -> None:
    iso.with_name("tea.iso.sha256").write_text(f"{'5a' * 32} *tea.iso\n")
    said = call("verify", iso, "--firmware", "bios", "--limit", 1, "--json")
    assert said.code == 1
    told = json.loads(said.out)
    assert (told["label"], told["size"]) == ("TEA", iso.stat().st_size)
    words = "not what tea.iso.sha256 says: it is damaged, or another ISO"
    assert told["checks"][0] == {"what": "SHA-256", "state": "wrong", "says": words}
    assert [(boot["firmware"], boot["reached"]) for boot in told["boots"]] == [("bios", False)]


def test_all_that_lies_beside_it_is_checked_without_a_boot(
    call: Call, iso: Path, tmp_path: Path, needed: Callable[[str], str]
) -> None:
    needed("gpg")
    key = keys.make(tmp_path / "somebody/signing", "Tea")
    (tmp_path / "key.asc").write_text(key.public)
    sums = f"{sha256(iso.read_bytes()).hexdigest()}  tea.iso\n"
    (tmp_path / "SHA256SUMS").write_text(sums)
    (tmp_path / "SHA256SUMS.sign").write_bytes(key.sign(sums.encode()))
    unknown = call("verify", iso, "--no-boot")
    assert (unknown.code, "no key to check it by (say --key FILE)" in unknown.err) == (0, True)
    good = call("verify", iso, "--no-boot", "--key", tmp_path / "key.asc")
    assert (good.code, good.out) == (0, "")
    assert f"signature: good, by key.asc, {key.fingerprint}\n" in good.err
    for nothing in ("SBOM", "provenance", "zsync", "torrent"):
        assert f"{nothing}: there is none beside it\n" in good.err
    call("key")  # this site's, which it is not signed by
    wrong = call("verify", iso, "--no-boot")
    assert wrong.code == 1
    assert f"not good by this site's key: it is by another key, {key.fingerprint}" in wrong.err
    (tmp_path / "SHA256SUMS.sign").unlink()
    assert call("verify", iso, "--no-boot", "--key", tmp_path / "key.asc").code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tea.iso", "--firmware", "coreboot"], "firmware: 'coreboot' can't be used: bios, uefi"),
        (["tea.iso", "--until", "("], "until: '(' can't be used: a regular expression"),
        (["tea.iso", "--no-boot", "--key", "/nonexistent"], "key: '/nonexistent' can't be used: a file with a public"),
        (["any"], "an ISO 9660 image, which this is not"),
        (["no.iso"], "No such file or directory"),
    ],
)
def test_bad_input_is_one_sentence(call: Call, iso: Path, arguments: list[str], words: str) -> None:
    said = call("verify", iso.parent / arguments[0], *arguments[1:])
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert words in said.err


def test_one_that_says_nothing_is_not_called_broken(call: Call, iso: Path, tmp_path: Path) -> None:
    silent = record(HANGS, tmp_path / "silent")
    said = call("verify", silent, "--firmware", "bios", "--limit", 3)
    assert said.code == 1
    assert "bios: nothing was heard of a system within 3 s (the boot record was started" in said.err
    assert "may be up all the same: --into FOLDER keeps a picture of its screen, --no-boot leaves this out." in said.err
    assert "not up" not in said.err
    kept = call("verify", silent, "--firmware", "bios", "--limit", 3, "--into", tmp_path / "kept", "--json")
    assert json.loads(kept.out)["boots"][0]["silent"] is True
    assert (tmp_path / "kept/bios.png").exists()


def test_one_that_greets_is_up(call: Call, iso: Path, tmp_path: Path) -> None:
    said = call("verify", record(GREETS, tmp_path / "greets"), "--firmware", "bios")
    assert (said.code, "bios: it boots, for 600 s at most" in said.err, "bios: up after" in said.err) == (0, True, True)


@pytest.mark.parametrize(
    ("prompt", "is_one"),
    [
        ("tea login: ", True), ("tea login:", True), ("debian login: user (automatic login)", True),
        ("tea login: ana", False), ("Last login: Sat Nov 21", False),
    ],
)  # fmt: skip
def test_what_is_a_login_prompt(prompt: str, is_one: bool) -> None:
    said = f"Debian GNU/Linux 12 tea ttyS0\n\n{prompt}\nmore"
    assert bool(re.search(verify.UNTIL, said, re.MULTILINE)) is is_one


@pytest.mark.parametrize(("mib", "asked", "machine"), [
    (233, (None, None), (600, 1024)), (900, (None, None), (1200, 2048)), (900, (5, 512), (5, 512)),
])  # fmt: skip
def test_a_large_one_has_more_memory_and_time(mib: int, asked: tuple[int, int], machine: tuple[int, int]) -> None:
    found = verify._machine(Medium("TEA", mib << 20), "", *asked)
    assert (found.limit, found.memory) == machine
