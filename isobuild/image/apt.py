"""Where Debian's packages come from: the host's own sources, and the same for another release.

Text in and out is deb822, as in sources.list.d/*.sources.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from isobuild.errors import HostFault

RELEASES = ("bullseye", "bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable")
#: of the systems that are made: what boots them, and their packages' names, are made for it alone
Architecture = Literal["amd64"]
ARCHITECTURE: Architecture = "amd64"
ROLLING = ("sid", "unstable")
COMPONENTS = frozenset({"main", "contrib", "non-free", "non-free-firmware"})
KEYRING = re.compile(r"/debian-archive-[\w-]*keyring\.(gpg|pgp)$")
ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>[^#]+)")
NO_SOURCES = "This host has no apt sources of Debian's in {where}: give the option 'mirror', or add them."


@dataclass(frozen=True, slots=True)
class Entry:
    """One stanza of sources; each field holds words."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""

    def __str__(self) -> str:
        fields = {
            "Types": "deb",
            "URIs": " ".join(self.uris),
            "Suites": " ".join(self.suites),
            "Components": " ".join(self.components),
            "Signed-By": self.signed_by,
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)

    def is_debian(self) -> bool:
        """Whether this is Debian's own: by the key that signs it or, where none is named, by what it offers."""
        if (
            not set(self.components) <= COMPONENTS
            or not self.uris
            or any(uri.startswith("cdrom:") for uri in self.uris)
        ):
            return False
        if self.signed_by:
            return bool(KEYRING.search(self.signed_by))
        return all(_release(suite) in RELEASES for suite in self.suites)


def read_host(folder: Path = Path("/etc/apt")) -> str:
    """The host's sources as deb822 text: only Debian's own and switched-on ones, no source packages; "" if none."""
    entries = [entry for entry in _read(folder) if entry.is_debian()]
    return "\n".join(str(entry) for entry in entries)


def release_of(apt: str) -> str:
    """The release that these sources are for, such as "bookworm". Raises HostFault if there are none."""
    plain = [suite for entry in _parse(apt) for suite in entry.suites if _release(suite) == suite]
    if not plain:
        raise HostFault(what=NO_SOURCES.format(where="/etc/apt"))
    return plain[0]


def sources_for(apt: str, suite: str, mirror: str | None = None) -> str:
    """The sources of a release: the host's, with `suite` in the place of its own; `mirror` replaces the main URI.

    Raises HostFault if the host has no Debian sources and no mirror is given.
    """
    entries = list(_parse(apt))
    main = next((entry for entry in entries if any(_release(suite) == suite for suite in entry.suites)), None)
    security = next((entry for entry in entries if any(is_security(suite) for suite in entry.suites)), None)
    if main is None and mirror is None:
        raise HostFault(what=NO_SOURCES.format(where="/etc/apt"))
    main = main or Entry((), (), ("main",))
    uris = (mirror,) if mirror else main.uris
    if suite in ROLLING:
        return str(Entry(uris, (suite,), main.components, main.signed_by))
    wanted = [Entry(uris, (suite, f"{suite}-updates"), main.components, main.signed_by)]
    if security:
        wanted.append(Entry(security.uris, (f"{suite}-security",), security.components, security.signed_by))
    return "\n".join(str(entry) for entry in wanted)


def suites(sources: str) -> list[str]:
    """The releases that these sources name, without their updates."""
    return list(dict.fromkeys(_release(suite) for _, suite in archives(sources)))


def signed(sources: str) -> set[str]:
    """The URIs for which a key itself is given."""
    return {uri for entry in _parse(sources) if "BEGIN PGP" in entry.signed_by for uri in entry.uris}


def archives(sources: str) -> list[tuple[str, str]]:
    """Each archive that these sources name: its URI and suite."""
    return [(uri, suite) for entry in _parse(sources) for uri in entry.uris for suite in entry.suites]


def _read(folder: Path) -> Iterator[Entry]:
    parts = sorted((folder / "sources.list.d").glob("[!.]*"))
    for path in (folder / "sources.list", *parts):
        if path.suffix == ".list" and path.is_file():
            yield from _parse_lines(path.read_text(errors="replace"))
        elif path.suffix == ".sources" and path.is_file():
            yield from _parse(path.read_text(errors="replace"))


def _parse_lines(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        if match := ONE_LINE.match(line.strip()):
            options = dict(word.split("=", 1) for word in shlex.split(match["options"] or "") if "=" in word)
            components = tuple(match["components"].split())
            yield Entry((match["uri"],), (match["suite"],), components, options.get("signed-by", ""))


def _parse(text: str) -> Iterator[Entry]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() not in ("no", "false"):
            yield _entry(fields)


def _entry(fields: Mapping[str, str]) -> Entry:
    uris, suites, components = (tuple(fields.get(name, "").split()) for name in ("uris", "suites", "components"))
    return Entry(uris, suites, components, fields.get("signed-by", ""))


def _fields(stanza: str) -> dict[str, str]:
    lines = "\n".join(line for line in stanza.splitlines() if not line.startswith("#"))
    pairs = (line.partition(":") for line in re.sub(r"\n[ \t]+", " ", lines).splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _release(suite: str) -> str:
    return re.sub(r"(-updates|-security|-backports|-proposed-updates|/updates)$", "", suite)


def is_security(suite: str) -> bool:
    """Whether what is there mends weaknesses."""
    return suite.endswith(("-security", "/updates"))
