"""The proof that an ISO boots: a machine without a screen starts from it, until its serial console says the words."""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Literal

import sh

from isobuild.errors import BuildFailed, HostFault

Firmware = Literal["bios", "uefi"]
OVMF = Path("/usr/share/OVMF")
ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[\]P][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9])|[\r\0]")


@dataclass(slots=True)
class Console:
    """What a machine wrote to its serial line, free of escape codes, until the words appear in it."""

    until: re.Pattern[str]
    raw: str = ""
    found: bool = field(default=False, init=False)

    @property
    def text(self) -> str:
        """Everything so far."""
        return ESCAPES.sub("", self.raw)

    def hear(self, chunk: str, _stdin: object, machine: Any) -> bool:
        """Takes the next piece; turns the machine off and answers True when the words are there."""
        self.raw += chunk
        self.found = bool(self.until.search(self.text))
        if self.found:
            machine.kill()
        return self.found


@dataclass(frozen=True, slots=True)
class Boot:
    """A boot that reached its words: after how many seconds, and all that the console said."""

    seconds: float
    log: str


def boots(iso: Path, firmware: Firmware, until: str, timeout: float, accel: str = "tcg", memory: int = 1024) -> Boot:
    """Boots the ISO as a CD until its serial console shows the regular expression `until`; `timeout` in seconds.

    `memory` is in MiB. Raises BuildFailed with the console's last lines if the words never come, and HostFault if
    QEMU or the firmware is not installed.
    """
    console = Console(re.compile(until, re.MULTILINE))
    start = monotonic()
    with TemporaryDirectory(prefix="isobuild-boot-") as scratch:
        machine = ["-machine", f"q35,accel={accel}", "-smp", "1", "-m", f"{memory}", "-cdrom", f"{iso}"]
        quiet = ["-display", "none", "-nic", "none", "-no-reboot", "-monitor", "none", "-serial", "stdio"]
        _run([*machine, *quiet, *_flash(firmware, Path(scratch))], console, timeout)
    if not console.found:
        tail = "\n".join(console.text.splitlines()[-15:])
        raise BuildFailed(what=f"{iso.name} did not boot by {firmware} to {until!r} within {timeout:g} s: {tail}")
    return Boot(monotonic() - start, console.text)


def _run(arguments: list[str], console: Console, timeout: float) -> None:
    try:
        qemu = sh.Command("qemu-system-x86_64")
    except sh.CommandNotFound:
        raise HostFault(what="qemu-system-x86_64 is not installed, so no boot can be tried.") from None
    try:
        qemu(
            *arguments,
            _out=console.hear,
            _out_bufsize=0,
            _decode_errors="replace",
            _timeout=timeout,
            _timeout_signal=SIGKILL,
            _ok_code=[0, -SIGKILL],
        )
    except sh.TimeoutException:
        return
    except sh.ErrorReturnCode as error:
        raise HostFault(what=f"QEMU ended with {error.exit_code}: {error.stderr.decode(errors='replace')}") from None


def _flash(firmware: Firmware, scratch: Path) -> list[str]:
    if firmware == "bios":
        return []
    try:
        variables = shutil.copy(OVMF / "OVMF_VARS_4M.fd", scratch)
    except FileNotFoundError:
        raise HostFault(what=f"The UEFI firmware (package ovmf) is not installed in {OVMF}.") from None
    flash = "if=pflash,format=raw"
    return ["-drive", f"{flash},readonly=on,file={OVMF / 'OVMF_CODE_4M.fd'}", "-drive", f"{flash},file={variables}"]
