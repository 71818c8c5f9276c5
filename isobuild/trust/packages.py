"""The Debian packages in an ISO, as its manifest lists them: lines "package version", maybe with " architecture"."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit

PURL = "pkg:deb/debian/"
WORD = re.compile(r"[!-~]+")


class Named(Protocol):
    """A package of some version."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def architecture(self) -> str: ...  # noqa: D102


class Resolved(Named, Protocol):
    """A package that was chosen before the build: its file's SHA-256, and where it came from."""

    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def uri(self) -> str: ...  # noqa: D102
    @property
    def file(self) -> str: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Fetched:
    """A package that a build had fetched: its file's name, address, bytes, and SHA-256."""

    name: str
    version: str
    architecture: str
    file: str
    uri: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """A package; what is not known is empty. `sha256`: of its .deb, in hexadecimal; `uri` has no password in it."""

    name: str
    version: str
    architecture: str = ""
    sha256: str = ""
    uri: str = ""

    @property
    def purl(self) -> str:
        """Its package URL, https://github.com/package-url/purl-spec."""
        arch = f"?arch={quote(self.architecture)}" if self.architecture else ""
        return f"{PURL}{quote(self.name)}@{quote(self.version, safe=':')}{arch}"


def read(manifest: str) -> list[Package]:
    """The packages of a manifest, in order, each once; lines of another form say nothing."""
    return sorted(set(_lines(manifest)))


def join(listed: Iterable[Package], resolved: Iterable[Resolved]) -> list[Package]:
    """The listed packages, with what is known of those that were resolved."""
    known = {(each.name, each.version): each for each in resolved}
    return [_known(each, known.get((each.name, each.version))) for each in listed]


def named(resolved: Iterable[Named]) -> list[Package]:
    """The resolved packages as a manifest would list them."""
    return [Package(each.name, each.version, each.architecture) for each in resolved]


def public(uri: str) -> str:
    """An address without a user and password."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _known(package: Package, found: Resolved | None) -> Package:
    if found is None or package.architecture not in ("", found.architecture):
        return package
    return replace(package, architecture=found.architecture, sha256=found.sha256.lower(), uri=public(found.uri))


def _lines(manifest: str) -> Iterator[Package]:
    for line in manifest.splitlines():
        words = line.split()
        if len(words) in {2, 3} and all(map(WORD.fullmatch, words)):
            yield Package(words[0].partition(":")[0], *words[1:])
