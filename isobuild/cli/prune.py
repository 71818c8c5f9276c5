"""What is kept no longer, all of it at once, or a look at what that would be."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from isobuild import keeping, site, tie
from isobuild.cli import say
from isobuild.cli.orders import me
from isobuild.config import load
from isobuild.db import Database
from isobuild.domain import forgetting, pruning
from isobuild.domain.history import By
from isobuild.domain.tables import Artifact, Build, Dependency
from isobuild.keeping import Place
from isobuild.tick import Site

SHOWN = 20  # numbers of tasks that a person is told


@dataclass
class Pruned:
    """What went, or would go."""

    expired: list[int] = field(default_factory=list)  # tasks
    forgotten: list[int] = field(default_factory=list)  # tasks
    folders: int = 0  # in the store and among the workspaces
    logs: int = 0  # of builds
    history: int = 0  # rows
    uploads: int = 0  # files
    freed: int = 0  # bytes

    def add_files(self, what: str, sizes: dict[int, int]) -> None:
        """Count folders or logs, and their bytes."""
        setattr(self, what, getattr(self, what) + len(sizes))
        self.freed += sum(sizes.values())


def prune(*, dry_run: bool, json: bool) -> None:
    """Prune, or say what would go."""
    settings = load()
    db = site.database(settings)
    site.prepare(settings)
    now, here = datetime.now(UTC), site.ticking(settings)
    if here.tie:
        tie.check(db, here.tie)
    pruned = look(db, here, now) if dry_run else let_go(db, here, By(me(), now))
    if json:
        say.value({"dry_run": dry_run} | asdict(pruned))
    else:
        _tell(pruned, "would go" if dry_run else "went")


def _tell(pruned: Pruned, went: str) -> None:
    rows = [
        ("ISOs", len(pruned.expired), _numbers(pruned.expired)),
        ("tasks", len(pruned.forgotten), _numbers(pruned.forgotten)),
        ("folders", pruned.folders, ""),
        ("logs", pruned.logs, ""),
        ("history", pruned.history, ""),
        ("uploads", pruned.uploads, ""),
    ]
    say.table(("", went.upper(), "TASKS"), rows)
    say.words(f"Room: {say.size(pruned.freed)}. What stays how long: the settings keep_… and 'isobuild pin'.")


def _numbers(tasks: Sequence[int]) -> str:
    more = f" and {len(tasks) - SHOWN} more" if len(tasks) > SHOWN else ""
    return " ".join(map(str, tasks[:SHOWN])) + more


# it goes


def let_go(db: Database, here: Site, by: By) -> Pruned:
    """Prune all there is, in portions."""
    pruned = Pruned()
    for some in _portions(_past(db, here, by.now)):
        pruned.expired += db.write(pruning.take, some, by.because(pruning.OVER))
    for place in here.places:
        pruned.add_files("folders", _sweep(db, place))
    with keeping.tolerant():
        _make_room(db, here, by, pruned)
    with keeping.tolerant():
        _forget(db, here, by, pruned)
    if here.uploads:  # after the rows that named them
        with keeping.tolerant():
            pruned.uploads, freed = keeping.clear_uploads(db, here.uploads, here.keep, by.now, most=None)
            pruned.freed += freed
    return pruned


def _sweep(db: Database, place: Place) -> dict[int, int]:
    with keeping.tolerant():
        return keeping.sweep(db, place, set(place.owned()), weigh=True)
    return {}


def _make_room(db: Database, here: Site, by: By, pruned: Pruned) -> None:
    size = keeping.missing(here.store, here.keep)  # asked once: a disk may tell later that it has more room again
    while here.store and size > 0:
        gone, folders = keeping.make_room(db, here.store, here.host.name, size, by, here.keep, weigh=True)
        pruned.expired += gone
        pruned.add_files("folders", folders)
        if not folders:  # there is no more, or it can't be removed
            break
        size -= sum(folders.values())


def _forget(db: Database, here: Site, by: By, pruned: Pruned) -> None:
    keep = here.keep
    if keep.rows:
        again = by.now - keep.rows + forgetting.AGAIN
        for some in _portions(_old(db, here, by.now)):
            pruned.forgotten += db.write(forgetting.drop, some, again, by).tasks
    while keep.history and (gone := db.write(forgetting.forget_history, by.now - keep.history)):
        pruned.history += gone
    if here.logs:
        pruned.add_files("logs", keeping.clear(here.logs, _silent(db, here, by.now), weigh=True))


# it would go


def look(db: Database, here: Site, now: datetime) -> Pruned:
    """What there is to prune; nothing is changed."""
    pruned = Pruned(_past(db, here, now))
    if here.uploads and (before := keeping.before(now, here.keep.uploads)):
        pruned.uploads = len(db.write(forgetting.unnamed, here.uploads.old(before)))
    with db.read() as session:
        _look_at_files(db, session, here, pruned, now)
        old = _old(db, here, now)
        edges = session.execute(select(Dependency.on_id, Dependency.task_id)).all() if old else ()
        stay = forgetting.needed([(on, task) for on, task in edges], set(old))
        pruned.forgotten = [number for number in old if number not in stay]
        if here.keep.history:
            counts = (chosen for _, chosen in forgetting.history_of(now - here.keep.history))
            pruned.history = sum(session.scalar(_count(chosen)) or 0 for chosen in counts)
        if here.logs:
            silent = _silent(db, here, now) | set(_builds_of(session, pruned.forgotten))
            pruned.add_files("logs", {build: here.logs.size(build) for build in filter(here.logs.holds, silent)})
    return pruned


def _look_at_files(db: Database, session: Session, here: Site, pruned: Pruned, now: datetime) -> None:
    tasks: dict[int, set[int]] = defaultdict(set)  # of each build
    for task, build in session.execute(select(Artifact.task_id, Artifact.build_id)):
        tasks[build].add(task)
    expired = set(pruned.expired)
    emptied = {build for build in tasks if tasks[build] <= expired}
    for place in here.places:
        found = set(place.owned())
        gone = keeping.orphans(db, found) | (found & emptied)
        pruned.add_files("folders", {build: place.size(build) for build in gone})
    size = keeping.missing(here.store, here.keep) - pruned.freed
    oldest = session.execute(_oldest(here, now)) if here.store and size > 0 else ()
    found = set(here.store.owned()) - emptied if here.store else set()
    for build, _ in oldest:
        if here.store and size > 0 and build in found:
            pruned.expired += sorted(tasks[build] - expired)
            pruned.add_files("folders", {build: here.store.size(build)})
            size -= here.store.size(build)


def _oldest(here: Site, now: datetime) -> Select[int, int]:
    return pruning.oldest(here.host.name, now, here.keep.told)


def _count(chosen: Select[int]) -> Select[int]:
    return select(func.count()).select_from(chosen.subquery())


def _builds_of(session: Session, tasks: Sequence[int]) -> Iterator[int]:
    for some in _portions(tasks):
        yield from session.scalars(select(Build.id).where(Build.task_id.in_(some)))


# both


def _past(db: Database, here: Site, now: datetime) -> list[int]:
    return _all(db, pruning.past(keeping.before(now, here.keep.isos), now, here.keep.told))


def _old(db: Database, here: Site, now: datetime) -> list[int]:
    """The newest first: what depends on others goes before them."""
    return _all(db, forgetting.old(now - here.keep.rows))[::-1] if here.keep.rows else []


def _all(db: Database, chosen: Iterable[Select[int]]) -> list[int]:
    with db.read() as session:
        return sorted(number for each in chosen for number in session.scalars(each))


def _silent(db: Database, here: Site, now: datetime) -> set[int]:
    """The builds whose logs are kept no longer."""
    found: set[int] = set()
    for some in _portions(sorted(here.logs.owned()) if here.logs else []):
        if here.logs:
            found |= keeping.silent(db, here.logs, some, keeping.before(now, here.keep.logs))
    return found


def _portions(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + pruning.SOME] for start in range(0, len(numbers), pruning.SOME))
