"""Which package needs which, as apt tells it."""

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

EDGE = re.compile(r"^ [ |](?:PreDepends|Depends|Recommends): (?P<name><?[\w.+-]+)(?::\w+)?>?$")
PROVIDER = re.compile(r"^    (?P<name>[\w.+-]+)(?::\w+)?$")


@dataclass(frozen=True)
class Graph:
    """Packages, and what each needs: any of what is behind a virtual one."""

    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, said: str) -> "Graph":
        """The graph that `apt-cache depends --recurse` prints."""
        needs: dict[str, list[str]] = {}
        package = ""
        for line in said.splitlines():
            if line and not line.startswith(" "):
                package = line.strip("<>").partition(":")[0]
            elif match := EDGE.match(line) or PROVIDER.match(line):
                needs.setdefault(package, []).append(match["name"].lstrip("<"))
        return cls(needs)

    def path(self, starts: Iterable[str], end: str) -> list[str]:
        """The shortest way from one of the packages to another, both included; empty if there is none."""
        ways = deque([[start] for start in starts])
        seen = {way[0] for way in ways}
        while ways:
            way = ways.popleft()
            if way[-1] == end:
                return way
            for name in self.needs.get(way[-1], ()):
                if name not in seen:
                    seen.add(name)
                    ways.append([*way, name])
        return []


def deb822(text: str) -> list[dict[str, str]]:
    """The stanzas of a control file, their fields on one line each."""
    joined = re.sub(r"\n[ \t]+", " ", text)
    pairs = ([line.partition(":") for line in stanza.splitlines()] for stanza in joined.split("\n\n"))
    found = ({name: value.strip() for name, colon, value in stanza if colon} for stanza in pairs)
    return [each for each in found if each]
