"""The proof that an ISO boots: a machine without a screen starts from it, until its serial console says the words.

The machine is kept by prove.py, which stands alone so that a build user can run it too.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import sh

from isobuild.errors import BuildFailed, HostFault

Firmware = Literal["bios", "uefi"]
FIRMWARES: tuple[Firmware, ...] = ("bios", "uefi")
PROGRAM = Path(__file__).with_name("prove.py")
NO_MACHINE = 71  # as prove.py says it
#: so it says that nobody spoke after the firmware or the boot menu: a system may be up, and say so on its screen alone
SILENT = re.compile(r"[^;]*(said nothing|was silent)(;|$)")


@dataclass(frozen=True, slots=True)
class Boot:
    """A boot that was tried: whether it came up, after how many seconds, and else where it stopped.

    `accel` is what ran it: `kvm`, or `tcg`, which is many times slower. `log` is all that the console said.
    """

    firmware: Firmware
    accel: str
    reached: bool
    seconds: float
    where: str | None
    log: str

    @property
    def is_silent(self) -> bool:
        """Whether it did not come up as far as could be heard, and nothing was heard of a system at all."""
        return not self.reached and bool(SILENT.match(self.where or ""))


def boot(
    iso: Path, firmware: Firmware, until: str, limit: float, folder: Path | None = None, memory: int = 1024
) -> Boot:
    """Boot the ISO as a CD until its serial console shows the regular expression `until`, for `limit` seconds at most.

    `memory` is in MiB. The folder gets `FIRMWARE.log`, `FIRMWARE.png` (the screen at the end) and `FIRMWARE.json`.
    Raises HostFault if this host can't start such a machine.
    """
    with _scratch(folder) as place:
        try:
            sh.Command(sys.executable)(
                "-I", PROGRAM, iso, until, limit, memory, place, firmware, _ok_code=[0, 1], _tty_out=False
            )
        except sh.ErrorReturnCode as error:
            said = error.stderr.decode(errors="replace").strip()
            raise HostFault(what=said or f"The proof ended with {error.exit_code}.") from None
        told = json.loads((place / f"{firmware}.json").read_text())
        return Boot(**told, log=(place / f"{firmware}.log").read_text())


def boots(iso: Path, firmware: Firmware, until: str, limit: float, memory: int = 1024) -> Boot:
    """The same, for who wants it up: raises BuildFailed if it does not come."""
    tried = boot(iso, firmware, until, limit, memory=memory)
    if not tried.reached:
        raise BuildFailed(what=f"{iso.name} did not boot by {firmware} to {until!r} within {limit:g} s: {tried.where}")
    return tried


@contextmanager
def _scratch(folder: Path | None) -> Iterator[Path]:
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    else:
        with TemporaryDirectory(prefix="isobuild-boot-") as scratch:
            yield Path(scratch)
