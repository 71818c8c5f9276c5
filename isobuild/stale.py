"""Stale ISOs: whether there are newer versions of the packages that a ready ISO has, and which mend weaknesses.

The order is resolved again, as a build would, and compared with the ISO's manifest; which version is newer, dpkg says.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from isobuild.db import Database
from isobuild.domain import updates
from isobuild.domain.updates import Listed
from isobuild.errors import ArchiveAway, IsobuildError, NotFound
from isobuild.image import archive
from isobuild.image.clashes import Clashes
from isobuild.resolve import Resolver
from isobuild.store.local import LocalStore
from isobuild.trust import packages
from isobuild.trust.packages import Package

if TYPE_CHECKING:
    from isobuild.image.snapshot import Layer, Snapshot

AWAY = "the archives did not answer"


@dataclass(frozen=True, slots=True)
class Update:
    """A package of which there is a newer version; `security`: one that mends a weakness."""

    name: str
    old: str
    new: str
    security: bool = False


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
            found = [asdict(each) for each in self.updates(listed, now)]
        except NotFound:  # its ISO has just gone
            return False
        except ArchiveAway:
            return self.db.write(updates.complain, listed.task, AWAY, now)
        except (IsobuildError, OSError) as error:  # a package is no more, an option out of date, a recipe gone
            why = f"it could not be built again now: {error}".rstrip(".")
            return self.db.write(updates.complain, listed.task, why, now)
        return self.db.write(updates.note, listed.task, found, now)

    def updates(self, listed: Listed, now: datetime) -> list[Update]:
        """What there is for one ISO. Raises NotFound, BadInput, BuildFailed."""
        manifest = packages.read(self.store.path(*listed.manifest).read_text())
        snapshot = self.resolver.snapshot(listed.recipe, listed.options, now, patience=60)
        if snapshot is None:
            return []
        if not snapshot.current:
            raise ArchiveAway(what=f"{AWAY}.", said="")
        found = newer(manifest, snapshot)
        layers = self.resolver.layers(listed.recipe, listed.options)
        return _marked(found, self._secure(layers, [each.name for each in found])) if found else []

    def _secure(self, layers: "Sequence[Layer]", names: Sequence[str]) -> dict[str, list[str]]:
        """The versions that come from suites for security, by package: of the last layer, which has all sources."""
        layer = layers[-1]
        return archive.Archive(layer.sources, self.resolver.folder, layer.logins).security(names)


def newer(manifest: Sequence[Package], snapshot: "Snapshot") -> list[Update]:
    """What an ISO with this manifest would have in a newer version if it were built of the snapshot."""
    old = {(each.name, architecture): each.version for each in manifest for architecture in {each.architecture, ""}}
    found = []
    for each in snapshot.packages:
        was = old.get((each.name, each.architecture)) or old.get((each.name, ""))
        if was and was != each.version and Clashes.fits(each.version, f">> {was}"):
            found.append(Update(each.name, was, each.version))
    return found


def _marked(found: Sequence[Update], secure: Mapping[str, Sequence[str]]) -> list[Update]:
    """A weakness may have been mended before the newest version, which then comes from elsewhere."""

    def is_secure(each: Update) -> bool:
        return any(Clashes.fits(version, f">> {each.old}") for version in secure.get(each.name, ()))

    return [Update(each.name, each.old, each.new, is_secure(each)) for each in found]
