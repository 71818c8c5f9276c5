"""Which of many packages do not go together, and by what: found by asking apt for fewer and fewer of them."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from isobuild.errors import Unresolved
from isobuild.image.graph import deb822

TAKEN = re.compile(r"^'[^']+' (?P<name>[^_\s]+)_", re.MULTILINE)
RELATION = re.compile(r"(?P<name>[a-z0-9][a-z0-9.+-]+)(?::\w+)?\s*(?:\((?P<relation>[^)]+)\))?")
OPERATORS = {"<<": "lt", "<": "lt", "<=": "le", "=": "eq", ">=": "ge", ">>": "gt", ">": "gt"}


@dataclass(frozen=True)
class Clashes:
    """Asks apt; `ask` raises Unresolved where it finds no way."""

    ask: Callable[..., str]

    def other(self, name: str, others: Sequence[str]) -> str | None:
        """The one of the others with which this can't be had; None if it can't be had alone, or with all of them.

        The first so many of them go with it, and no more: halving finds how many.
        """
        if not self._goes([name]) or self._goes([name, *others]):
            return None
        good, bad = 0, len(others)
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if self._goes([name, *others[:middle]]) else (good, middle)
        return others[bad - 1]

    def between(self, one: str, other: str) -> tuple[str, str] | None:
        """A package that comes with the one, and one that comes with the other, which conflict."""
        ours, theirs = self._stanzas(one), self._stanzas(other)
        found = [*_conflicts(ours, theirs), *_conflicts(theirs, ours)]
        return found[0] if found else None

    @staticmethod
    def fits(version: str, relation: str) -> bool:
        """Whether a version is as a dependency wants it, such as ">= 2"; dpkg knows."""
        import sh

        operator, _, wanted = relation.partition(" ")
        try:
            sh.Command("dpkg")("--compare-versions", version, OPERATORS[operator], wanted)
        except (sh.ErrorReturnCode, KeyError):
            return False
        return True

    def _goes(self, names: Sequence[str]) -> bool:
        try:
            self._taken(names)
        except Unresolved:
            return False
        return True

    def _taken(self, names: Sequence[str]) -> list[str]:
        return TAKEN.findall(self.ask("apt-get", "-q", "-y", "--print-uris", "install", *names))

    def _stanzas(self, name: str) -> list[dict[str, str]]:
        try:
            names = self._taken([name])
        except Unresolved:
            return []
        return deb822(self.ask("apt-cache", "show", "--no-all-versions", *names)) if names else []


def _conflicts(ours: Sequence[dict[str, str]], theirs: Sequence[dict[str, str]]) -> Iterator[tuple[str, str]]:
    there = {(name, package["Version"] if name == package["Package"] else ""): package["Package"]
             for package in theirs for name in (package["Package"], *_provided(package))}  # fmt: skip
    for package in ours:
        for field in ("Conflicts", "Breaks"):
            for name, relation in RELATION.findall(package.get(field, "")):
                for (known, version), whose in there.items():
                    harmed = known == name and (not relation or (version and Clashes.fits(version, relation)))
                    if harmed and whose != package["Package"]:
                        yield package["Package"], whose


def _provided(package: dict[str, str]) -> list[str]:
    return [name for name, _ in RELATION.findall(package.get("Provides", ""))]
