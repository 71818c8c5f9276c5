"""Starts a machine from an ISO and tells whether it comes up:

    python3 prove.py ISO FIRMWARE UNTIL SECONDS MEMORY FOLDER

FIRMWARE is `bios` or `uefi`; UNTIL is a regular expression that the machine's serial console must come to show within
SECONDS; MEMORY is the machine's, in MiB. FOLDER gets FIRMWARE.json (what came of it), FIRMWARE.log (all that the
console said) and FIRMWARE.png (the screen at the end). It ends with 0 if the machine came up, with 1 if it did not, and
with 71 if this host can't start such a machine.

It needs nothing but Python and QEMU: a build user, who may not read the service's own files, can run it too.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OVMF = Path("/usr/share/OVMF")
ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[\]P][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9])|[\r\0]")
#: how far it came: what was seen last on the console tells
POINTS = (
    (r"BdsDxe|Shell>", "the firmware found nothing to start"),
    (r"GNU GRUB|Booting [`']|ISOLINUX|SYSLINUX|^boot:", "the boot menu was there, and the kernel said nothing"),
    (r"Linux version|^\[ +\d+\.\d+\]|Loading, please wait|^Begin: ", "the kernel ran, and no system came up"),
    (r"systemd\[1\]|Welcome to |^INIT: version|^init: ", "the system was starting"),
    (r"Kernel panic", "the kernel panicked"),
    (r"\(initramfs\)|Unable to find a medium", "the first file system did not find the medium"),
    (r"emergency mode|Give root password for maintenance", "the system came to its emergency mode"),
)
SILENCE = 25.0  # seconds after which a machine that says nothing is taken for one that KVM can't run
LOOK = 0.2  # seconds
UP, DOWN, NO_MACHINE = 0, 1, 71


class Machine:
    """QEMU, told what to do by QMP (https://www.qemu.org/docs/master/interop/qmp-spec.html)."""

    def __init__(self, arguments: list[str], serial: Path) -> None:
        self.serial = serial
        self.process = subprocess.Popen(  # noqa: S603 (no shell reads this)
            ["qemu-system-x86_64",  # noqa: S607 (wherever Debian has it)
             *arguments, "-serial", f"file:{serial}", "-qmp", "stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._say("qmp_capabilities")

    @property
    def said(self) -> str:
        """What it wrote to its serial console, free of escape codes."""
        with suppress(FileNotFoundError):
            return plain(self.serial.read_bytes())
        return ""

    @property
    def is_on(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def show(self, picture: Path) -> None:
        """Write down what is on its screen, as PNG."""
        self._say("screendump", filename=f"{picture}", format="png")
        for line in self.process.stdout or ():
            if json.loads(line).get("id") == "screendump":
                return

    def end(self) -> str:
        """End it; what QEMU itself complained of."""
        self.process.kill()
        return self.process.communicate()[1].decode(errors="replace").strip()

    def _say(self, command: str, **arguments: object) -> None:
        told = json.dumps({"execute": command, "arguments": arguments, "id": command})
        with suppress(BrokenPipeError):  # it has ended
            if self.process.stdin:
                self.process.stdin.write(f"{told}\n".encode())
                self.process.stdin.flush()


def plain(raw: bytes) -> str:
    """What a console said, without what only moves or colours it."""
    return ESCAPES.sub("", raw.decode(errors="replace"))


def point(said: str) -> str:
    """How far a machine came, in words, with the last line that it said."""
    seen = [(match.start(), words) for pattern, words in POINTS for match in re.finditer(pattern, said, re.MULTILINE)]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines:
        return "its serial console was silent"
    words = max(seen)[1] if seen else "its serial console said nothing that tells"
    return f"{words}; its last line: {re.split(' {8,}', lines[-1])[0][:160]}"


@contextmanager
def flash(firmware: str, folder: Path) -> Iterator[list[str]]:
    """QEMU's options for the firmware; UEFI keeps its variables in a file of its own."""
    if firmware == "bios":
        yield []
        return
    variables = Path(shutil.copy(OVMF / "OVMF_VARS_4M.fd", folder / "variables.fd"))
    drive = "if=pflash,format=raw"
    try:
        yield ["-drive", f"{drive},readonly=on,file={OVMF / 'OVMF_CODE_4M.fd'}", "-drive", f"{drive},file={variables}"]
    finally:
        variables.unlink()


def prove(iso: str, firmware: str, until: str, limit: float, memory: int, folder: Path) -> dict[str, object]:
    """What came of it, as FIRMWARE.json has it. Raises OSError if there can be no such machine."""
    complaint = ""
    for accel in ["kvm", "tcg"] if os.access("/dev/kvm", os.R_OK | os.W_OK) else ["tcg"]:
        arguments = ["-machine", f"q35,accel={accel}", "-smp", "1", "-m", f"{memory}", "-cdrom", iso]
        arguments += ["-display", "none", "-vga", "std", "-nic", "none", "-no-reboot", "-monitor", "none"]
        with flash(firmware, folder) as more:
            serial = folder / f"{firmware}.log"
            serial.unlink(missing_ok=True)
            machine, began = Machine([*arguments, *more], serial), time.monotonic()
            try:
                reached = wait(machine, re.compile(until, re.MULTILINE), began + limit, accel == "kvm")
                seconds = round(time.monotonic() - began, 1)
                ran = machine.is_on
                if ran:
                    machine.show(folder / f"{firmware}.png")
            finally:
                complaint = machine.end()
        if machine.said or (accel == "tcg" and (ran or not complaint)):
            where = None if reached else point(machine.said)
            serial.write_text(machine.said)
            return {"firmware": firmware, "accel": accel, "reached": reached, "seconds": seconds, "where": where}
    raise OSError(complaint)


def wait(machine: Machine, until: "re.Pattern[str]", over: float, impatient: bool) -> bool:
    """Whether the words come before it is over; who is impatient does not wait long for the first of any."""
    silent_until = time.monotonic() + SILENCE
    while machine.is_on and time.monotonic() < over:
        said = machine.said
        if until.search(said):
            return True
        if impatient and not said and time.monotonic() > silent_until:
            return False
        time.sleep(LOOK)
    return bool(until.search(machine.said))


def main(iso: str, firmware: str, until: str, limit: str, memory: str, folder: str) -> int:
    """Prove it, and write down what came of it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        told = prove(iso, firmware, until, float(limit), int(memory), Path(folder))
    except OSError as error:
        packages = {"qemu-system-x86_64": "qemu-system-x86", f"{OVMF / 'OVMF_VARS_4M.fd'}": "ovmf"}
        missing = packages.get(error.filename or "")
        print(f"package {missing} is not installed" if missing else f"QEMU: {error}", file=sys.stderr)
        return NO_MACHINE
    (Path(folder) / f"{firmware}.json").write_text(json.dumps(told, indent=2) + "\n")
    return UP if told["reached"] else DOWN


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
