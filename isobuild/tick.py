"""What happens every minute, and at once when something is ordered.

    reap      running builds whose runner died        ->  failed, lost; the task tries again
    enqueue   rule 1: a free slot, so the next task   ->  one pending build
    launch    rule 2: a pending build                 ->  flagged busy, then its script is started
    prune     what is past its time, what nobody owns ->  expired; gone

Each line is its own short transactions, and every change is guarded by the old state. Two ticks at
the same moment, on one host or on two, do no harm; a tick that dies half way is finished by the next.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from isobuild.domain import builds, tasks
from isobuild.domain.hosts import Host
from isobuild.errors import LaunchFailed
from isobuild.launchers.base import Launcher

T = TypeVar("T")


class Database(Protocol):
    """Does `work(session, …)` as one transaction."""

    def write(self, work: Callable[..., T], *args: Any) -> T:
        """Return what the work returns."""


class Place(Protocol):
    """Where builds leave files, a folder each: the workspaces, the store."""

    def owned(self) -> Iterable[int]:
        """The builds that have a folder here."""

    def remove(self, build: int) -> None:
        """Remove the folder of a build."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a tick needs to know of where it ticks."""

    host: Host
    places: Sequence[Place] = ()
    keep: timedelta | None = None  # how long a ready ISO is kept; None: for good


@dataclass(frozen=True, kw_only=True)
class Ticked:
    """How many of each a tick did."""

    reaped: int
    enqueued: int
    launched: int
    pruned: int

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.reaped or self.enqueued or self.launched or self.pruned)

    def __str__(self) -> str:
        did = [f"{what} {count}" for what, count in asdict(self).items() if count]
        return ", ".join(did) or "idle"


def tick(db: Database, launcher: Launcher, site: Site, now: datetime) -> Ticked:
    """Apply the state machine once."""
    return Ticked(
        reaped=reap(db, site, now),
        enqueued=enqueue(db, site, now),
        launched=launch(db, launcher, site, now),
        pruned=prune(db, site, now),
    )


def reap(db: Database, site: Site, now: datetime) -> int:
    """End the builds whose runner died."""
    return db.write(builds.reap, site.host, now)


def enqueue(db: Database, site: Site, now: datetime) -> int:
    """Rule 1: while the host has a free slot, the next task that may go gets a build."""
    return db.write(builds.enqueue, site.host, now)


def launch(db: Database, launcher: Launcher, site: Site, now: datetime) -> int:
    """Rule 2: what waits is flagged busy, then started."""
    return sum(launch_one(db, launcher, site, build, now) for build in db.write(builds.pending_on, site.host))


def launch_one(db: Database, launcher: Launcher, site: Site, build: int, now: datetime) -> bool:
    """The flag is committed before the script starts, so that no other tick starts it again."""
    token = db.write(builds.flag_busy, build, site.host, now)
    if token is None:  # another tick was here first
        return False
    try:
        launcher.launch(build, token)
    except LaunchFailed as error:
        db.write(builds.finish, build, token, builds.End.of(error), now)
        return False
    return True


def prune(db: Database, site: Site, now: datetime) -> int:
    """Expire the ISOs past their time, and remove the files that no build owns any more."""
    expired = db.write(tasks.expire, now - site.keep) if site.keep else 0
    return expired + sum(sweep(db, place) for place in site.places)


def sweep(db: Database, place: Place) -> int:
    """Remove what dead runners left, and what expired."""
    found = set(place.owned())  # before the rows are read: a build has its row before it has a folder
    orphans = found - db.write(builds.owners, found) if found else set()
    for build in orphans:
        place.remove(build)
    return len(orphans)
