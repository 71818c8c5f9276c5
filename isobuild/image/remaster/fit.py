"""Looks whether an order fits the ISO that it is to change:

    python3 fit.py INPUTS

INPUTS/stages/medium is what look.py left; INPUTS/fit.json says `suite`, the `releases` that can be chosen, and the
packages to `remove`. It ends with 65 and a sentence if they do not go together. It needs nothing but Python.
"""

import json
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

WRONG = 65  # the order can't be followed
ROLLING = ("testing", "unstable", "sid")
PACKAGE = re.compile(r"^Package: (\S+)$", re.MULTILINE)
INSTALLED = re.compile(r"^Status: \S+ \S+ installed$", re.MULTILINE)


def unfit(facts: Mapping[str, Any], status: str, wanted: Mapping[str, Any]) -> str:
    """What does not fit; empty if all does."""
    there = {found[1] for each in status.split("\n\n") if INSTALLED.search(each) and (found := PACKAGE.search(each))}
    wrong = wrong_suite(facts["release"], wanted["suite"], wanted["releases"])
    return wrong or wrong_removal(wanted["remove"], there)


def wrong_suite(release: Mapping[str, str], suite: str, known: Collection[str]) -> str:
    """Why packages of this suite do not fit a system of this release."""
    name = release.get("PRETTY_NAME") or "a system without a name"
    codename = release.get("DEBIAN_CODENAME") or release.get("VERSION_CODENAME", "")
    if suite == codename or (suite in ROLLING and name.endswith("/sid")):
        return ""
    if codename in known:
        return f"suite: this ISO is {codename}: choose --suite {codename}"
    return f"source: this ISO is {name}, and only Debian's own releases can be changed: {', '.join(known)}"


def wrong_removal(names: Sequence[str], there: Collection[str]) -> str:
    """Which package can't be removed, as it is not there."""
    missing = [name for name in names if name not in there]
    return f"remove: {', '.join(missing)}: there is no such package in this ISO" if missing else ""


def main(inputs: str) -> int:
    """Look, and say what does not fit."""
    medium = Path(inputs, "stages", "medium")
    facts, wanted = (json.loads(file.read_text()) for file in (medium / "facts.json", Path(inputs, "fit.json")))
    words = unfit(facts, (medium / "status").read_text(errors="replace"), wanted)
    if words:
        print(f"E: {words}", file=sys.stderr)
    return WRONG if words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
