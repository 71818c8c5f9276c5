"""Why packages can't be had together, in words: what apt complained of, and what it does not tell unless asked."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from isobuild.image.clashes import Clashes
from isobuild.image.graph import Graph, deb822
from isobuild.image.snapshot import Layer

UNKNOWN = re.compile(r"^E: Unable to locate package (\S+)", re.MULTILINE)
NO_CANDIDATE = re.compile(r"^E: Package '([^']+)' has no installation candidate", re.MULTILINE)
PROVIDED = re.compile(r"^Package (\S+) is a virtual package provided by:\n((?:  .*\n)+)", re.MULTILINE)
UNMET = re.compile(r"^The following packages have unmet dependencies:\n((?: .*\n)+)", re.MULTILINE)
NEED = re.compile(r"^ (?P<package>\S+) : |^ +")
KIND = re.compile(r"(?P<kind>[A-Z]\w+): ")
TARGET = re.compile(r"(?P<name>[a-z0-9][\w.+-]*)(?::\w+)?(?: \((?P<relation>[^)]+)\))?(?: but .*?)?(?P<more> or)?$")
HARMS = ("Conflicts", "Breaks")
CLOSE = 0.75  # of 1, how like a name must be to be suggested
MOST = 5  # reasons that are told
SUGGESTED = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a package that was asked for can't be installed."""

    package: str
    words: str
    """What comes after "PACKAGE can't be installed: ", without a full stop."""
    option: str = ""
    """The option at fault, where that is not the one that asked for the package."""

    def __str__(self) -> str:
        return f"{self.package} can't be installed: {self.words}{'' if self.words.endswith('?') else '.'}"


@dataclass(frozen=True, slots=True)
class Target:
    """What a package needs, or does not go with."""

    name: str
    relation: str = ""  # such as ">= 2"

    def __str__(self) -> str:
        return f"{self.name} ({self.relation})" if self.relation else self.name


@dataclass(frozen=True, slots=True)
class Unmet:
    """A package that apt would not install, and one of its dependencies: any of the targets would do."""

    package: str
    kind: str
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Reasons:
    """Asks apt why. `ask` runs one of its programs with the layer's settings, and raises Unresolved."""

    layer: Layer
    where: str
    """The suites, for people."""
    ask: Callable[..., str]

    def explain(self, said: str) -> tuple[Reason, ...]:
        """What is wrong, by what apt-get install complained of; none if that can't be told."""
        return self.names(said) or tuple(dict.fromkeys(self._unmet(said)))[:MOST]

    # names

    def names(self, said: str) -> tuple[Reason, ...]:
        """The same, of names only."""
        return tuple(dict.fromkeys([*self._unknown(said), *self._without_candidate(said)]))[:MOST]

    def _unknown(self, said: str) -> Iterator[Reason]:
        missing = UNKNOWN.findall(said)
        names = self.ask("apt-cache", "pkgnames").split() if missing else []
        for name in missing:
            yield Reason(name, f"there is no such package in {self.where}{_hint(name, names)}")

    def _without_candidate(self, said: str) -> Iterator[Reason]:
        providers = {name: [line.split()[0] for line in lines.splitlines()] for name, lines in PROVIDED.findall(said)}
        for name in NO_CANDIDATE.findall(said):
            if name in self._excluded:
                yield Reason(name, "it is asked for, and excluded too", "exclude")
            elif name in providers:
                there = sorted(set(providers[name]))
                more = f", or another of {len(there)}" if len(there) > MOST else ""
                yield Reason(name, f"it is what several packages provide: choose {_either(there[:MOST])}{more}")
            else:
                names = self.ask("apt-cache", "pkgnames").split()
                yield Reason(name, f"{self.where} has no package of that name{_hint(name, names)}")

    # dependencies

    def _unmet(self, said: str) -> Iterator[Reason]:
        found = [each for each in unmet(said) if each.kind not in ("Recommends", "Suggests")]
        if not found:
            return
        asked = [name for name in self.layer.packages if not name.startswith("?")]
        graph = Graph.of(self.ask("apt-cache", "depends", "--important", "--recurse", *asked))
        ways = [(graph.path(asked, each.package) or [each.package], each) for each in found]
        plain = [reason for path, each in ways if (reason := self._reason(each, path, asked, graph))]
        yield from [*{reason.package: reason for reason in reversed(plain)}.values()][::-1]
        if not plain:
            yield from (self._clash(path, each, asked) for path, each in ways[:1])

    def _reason(self, unmet: Unmet, path: Sequence[str], asked: Sequence[str], graph: Graph) -> Reason | None:
        """What apt told itself; None if it only tells what it did after all was decided."""
        if unmet.kind in HARMS:
            whose = self._whose(unmet.targets[0].name, [name for name in asked if name != path[0]], graph)
            return Reason(path[0], f"{_needs(path)}conflicts with {unmet.targets[0]}{whose}")
        hidden = [target for target in unmet.targets if target.name in self._excluded]
        if hidden:
            return Reason(path[0], f"{_needs(path)}needs {hidden[0].name}, and that is excluded", "exclude")
        versions = self._versions(unmet.targets)
        if all(_is_lacking(target, versions) for target in unmet.targets):
            there = _listed([each for target in unmet.targets for each in versions.get(target.name, ())])
            lacks = f"and {self.where} has {there}" if there else f"which {self.where} does not have"
            return Reason(path[0], f"{_needs(path)}needs {' or '.join(map(str, unmet.targets))}, {lacks}")
        return None

    def _whose(self, name: str, asked: Sequence[str], graph: Graph) -> str:
        """Why that one comes in."""
        if way := graph.path(asked, name):
            return ", which is wanted too" if len(way) == 1 else f", which {way[0]} needs"
        _, _, providers = self.ask("apt-cache", "showpkg", name).partition("Reverse Provides:")
        also = {line.split()[0] for line in providers.splitlines() if line.strip()} & {*asked}
        return f", as which {_listed(sorted(also), ' and ')} {'counts' if len(also) == 1 else 'count'}" if also else ""

    def _clash(self, path: Sequence[str], unmet: Unmet, asked: Sequence[str]) -> Reason:
        """It could be had alone: with which of the others does it not go, and why."""
        name, target = path[0], unmet.targets[0]
        needs = f"{_needs(path)}needs {target}"
        clashes = Clashes(self.ask)
        other = clashes.other(name, [each for each in asked if each != name])
        if other is None:
            return Reason(name, f"{needs}, which does not go with the rest of the system")
        found = clashes.between(name, other)
        if found == (other, target.name):
            return Reason(name, f"{needs}, and {other} conflicts with that")
        why = f": {found[0]} conflicts with {found[1]}" if found else ""
        return Reason(name, f"{needs}, and that does not go with {other}{why}")

    def _versions(self, targets: Sequence[Target]) -> dict[str, list[str]]:
        """The versions that there are, newest first, by name."""
        found: dict[str, list[str]] = {}
        for line in self.ask("apt-cache", "madison", *(each.name for each in targets)).splitlines():
            name, version, _ = (word.strip() for word in line.split("|", 2))
            found.setdefault(name, []).append(version)
        return found

    @property
    def _excluded(self) -> set[str]:
        stanzas = deb822(self.layer.preferences)
        names = [each["Package"].split() for each in stanzas if each.get("Pin-Priority", "").startswith("-")]
        return {name for some in names for name in some}


