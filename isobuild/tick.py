"""What happens every minute, and at once when something is ordered.

    reap      running builds whose runner died        ->  failed, lost; the task tries again
    drop      tasks that waited too long              ->  canceled
    fire      schedules whose time has come           ->  a task each
    enqueue   rule 1: a free slot, so the next task   ->  one pending build
    launch    rule 2: a pending build                 ->  flagged busy, then its script is started
    tell      tasks that came to their end            ->  the site's hooks are called
    look      at night, what ready ISOs are made of   ->  a process of its own looks for newer packages
    prune     what is past its time, what nobody owns ->  expired; gone, a portion of it

Each line is its own short transactions, and every change is guarded by the old state. Two ticks at
the same moment, on one host or on two, do no harm; a tick that dies half way is finished by the next.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from isobuild import keeping, tie
from isobuild.domain import builds, firing, line, reaping, signals, turns
from isobuild.domain.history import By
from isobuild.domain.hosts import Host
from isobuild.domain.pruning import Keep
from isobuild.errors import LaunchFailed
from isobuild.keeping import Database, Gone, Logs, Place, Store, Uploads
from isobuild.launchers.base import Launcher
from isobuild.nightly import Nightly


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a tick needs to know of where it ticks."""

    host: Host
    places: Sequence[Place] = ()
    store: Store | None = None  # one of the places, where room is needed
    logs: Logs | None = None
    uploads: Uploads | None = None
    keep: Keep = field(default_factory=Keep)
    tie: Path | None = None  # the file that says which database the home belongs to
    call_hooks: Callable[[], None] | None = None  # None: the site has none
    nightly: Nightly | None = None  # when newer packages are looked for; None: never
    look_for_updates: Callable[[], None] | None = None
    launches: bool = True  # False: loops do all the building on this host


@dataclass(frozen=True, kw_only=True)
class Ticked:
    """How many of each a tick did."""

    reaped: int = 0
    dropped: int = 0
    fired: int = 0
    enqueued: int = 0
    launched: int = 0
    told: int = 0
    looked: int = 0
    pruned: int = 0

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do."""
        return not any(asdict(self).values())

    def __str__(self) -> str:
        did = [f"{what} {count}" for what, count in asdict(self).items() if count]
        return ", ".join(did) or "idle"


def tick(db: Database, launcher: Launcher, site: Site, now: datetime) -> Ticked:
    """Apply the state machine once."""
    return Ticked(
        reaped=reap(db, site, now),
        dropped=drop(db, site, now),
        fired=fire(db, site, now),
        enqueued=enqueue(db, site, now),
        launched=launch(db, launcher, site, now),
        told=tell(db, site, now),
        looked=look(site, now),
        pruned=prune(db, site, now),
    )


def reap(db: Database, site: Site, now: datetime) -> int:
    """End the builds whose runner died."""
    return db.write(reaping.reap, site.host, now)


def drop(db: Database, site: Site, now: datetime) -> int:
    """Cancel the tasks that are no longer wanted, and never began."""
    by, dropped = By(f"tick on {site.host.name}", now), 0
    while some := db.write(line.drop_late, by):
        dropped += some
    return dropped


def fire(db: Database, site: Site, now: datetime) -> int:
    """Let each schedule that is due order its task."""
    return sum(db.write(firing.fire, number, site.host, now) for number in db.write(firing.due, now))


def enqueue(db: Database, site: Site, now: datetime) -> int:
    """Rule 1: while the host has a free slot, the next task that may go gets a build."""
    return db.write(turns.enqueue, site.host, now) if site.launches else 0


def launch(db: Database, launcher: Launcher, site: Site, now: datetime) -> int:
    """Rule 2: what waits is flagged busy, then started."""
    waiting = db.write(builds.pending_on, site.host) if site.launches else ()
    return sum(launch_one(db, launcher, site, build, now) for build in waiting)


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


def tell(db: Database, site: Site, now: datetime) -> int:
    """Let the site's hooks be called, in a process of their own, for the tasks that came to their end."""
    due = db.write(signals.due, now) if site.call_hooks else []
    if due and site.call_hooks:
        with suppress(LaunchFailed):  # the next tick tries again
            site.call_hooks()
    return len(due)


def look(site: Site, now: datetime) -> int:
    """Let newer packages be looked for, in a process of their own: archives may take their time."""
    if not (site.nightly and site.look_for_updates and site.nightly.is_due(now)):
        return 0
    try:
        site.look_for_updates()
    except LaunchFailed:  # the next tick tries again
        return 0
    site.nightly.done(now)
    return 1


def prune(db: Database, site: Site, now: datetime) -> int:
    """Let go of a portion of what is past its time, and of the files that no build owns any more.

    What can't be removed is logged, and the rest goes. Nothing does in the name of a database that is not the home's.
    """
    with keeping.tolerant():
        if site.tie:
            tie.check(db, site.tie)
        by = By(f"tick on {site.host.name}", now)
        gone = keeping.let_go(db, site.keep, by)
        return gone.count + sum(remove(db, site, gone, by))
    return 0


def remove(db: Database, site: Site, gone: Gone, by: By) -> Iterator[int]:
    """Remove what dead runners left, and what expired; make room, which may take more; and remove logs."""
    for place in site.places:
        with keeping.tolerant():
            yield sweep(db, place, gone.expired.values(), by.now)
    if site.store:
        with keeping.tolerant():
            yield keeping.make_some_room(db, site.store, site.host.name, site.keep, by)
    if site.logs:
        with keeping.tolerant():
            yield keeping.clear_some(db, site.logs, gone.forgotten.builds, site.keep, by.now)
    if site.uploads:
        with keeping.tolerant():
            yield keeping.clear_uploads(db, site.uploads, site.keep, by.now)[0]


def sweep(db: Database, place: Place, emptied: Collection[int], now: datetime) -> int:
    """Of many folders, some each minute."""
    return len(keeping.sweep(db, place, keeping.part(place, emptied, now)))
