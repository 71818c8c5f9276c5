"""Archives that answer, but not with packages that may be trusted: what apt-get update complains of, in words."""

import re
from collections.abc import Iterator

from isobuild.errors import ArchiveRefused
from isobuild.image import apt

SUITE = r"(?P<uri>\S+?)/? (?P<suite>\S+) \w+"
FILE = r"Failed to fetch (?P<uri>\S+?)/(?:dists/(?P<suite>\S+?)/\S+|[\w.]+)  "
LOGIN = "it wants another name and password"
#: what apt says, what it means, and the part of the archive's description that is wrong
KINDS = (
    (rf"GPG error: {SUITE}: .*NO_PUBKEY", "{suite} is signed by another key than the one given", "key"),
    (rf"GPG error: {SUITE}: .*EXPKEYSIG", "the key that signs {suite} is out of date: ask them for a new one", "key"),
    (rf"GPG error: {SUITE}: .*(BADSIG|invalid|unsupported)", "the signature of {suite} is not right", "key"),
    (rf"repository '{SUITE}' is not signed", "it has no suite {suite} that is signed by the key given", "key"),
    (rf"repository '{SUITE}' does not have a Release file", "there is no suite {suite}", "suite"),
    (rf"{FILE}40[13]\b", LOGIN, "password"),
    (rf"{FILE}404\b", "there is no suite {suite}, or not all of it", "suite"),
)


def refusal(said: str, sources: str) -> ArchiveRefused | None:
    """What apt-get update complained of, if that is not that an archive is away. `sources` is deb822 text."""
    return next(_refusals(said, sources), None)


def _refusals(said: str, sources: str) -> Iterator[ArchiveRefused]:
    lines = [line for line in said.splitlines() if line.startswith(("E:", "W:"))]
    for pattern, words, part in KINDS:
        for match in filter(None, (re.search(pattern, line) for line in lines)):
            uri, suite = match["uri"], match["suite"] or "./"
            why = words.format(suite=suite)
            yield ArchiveRefused(uri=uri, why=f"{why}.", part=part, given=_is_given(uri, sources))


def _is_given(uri: str, sources: str) -> bool:
    """Whether somebody named this archive together with its key: then it is the order's matter."""
    return uri.rstrip("/") in {each.rstrip("/") for each in apt.signed(sources)}