def unmet(said: str) -> list[Unmet]:
    """The dependencies that apt-get found nothing for."""
    found: list[Unmet] = []
    package, kind, targets = "", "", []
    for line in "".join(UNMET.findall(said)).splitlines():
        head = NEED.match(line)
        package = ((head and head["package"]) or package).partition(":")[0]
        rest = line[head.end() :] if head else line
        if named := KIND.match(rest):
            kind, rest = named["kind"], rest[named.end() :]
        if match := TARGET.match(rest):
            targets.append(Target(match["name"], match["relation"] or ""))
            if not match["more"]:
                found.append(Unmet(package, kind, tuple(targets)))
                targets = []
    return found


def suggest(name: str, names: Sequence[str]) -> list[str]:
    """Up to three of the names: those most like this one, then those that it is a part of, the shortest first."""
    near = [each for each in names if abs(len(each) - len(name)) <= 2 and not each.endswith(("-dbg", "-dbgsym"))]
    close = sorted(get_close_matches(name, near, 3 * SUGGESTED, CLOSE), key=lambda each: each[0] != name[0])
    longer = sorted((each for each in names if name in each), key=lambda each: (not each.startswith(name), len(each)))
    return list(dict.fromkeys([*close, *longer]))[:SUGGESTED] if len(name) > 2 else close


def _hint(name: str, names: Sequence[str]) -> str:
    close = suggest(name, [each for each in names if each != name])
    return f". Did you mean {_either(close)}?" if close else ""


def _is_lacking(target: Target, versions: Mapping[str, list[str]]) -> bool:
    """Whether nothing that there is would do."""
    there = versions.get(target.name, [])
    return not any(not target.relation or Clashes.fits(each, target.relation) for each in there)


def _needs(path: Sequence[str]) -> str:
    """ "it " of a package that was asked for itself, "it needs a, which needs b, which " of what it brings along."""
    return "it " + "".join(f"needs {name}, which " for name in path[1:])


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _listed(words: Sequence[str], between: str = ", ") -> str:
    return between.join(dict.fromkeys(words))
