"""Stale ISOs: whether there are newer versions of the packages that a ready ISO has, and which mend weaknesses.

The order is resolved again, as a build would, and compared with the ISO's manifest; which version is newer, dpkg says.
What is made of another ISO can't be resolved without that: there the packages count that its build had fetched.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from isobuild.db import Database
from isobuild.domain import updates
from isobuild.domain.updates import Listed
from isobuild.errors import ArchiveAway, IsobuildError, NotFound
from isobuild.image import offers
from isobuild.image.archive import Archive
from isobuild.image.clashes import Clashes
from isobuild.resolve import RECENT, Resolver
from isobuild.store.local import LocalStore
from isobuild.trust import packages, provenance
from isobuild.trust.beside import SUFFIXES, name_of
from isobuild.trust.packages import Named, Package

if TYPE_CHECKING:
    from isobuild.image.snapshot import Layer

AWAY = "the archives did not answer"
NO_ARCHIVES = "not looked for: its recipe does not say which archives its packages are from"
NOT_TOLD = "not looked for: nothing beside the ISO says which packages its build has added"
BROUGHT = "what its ISO brought along was not looked at"
NONE_ADDED = f"there is nothing newer of what its build has added; {BROUGHT}"
PATIENCE = 60.0  # seconds that archives have to answer


@dataclass(frozen=True, slots=True)
class Update:
    """A package of which there is a newer version; `security`: one that mends a weakness."""

    name: str
    old: str
    new: str
    security: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What there is for an ISO, and, where not all of it was looked at, why."""

    updates: Sequence[Update] = ()
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Stale:
    """Looks for newer versions of what this host's ISOs have."""

    db: Database
    resolver: Resolver
    store: LocalStore

    def look(self, before: datetime, now: Callable[[], datetime]) -> Iterator[int]:
        """Look at each ready ISO that was not looked at since `before`; the tasks, one by one as they are done."""
        owned, last = set(self.store.owned()), 0
        while True:
            with self.db.read() as session:
                listed, reached = updates.due(session, last, before, owned)
            for each in listed:
                if self._look_at(each, now()):
                    yield each.task
            if reached is None:
                return
            last = reached

    def _look_at(self, listed: Listed, now: datetime) -> bool:
        try:
            found = self.find(listed, now)
        except NotFound:  # its ISO has just gone
            return False
        except ArchiveAway:
            return self.db.write(updates.complain, listed.task, AWAY, now)
        except (IsobuildError, OSError) as error:  # a package is no more, an option out of date, a recipe gone
            why = f"it could not be built again now: {error}".rstrip(".")
            return self.db.write(updates.complain, listed.task, why, now)
        return self.db.write(updates.note, listed.task, [asdict(each) for each in found.updates], now, found.why)

    def find(self, listed: Listed, now: datetime) -> Found:
        """What there is for one ISO. Raises NotFound, BadInput, BuildFailed."""
        manifest = packages.read(self.store.path(*listed.manifest).read_text())
        layers = self.resolver.layers(listed.recipe, listed.options)
        if not layers:
            return Found(why=NO_ARCHIVES)
        if any(layer.status for layer in layers):
            return self._find_added(listed, layers[-1], now)
        snapshot = self.resolver.snapshot(listed.recipe, listed.options, now, PATIENCE)
        if snapshot is None or not snapshot.current:
            raise ArchiveAway(what=f"{AWAY}.", said="")
        return Found(_marked(newer(manifest, snapshot.packages), self._archive(layers[-1])))

    def _find_added(self, listed: Listed, layer: "Layer", now: datetime) -> Found:
        """The same for what its build has fetched, which a build would fetch anew."""
        added = self._added(*listed.manifest)
        if added is None:
            return Found(why=NOT_TOLD)
        archive = self._archive(layer)
        if not archive.refresh(now, RECENT):
            raise ArchiveAway(what=f"{AWAY}.", said="")
        offered = offers.newest(archive, [each.name for each in added], layer)
        found = _marked(newer(added, [Package(*each) for each in offered.items()]), archive)
        return Found(found, BROUGHT if found else NONE_ADDED)

    def _added(self, build: int, manifest: str) -> list[Package] | None:
        """The packages that a build had fetched, as the provenance beside the manifest tells; None if it does not."""
        try:
            file = self.store.path(build, name_of("provenance", manifest.removesuffix(SUFFIXES["manifest"])))
            layers = provenance.fetched(json.loads(file.read_text()))
            return packages.named(each for layer in layers.values() for each in layer)
        except (NotFound, ValueError, LookupError, TypeError, AttributeError):
            return None

    def _archive(self, layer: "Layer") -> Archive:
        return Archive(layer.sources, self.resolver.folder, layer.logins, PATIENCE)


def newer(had: Sequence[Named], offered: Iterable[Named]) -> list[Update]:
    """What an ISO that has these packages would have in a newer version if it were built of those offered."""
    old = {(each.name, architecture): each.version for each in had for architecture in {each.architecture, ""}}
    found = []
    for each in offered:
        was = old.get((each.name, each.architecture)) or old.get((each.name, ""))
        if was and was != each.version and Clashes.fits(each.version, f">> {was}"):
            found.append(Update(each.name, was, each.version))
    return found


def _marked(found: Sequence[Update], archive: Archive) -> list[Update]:
    """A weakness may have been mended before the newest version, which then comes from elsewhere."""
    secure: Mapping[str, Sequence[str]] = offers.security(archive, [each.name for each in found]) if found else {}

    def is_secure(each: Update) -> bool:
        return any(Clashes.fits(version, f">> {each.old}") for version in secure.get(each.name, ()))

    return [Update(each.name, each.old, each.new, is_secure(each)) for each in found]
