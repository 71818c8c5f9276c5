"""Whether an ISO is whole, is what its checksum says, and boots."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import file_digest
from pathlib import Path

import typer

from isobuild.cli import say
from isobuild.errors import BadInput
from isobuild.image import medium
from isobuild.image.proof import FIRMWARES, Boot, Firmware, boot

SUMS = ("SHA256SUMS", "{name}.sha256")


def verify(
    file: Path, *, firmwares: Sequence[str], until: str, limit: float, memory: int, into: Path | None, json: bool
) -> None:
    """Look at the file, hold it against its checksum, and boot it. Raises BadInput; typer.Exit(1) if it is no good."""
    chosen = _firmwares(firmwares)
    _check_pattern(until)
    looked = medium.look(file)
    checked = _check_sum(file)
    tried = [_try(file, firmware, until, limit, memory, into, quiet=json) for firmware in chosen]
    if json:
        boots = [{name: value for name, value in asdict(each).items() if name != "log"} for each in tried]
        say.value({"file": str(file), **asdict(looked), "sha256_matches": checked, "boots": boots})
    if checked is False or not all(each.reached for each in tried):
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


def _check_sum(file: Path) -> bool | None:
    """Whether it is what the checksum beside it says; None if there is none."""
    wanted = _wanted(file)
    if wanted is None:
        return None
    with file.open("rb") as opened:
        matches = file_digest(opened, "sha256").hexdigest() == wanted
    say.words(
        "SHA-256: " + ("as the file beside it says" if matches else "not what the file beside it says: it is damaged")
    )
    return matches


def _wanted(file: Path) -> str | None:
    for name in SUMS:
        sums = file.with_name(name.format(name=file.name))
        lines = sums.read_text(errors="replace").splitlines() if sums.is_file() else []
        for line in lines:
            found = re.fullmatch(r"([0-9a-fA-F]{64}) [ *](.+)", line)
            if found and Path(found[2]).name == file.name:
                return found[1].lower()
    return None
