"""Starts machines from an ISO, one for each firmware, and tells whether they come up:

    python3 prove.py ISO UNTIL SECONDS MEMORY FOLDER FIRMWARE...

FIRMWARE is `bios` or `uefi`; both start at once where there is a core and the memory for each. UNTIL is a regular
expression that a machine's serial console must come to show within SECONDS; MEMORY is one machine's, in MiB. FOLDER
gets FIRMWARE.json (what came of it), FIRMWARE.log (all that the console said) and FIRMWARE.png (the screen at the end).
It ends with 0 if all machines that could be started came up, with 1 if one did not, and with 71 if there was none.
It needs nothing but Python and QEMU, so that a build user can run it too.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

KVM = Path("/dev/kvm")
OVMF = Path("/usr/share/OVMF")
PACKAGES = {"qemu-system-x86_64": "qemu-system-x86", f"{OVMF / 'OVMF_VARS_4M.fd'}": "ovmf"}
ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[\]P][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9])|[\r\0]")
#: how far it came: what was seen last on the console tells
POINTS = (
    (r"BdsDxe: starting (?!.*Shell)", "the firmware started it, and it said nothing"),
    (r"BdsDxe: [^ls]|Shell>|^No bootable device", "the firmware found nothing to start"),
    (r"^Booting from 0000:7c00", "the boot record was started, and said nothing"),
    (r"(GNU|to) GRUB|Booting [`']|ISOLINUX|SYSLINUX|^boot:", "the boot menu was there, and the kernel said nothing"),
    (r"^error: |grub rescue>", "the boot menu could not load what it was to start"),
    (r"Linux version|^\[ +\d+\.\d+\]|Loading, please wait|^Begin: ", "the kernel ran, and no system came up"),
    (r"systemd\[1\]|Welcome to (?!GRUB)|^INIT: version|^init: ", "the system was starting"),
    (r"Kernel panic", "the kernel panicked"),
    (r"\(initramfs\)|Unable to find a medium", "the first file system did not find the medium"),
    (r"login: *$", "the system was up, and waited for somebody to log in"),
    (r"^isobuild: the desktop waits", "the system was up, and its desktop was not"),
    (r"emergency mode|Give root password for maintenance", "the system came to its emergency mode"),
)
#: no machine comes up by itself from here
OVER = re.compile(r"^No bootable device|Shell> *$|grub rescue>|Kernel panic|\(initramfs\) *$", re.MULTILINE)
#: a boot sector that counts to 10^8 and then says K: cli; mov $100000000,%ecx; 1: dec %ecx; jnz 1b;
#: mov $0x3f8,%dx; mov $'K',%al; out %al,%dx; 2: hlt; jmp 2b
COUNT = bytes.fromhex("fa66b900e1f505664975fcbaf803b04beef4ebfd").ljust(510, b"\0") + b"\x55\xaa"
COUNTED = 3.0  # seconds in which it has done so on a processor; where KVM emulates one, it takes minutes
DEBUG = "isa-debugcon,iobase=0x402,chardev=debug"  # where BIOS tells what it does: its serial console is for others
SILENCE = 25.0  # seconds after which a machine that says nothing is taken for one that KVM can't run
LOOK, TELL = 0.2, 10.0  # seconds from one to the next
MOST = 4 << 20  # bytes that a console may say
SPARE = 256  # MiB that QEMU takes beside its machine's memory
UP, DOWN, NO_MACHINE = 0, 1, 71
Told = dict[str, object]


@dataclass(frozen=True)
class Wanted:
    """What is to be proved, and where what comes of it goes."""

    iso: str
    until: "re.Pattern[str]"
    seconds: float
    memory: int  # MiB
    folder: Path


class Machine:
    """QEMU, told what to do by QMP (https://www.qemu.org/docs/master/interop/qmp-spec.html), in a folder."""

    def __init__(self, arguments: Sequence[str], folder: Path, serial: str) -> None:
        self._serial = folder / serial
        self._serial.unlink(missing_ok=True)
        self.began = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 (no shell reads this)
            ["qemu-system-x86_64",  # noqa: S607 (wherever Debian has it)
             *arguments, "-display", "none", "-monitor", "none", "-serial", f"file:{serial}", "-qmp", "stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
        )  # fmt: skip
        self._say("qmp_capabilities")

    @property
    def said(self) -> str:
        """What it wrote to its serial console, free of escape codes."""
        with suppress(FileNotFoundError), self._serial.open("rb") as file:
            return plain(file.read(MOST))
        return ""

    @property
    def is_on(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def is_endless(self) -> bool:
        """Whether it says more than anybody wants to read."""
        return self._serial.exists() and self._serial.stat().st_size > MOST

    @property
    def age(self) -> float:
        """For how many seconds it has run."""
        return time.monotonic() - self.began

    def show(self, picture: str) -> None:
        """Write down what is on its screen, as PNG."""
        self._say("screendump", filename=picture, format="png")
        for line in self._process.stdout or ():
            if json.loads(line).get("id") == "screendump":
                return

    def end(self) -> str:
        """End it; what QEMU itself complained of."""
        self._process.kill()
        return self._process.communicate()[1].decode(errors="replace").strip()

    def _say(self, command: str, **arguments: object) -> None:
        told = json.dumps({"execute": command, "arguments": arguments, "id": command})
        with suppress(BrokenPipeError):  # it has ended
            if self._process.stdin:
                self._process.stdin.write(f"{told}\n".encode())
                self._process.stdin.flush()


class Trial:
    """One firmware that starts the ISO: looked at now and then until `told` says what came of it."""

    def __init__(self, wanted: Wanted, firmware: str, accels: Sequence[str]) -> None:
        self.wanted, self.firmware = wanted, firmware
        self.told: Told | None = None
        self._over = time.monotonic() + wanted.seconds
        self._accels = list(accels)
        self._machine: Machine | None = None
        self._begin()

    def look(self) -> None:
        """See whether it has come to an end."""
        machine = self._machine
        if machine is None or self.told is not None:
            return
        was_on, said = machine.is_on, machine.said
        came = bool(self.wanted.until.search(said))
        if came or (said and not was_on) or self._is_over(machine, said):
            self._end(machine, came, said)
        elif not was_on or (not said and len(self._accels) > 1 and machine.age > SILENCE):
            self._give_up(machine)

    def _is_over(self, machine: Machine, said: str) -> bool:
        return machine.is_endless or time.monotonic() > self._over or bool(OVER.search(said or self._debug()))

    def close(self) -> None:
        """End its machine."""
        if self._machine:
            self._machine.end()
        for name in ("variables.fd", f"{self.firmware}.debug"):
            (self.wanted.folder / name).unlink(missing_ok=True)

    def _begin(self) -> None:
        arguments = ["-machine", f"q35,accel={self._accels[0]}", "-smp", "1", "-m", f"{self.wanted.memory}"]
        arguments += ["-cdrom", self.wanted.iso, "-vga", "std", "-nic", "none", "-no-reboot", "-device", DEBUG]
        arguments += ["-chardev", f"file,id=debug,path={self.firmware}.debug"]
        try:
            more = flash(self.wanted.folder) if self.firmware == "uefi" else []
            self._machine = Machine([*arguments, *more], self.wanted.folder, f"{self.firmware}.log")
        except OSError as error:
            missing = PACKAGES.get(error.filename or "")
            self._tell(where=f"package {missing} is not installed" if missing else f"{error}")

    def _give_up(self, machine: Machine) -> None:
        complaint = machine.end()
        if len(self._accels) > 1:
            self._accels.pop(0)
            self._begin()
        elif complaint:
            self._tell(where=f"QEMU: {complaint.splitlines()[-1]}")
        else:
            self._end(machine, came=False, said="")

    def _end(self, machine: Machine, came: bool, said: str) -> None:
        seconds = machine.age
        if machine.is_on:
            machine.show(f"{self.firmware}.png")
        machine.end()
        said = machine.said or said
        (self.wanted.folder / f"{self.firmware}.log").write_text(said)
        where = None if came else point(said or self._debug())
        self._tell(accel=self._accels[0], reached=came, seconds=round(seconds, 1), where=where)

    def _debug(self) -> str:
        with suppress(OSError):
            return (self.wanted.folder / f"{self.firmware}.debug").read_text(errors="replace")
        return ""

    def _tell(self, **facts: object) -> None:
        self.told = tell(self.wanted.folder, self.firmware, **facts)


def tell(folder: Path, firmware: str, **facts: object) -> Told:
    """Write down what came of a firmware; `reached` is None if there could be no machine, and `where` says why."""
    told = {"firmware": firmware, "accel": None, "reached": None, "seconds": None, "where": None} | facts
    (folder / f"{firmware}.json").write_text(json.dumps(told, indent=2) + "\n")
    came = "" if told["reached"] is None else f"{'up' if told['reached'] else 'not up'} after {told['seconds']} s"
    print(f"{firmware}: {', '.join(str(each) for each in (came, told['where']) if each)}", flush=True)
    return told


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


def flash(folder: Path) -> list[str]:
    """QEMU's options for UEFI, which keeps its variables in a file of its own. Raises OSError."""
    shutil.copy(OVMF / "OVMF_VARS_4M.fd", folder / "variables.fd")
    drive = "if=pflash,format=raw"
    return ["-drive", f"{drive},readonly=on,file={OVMF / 'OVMF_CODE_4M.fd'}", "-drive", f"{drive},file=variables.fd"]


def has_kvm(folder: Path) -> bool:
    """Whether KVM runs a machine on the processor itself: its device may open where it only emulates one, slowly."""
    if not os.access(KVM, os.R_OK | os.W_OK):
        return False
    (folder / "count").write_bytes(COUNT)
    floppy = "if=floppy,format=raw,file=count"
    try:
        machine = Machine(["-machine", "pc,accel=kvm", "-m", "16", "-nodefaults", "-drive", floppy], folder, "counted")
        while machine.is_on and not machine.said and machine.age < COUNTED:
            time.sleep(LOOK / 4)
        machine.end()
        return bool(machine.said)
    except OSError:
        return False
    finally:
        for name in ("count", "counted"):
            (folder / name).unlink(missing_ok=True)


def room() -> int:
    """The memory of this host that is free, in MiB."""
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(facts["MemAvailable"].split()[0]) >> 10


def prove(wanted: Wanted, firmwares: Sequence[str]) -> list[Told]:
    """What came of each."""
    free, takes = room(), wanted.memory + SPARE
    if free < takes:
        why = f"the machine takes {takes} MiB of memory, and this host has {free} MiB free"
        return [tell(wanted.folder, firmware, where=why) for firmware in firmwares]
    accels = ["kvm", "tcg"] if has_kvm(wanted.folder) else ["tcg"]
    at_once = min(len(os.sched_getaffinity(0)), free // takes)
    groups = [firmwares] if at_once >= len(firmwares) else [[firmware] for firmware in firmwares]
    return [told for group in groups for told in together(wanted, group, accels)]


def together(wanted: Wanted, firmwares: Sequence[str], accels: Sequence[str]) -> list[Told]:
    """Start them all at once, and look at them until each has told."""
    with ExitStack() as stack:
        trials = [stack.enter_context(closing(Trial(wanted, firmware, accels))) for firmware in firmwares]
        began = spoke = time.monotonic()
        while any(trial.told is None for trial in trials):
            time.sleep(LOOK)
            for trial in trials:
                trial.look()
            if time.monotonic() > spoke + TELL:
                spoke, took = time.monotonic(), time.monotonic() - began
                print(f"isobuild: {min(95, 400 * took / wanted.seconds):.0f}% boot test, {took:.0f} s", flush=True)
        return [trial.told for trial in trials if trial.told]


def main(iso: str, until: str, seconds: str, memory: str, folder: str, *firmwares: str) -> int:
    """Prove it, and write down what came of it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    place = Path(folder)
    place.mkdir(exist_ok=True)
    for firmware in firmwares:
        for suffix in ("json", "log", "png"):
            (place / f"{firmware}.{suffix}").unlink(missing_ok=True)
    pattern = re.compile(until, re.MULTILINE)
    told = prove(Wanted(f"{Path(iso).absolute()}", pattern, float(seconds), int(memory), place), firmwares)
    tried = [each for each in told if each["reached"] is not None]
    if not tried:
        print(told[0]["where"], file=sys.stderr)
        return NO_MACHINE
    return UP if all(each["reached"] for each in tried) else DOWN


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
