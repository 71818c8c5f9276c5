"""Whether an ISO is whole, is what the files beside it say, and boots."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from isobuild.cli import say
from isobuild.config import load
from isobuild.errors import BadInput
from isobuild.image import medium
from isobuild.image.medium import Medium
from isobuild.image.proof import FIRMWARES, Boot, Firmware, boot
from isobuild.trust import keys
from isobuild.trust.check import Found, Trusted, check

#: a login prompt, at which somebody may be logged in by itself, as live-config does it
UNTIL = r"login: *(\S+ \(automatic login\) *)?$"
LARGE = 400 << 20  # bytes; what is smaller has no desktop
SILENT = """\
nothing was heard of a system within {limit:g} s ({where}). The boot is followed on the serial console, and an ISO \
that is not made for one, as Debian's own live ISOs, may be up all the same: {look}"""
SEE = "see its screen, {picture}."
LOOK = "--into FOLDER keeps a picture of its screen, --no-boot leaves this out."


@dataclass(frozen=True, slots=True)
class Machine:
    """What each machine has, and what its serial console must come to show."""

    until: str
    limit: float  # seconds
    memory: int  # MiB


def verify(
    file: Path, *, key: Path | None, boots: bool, firmwares: Sequence[str], until: str, limit: float | None,
    memory: int | None, into: Path | None, json: bool,
) -> None:  # fmt: skip
    """Look at the file, hold it against what lies beside it, and boot it.

    Raises BadInput; typer.Exit(1) if it is no good, or nothing was heard of its boot.
    """
    chosen = _firmwares(firmwares) if boots else []
    _check_pattern(until)
    looked = medium.look(file)
    checked = _check(file, key)
    machine = _machine(looked, until, limit, memory)
    tried = [_try(file, firmware, machine, into, quiet=json) for firmware in chosen]
    if json:
        came = [_told(each) for each in tried]
        say.value({"file": str(file), **asdict(looked), "checks": [asdict(each) for each in checked], "boots": came})
    if any(each.state == "wrong" for each in checked) or not all(each.reached for each in tried):
        raise typer.Exit(1)


def _machine(iso: Medium, until: str, limit: float | None, memory: int | None) -> Machine:
    """What was asked for; else what does for any ISO of isobuild's, without KVM too."""
    large = iso.size >= LARGE
    return Machine(until or UNTIL, limit or (1200 if large else 600), memory or (2048 if large else 1024))


def _try(file: Path, firmware: Firmware, machine: Machine, into: Path | None, *, quiet: bool) -> Boot:
    if not quiet:
        say.words(f"{firmware}: it boots, for {machine.limit:g} s at most …")
    tried = boot(file, firmware, machine.until, machine.limit, into, machine.memory)
    if not quiet:
        say.words(f"{firmware}: {_came(tried, machine.limit, into)}")
    return tried


def _came(tried: Boot, limit: float, into: Path | None) -> str:
    """What came of a boot, in words."""
    if tried.reached:
        slow = " (without KVM: a real machine is many times faster)" if tried.accel == "tcg" else ""
        return f"up after {tried.seconds:g} s{slow}"
    if tried.is_silent:
        look = SEE.format(picture=into / f"{tried.firmware}.png") if into else LOOK
        return SILENT.format(limit=limit, where=tried.where, look=look)
    return f"not up within {limit:g} s: {tried.where}"


def _told(tried: Boot) -> dict[str, object]:
    """The same for programs."""
    facts = {name: value for name, value in asdict(tried).items() if name != "log"}
    return facts | {"silent": tried.is_silent}


def _firmwares(given: Sequence[str]) -> list[Firmware]:
    chosen: list[Firmware] = [firmware for firmware in FIRMWARES if not given or firmware in given]
    for name in given:
        if name not in FIRMWARES:
            raise BadInput(field="firmware", given=name, allowed=", ".join(FIRMWARES))
    return chosen


def _check_pattern(until: str) -> None:
    try:
        re.compile(until)
    except re.error as error:
        raise BadInput(field="until", given=until, allowed=f"a regular expression ({error})") from None


def _check(file: Path, key: Path | None) -> list[Found]:
    """Hold the ISO against what lies beside it."""
    found = check(file, _trusted(key))
    for each in found:
        say.words(f"{each.what}: {each.says}")
    return found


def _trusted(key: Path | None) -> Trusted | None:
    """The key that is named; else the site's, where this machine is one."""
    if key:
        try:
            return Trusted(key.name, key.read_bytes(), asked=True)
        except OSError as error:
            allowed = f"a file with a public key that can be read ({error.strerror})"
            raise BadInput(field="key", given=str(key), allowed=allowed) from None
    own = keys.find(load().signing)
    return Trusted("this site's key", own.public.encode()) if own else None
