"""Whether an ISO is whole, is what the files beside it say, and boots."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from isobuild.cli import say
from isobuild.config import load
from isobuild.errors import BadInput
from isobuild.image import medium
from isobuild.image.proof import FIRMWARES, Boot, Firmware, boot
from isobuild.trust import keys
from isobuild.trust.check import Found, Trusted, check


def verify(
    file: Path, *, key: Path | None, boots: bool, firmwares: Sequence[str], until: str, limit: float, memory: int,
    into: Path | None, json: bool,
) -> None:  # fmt: skip
    """Look at the file, hold it against what lies beside it, and boot it.

    Raises BadInput; typer.Exit(1) if it is no good.
    """
    chosen = _firmwares(firmwares) if boots else []
    _check_pattern(until)
    looked = medium.look(file)
    checked = _check(file, key)
    tried = [_try(file, firmware, until, limit, memory, into, quiet=json) for firmware in chosen]
    if json:
        came = [{name: value for name, value in asdict(each).items() if name != "log"} for each in tried]
        say.value({"file": str(file), **asdict(looked), "checks": [asdict(each) for each in checked], "boots": came})
    if any(each.state == "wrong" for each in checked) or not all(each.reached for each in tried):
        raise typer.Exit(1)


def _try(
    file: Path, firmware: Firmware, until: str, limit: float, memory: int, into: Path | None, *, quiet: bool
) -> Boot:
    if not quiet:
        say.words(f"{firmware}: it boots, for {limit:g} s at most …")
    tried = boot(file, firmware, until, limit, into, memory)
    if not quiet:
        slow = " (without KVM: a real machine is many times faster)" if tried.accel == "tcg" else ""
        came = f"up after {tried.seconds:g} s{slow}" if tried.reached else f"not up within {limit:g} s: {tried.where}"
        say.words(f"{firmware}: {came}")
    return tried


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
