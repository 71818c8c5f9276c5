"""The versions of packages that archives offer, without asking what a build would take of them."""

import re
from collections.abc import Sequence

from isobuild.image import apt
from isobuild.image.archive import Archive
from isobuild.image.snapshot import Layer

CANDIDATE = re.compile(r"^(?P<name>\S+):\n  Installed: .*\n  Candidate: (?P<version>[^\s(]+)$", re.MULTILINE)


def newest(archive: Archive, names: Sequence[str], layer: Layer) -> dict[str, str]:
    """The version of each package that would come if it came anew, by the layer's preferences; by name."""
    with archive.alone():
        said = archive.ask("apt-cache", "policy", *names, layer=layer) if names else ""
    return {match["name"]: match["version"] for match in CANDIDATE.finditer(said)}


def security(archive: Archive, names: Sequence[str]) -> dict[str, list[str]]:
    """The versions of these packages that come from suites for security, by name."""
    found: dict[str, list[str]] = {}
    with archive.alone():
        said = archive.ask("apt-cache", "madison", *names) if names else ""
    for line in said.splitlines():
        name, version, place = (word.strip() for word in line.split("|", 2))
        suite = place.split()[1].rpartition("/")[0]
        if apt.is_security(suite):
            found.setdefault(name, []).append(version)
    return found
