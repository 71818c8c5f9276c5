"""Machines that are started from an ISO: both firmwares, with what this host has, to an end in any case."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from image.machines import CHATS, GREETS, HANGS, record
from isobuild.image import prove
from isobuild.image.proof import Boot


@pytest.fixture(autouse=True)
def tools(needed: Callable[[str], str]) -> Iterator[None]:
    """What it takes; and the program's handler of SIGTERM goes with the test."""
    for tool in ("qemu-system-x86_64", "xorriso"):
        needed(tool)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(iso: Path, folder: Path, *firmwares: str, seconds: float = 60, memory: int = 128) -> int:
    return prove.main(str(iso), "login: *$", f"{seconds}", f"{memory}", str(folder), *firmwares)


def told(folder: Path, firmware: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / f"{firmware}.json").read_text())
    return facts


def test_each_firmware_tells_for_itself(tmp_path: Path) -> None:
    assert run(record(GREETS, tmp_path), tmp_path / "kept", "bios", "uefi") == prove.DOWN
    bios, uefi = (told(tmp_path / "kept", firmware) for firmware in ("bios", "uefi"))
    assert (bios["reached"], bios["where"]) == (True, None)
    assert (uefi["reached"], uefi["where"][:38]) == (False, "the firmware found nothing to start; i")
    assert uefi["seconds"] < 60, "what has clearly stopped is not waited for"
    kept = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert kept == [f"{firmware}.{suffix}" for firmware in ("bios", "uefi") for suffix in ("json", "log", "png")]


def test_without_ovmf_bios_is_tried_alone_and_on_one_core_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(prove, "OVMF", tmp_path / "none")
    monkeypatch.setattr(prove, "PACKAGES", {f"{tmp_path}/none/OVMF_VARS_4M.fd": "ovmf"})
    assert run(record(GREETS, tmp_path), tmp_path / "kept", "uefi", "bios") == prove.UP
    uefi = told(tmp_path / "kept", "uefi")
    assert (uefi["reached"], uefi["where"]) == (None, "package ovmf is not installed")


def test_a_machine_that_hangs_is_ended_in_time_and_says_where(tmp_path: Path) -> None:
    assert run(record(HANGS, tmp_path), tmp_path / "kept", "bios", seconds=4) == prove.DOWN
    facts = told(tmp_path / "kept", "bios")
    assert facts["where"].startswith("the boot record was started, and said nothing")
    assert Boot(**facts, log="").is_silent
    assert 4 <= facts["seconds"] < 30


def test_a_machine_that_never_stops_talking_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "MOST", 1000)
    assert run(record(CHATS, tmp_path), tmp_path / "kept", "bios") == prove.DOWN
    assert told(tmp_path / "kept", "bios")["seconds"] < 60
    assert len((tmp_path / "kept/bios.log").read_text()) <= 1000


def test_without_the_memory_there_is_no_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(record(GREETS, tmp_path), tmp_path / "kept", "bios", "uefi", memory=1 << 30) == prove.NO_MACHINE
    facts = told(tmp_path / "kept", "bios")
    assert facts["reached"] is None
    assert facts["where"].startswith(f"the machine takes {(1 << 30) + 256} MiB of memory, and this host has ")
    assert capsys.readouterr().err.startswith("the machine takes")


def test_what_a_folder_has_stays_but_for_what_was_proved_before(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    for name in ("mine.png", "bios.png", "uefi.log"):
        (kept / name).write_text("old")
    run(record(HANGS, tmp_path), kept, "bios", seconds=2)
    assert [(kept / name).read_bytes()[:4] for name in ("mine.png", "bios.png", "uefi.log")] == [
        b"old", b"\x89PNG", b"old",
    ]  # fmt: skip


def test_kvm_is_left_alone_where_it_is_not_or_only_emulates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this host has, the answer comes soon, and nothing is left of the question."""
    began = time.monotonic()
    assert prove.has_kvm(tmp_path) in (True, False)
    assert time.monotonic() < began + 4 * prove.COUNTED
    monkeypatch.setattr(prove, "KVM", tmp_path / "none")
    assert prove.has_kvm(tmp_path) is False
    assert list(tmp_path.iterdir()) == []


def test_the_counting_machine_says_so_when_it_has_counted(tmp_path: Path) -> None:
    (tmp_path / "count").write_bytes(prove.COUNT)
    floppy = "if=floppy,format=raw,file=count"
    machine = prove.Machine(
        ["-machine", "pc,accel=tcg", "-m", "16", "-nodefaults", "-drive", floppy], tmp_path, "counted"
    )
    while not machine.said and machine.age < 30:
        time.sleep(prove.LOOK)
    machine.end()
    assert machine.said == "K"
