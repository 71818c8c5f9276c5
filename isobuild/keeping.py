"""What a site keeps no longer: each tick lets a portion of it go, `isobuild prune` all of it.

Rows go first, and the files that are nobody's any more after them; so whoever is killed between leaves files that
somebody else finds. A file that can't be removed is no hindrance to the others.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from isobuild.db import last_number
from isobuild.domain import builds, forgetting, pruning, signals
from isobuild.domain.forgetting import Forgotten
from isobuild.domain.history import By
from isobuild.domain.pruning import Keep
from isobuild.errors import HostFault, WrongDatabase

T = TypeVar("T")

FOLDERS = 1000  # folders of a place that a tick looks at
LOGS = 500  # builds whose logs a tick looks at
UPLOADS = 20  # that a tick looks at
SETTLES = timedelta(minutes=2)  # after which a disk tells what was freed

logger = logging.getLogger(__name__)


class Database(Protocol):
    """Does `work(session, …)` as one transaction."""

    def write(self, work: Callable[..., T], *args: Any) -> T:
        """Return what the work returns."""


class Place(Protocol):
    """Where builds leave files, a folder each: the workspaces, the store."""

    def owned(self) -> Iterable[int]:
        """The builds that have a folder here."""

    def size(self, build: int) -> int:
        """The bytes of a build's folder."""

    def remove(self, build: int) -> None:
        """Remove the folder of a build."""


class Store(Place, Protocol):
    """Where ISOs are."""

    def free(self) -> int:
        """The bytes that are free on its disk."""

    def held(self) -> int:
        """The bytes of removed files that somebody still reads."""


class Logs(Place, Protocol):
    """Where builds leave their logs."""

    def holds(self, build: int) -> bool:
        """Whether there are logs of a build."""

    def trim(self) -> None:
        """Let long logs that are of no build begin anew."""


class Uploads(Protocol):
    """What people brought for their ISOs."""

    def old(self, before: datetime) -> list[str]:
        """Those that nobody has brought or ordered since then."""

    def refresh(self, uploads: Collection[str], now: datetime) -> None:
        """Let these be as new."""

    def remove(self, uploads: Collection[str], before: datetime) -> int:
        """Remove those of them that are still old; the bytes that this gave back."""


@dataclass(frozen=True)
class Gone:
    """What went of the rows."""

    expired: dict[int, int] = field(default_factory=dict)  # tasks without an ISO now, and the builds that had made it
    forgotten: Forgotten = field(default_factory=Forgotten)
    history: int = 0

    @property
    def count(self) -> int:
        """How many tasks, and rows of history."""
        return len(self.expired) + len(self.forgotten.tasks) + self.history


# faults


@contextmanager
def tolerant() -> Iterator[None]:
    """Log a fault of this host's files, and go on."""
    try:
        yield
    except (OSError, HostFault, WrongDatabase) as error:
        _complain(str(error))


@lru_cache(maxsize=FOLDERS)
def _complain(fault: str) -> None:
    """Once for each fault in a process: a daemon's tick meets it every minute."""
    logger.warning("prune: %s", fault)


# rows


def let_go(db: Database, keep: Keep, by: By) -> Gone:
    """Expire ISOs that are past their time, and forget old rows: a portion of each."""
    db.write(signals.forget, by.now)
    return Gone(
        db.write(pruning.expire, before(by.now, keep.isos), by, keep.told),
        db.write(forgetting.forget, by.now - keep.rows, by) if keep.rows else Forgotten(),
        db.write(forgetting.forget_history, by.now - keep.history) if keep.history else 0,
    )


def before(now: datetime, time: timedelta | None) -> datetime | None:
    """The moment from which on things are kept; None: all of them are."""
    return now - time if time else None


# files


def part(place: Place, emptied: Collection[int], now: datetime) -> set[int]:
    """Of the builds that have a folder in a place, those that are looked at in this minute, and the `emptied` ones."""
    found = sorted(place.owned())
    first = int(now.timestamp()) // 60 % (len(found) // FOLDERS + 1) * FOLDERS
    return {*found[first : first + FOLDERS], *set(found).intersection(emptied)}


def orphans(db: Database, found: Collection[int]) -> set[int]:
    """Those of the builds that own no files. They were found before their rows are read: first a build has its row."""
    return _given(db, set(found) - db.write(builds.owners, found)) if found else set()


def _given(db: Database, numbers: set[int]) -> set[int]:
    """Those of the numbers that this database has given to builds: what it never heard of is not its to remove."""
    last = db.write(last_number, "builds") if numbers else 0
    return {number for number in numbers if number <= last}


def sweep(db: Database, place: Place, found: Collection[int], *, weigh: bool = False) -> dict[int, int]:
    """Remove what dead runners left, and what expired; the builds, and, if asked, the bytes that this gave back."""
    return _remove(place, orphans(db, found), weigh)


def missing(store: Store | None, keep: Keep) -> int:
    """The bytes that there is less room than there should be, as soon as nobody reads what was removed."""
    short = keep.room - store.free() if store and keep.room else 0
    return max(0, short - store.held()) if store and short > 0 else 0


def make_room(
    db: Database, store: Store, host: str, size: int, by: By, keep: Keep, *, weigh: bool = False
) -> tuple[list[int], dict[int, int]]:
    """Let the oldest ISOs go that have so many bytes, or a portion of them: the tasks; the builds as `sweep` does."""
    gone = db.write(pruning.make_room, host, set(store.owned()), size, by, keep.told)
    return list(gone), sweep(db, store, set(gone.values()), weigh=weigh)


def make_some_room(db: Database, store: Store, host: str, keep: Keep, by: By) -> int:
    """The same where there is too little; not while a disk may still keep to itself what was freed: too many would go.

    How many tasks.
    """
    size = missing(store, keep)
    if not size or db.write(pruning.made_room, by.now - SETTLES, by):
        return 0
    size -= sum(map(store.size, orphans(db, set(store.owned()))))  # they go yet, or can't be removed
    return len(make_room(db, store, host, size, by, keep)[0]) if size > 0 else 0


# logs


def silent(db: Database, logs: Logs, numbers: Collection[int], ended_before: datetime | None) -> set[int]:
    """Those of the builds that have logs here which are kept no longer: they ended before that, or are no more."""
    found = {build for build in db.write(forgetting.silent, numbers, ended_before) if logs.holds(build)}
    # Asked again: some may have got their rows, and then their logs, since
    return _given(db, found & db.write(forgetting.silent, numbers, ended_before)) if found else found


def clear(logs: Logs, builds: Iterable[int], *, weigh: bool = False) -> dict[int, int]:
    """Remove the logs of builds, where there are any; the builds as `sweep` does."""
    return _remove(logs, filter(logs.holds, builds), weigh)


def clear_some(db: Database, logs: Logs, forgotten: Collection[int], keep: Keep, now: datetime) -> int:
    """The same for logs that are kept no longer, of some builds each minute, and of those just forgotten; how many."""
    logs.trim()
    gone = silent(db, logs, db.write(forgetting.turn, LOGS, now), before(now, keep.logs))
    return len(clear(logs, {*gone, *forgotten}))


# uploads


def clear_uploads(
    db: Database, uploads: Uploads, keep: Keep, now: datetime, most: int | None = UPLOADS
) -> tuple[int, int]:
    """Remove uploads that are kept no longer, as no task and no schedule names them, out of `most` that are looked at;
    how many, and their bytes.

    The others are as new: each is asked for once in a while, however many tasks there are to be read for it.
    """
    if not keep.uploads:
        return 0, 0
    old = uploads.old(now - keep.uploads)[:most]
    gone = db.write(forgetting.unnamed, old) if old else set()
    uploads.refresh(set(old) - gone, now)
    return len(gone), uploads.remove(gone, now - keep.uploads)


def _remove(place: Place, unowned: Iterable[int], weigh: bool) -> dict[int, int]:
    sizes: dict[int, int] = {}
    for build in sorted(unowned):
        with tolerant():
            size = place.size(build) if weigh else 0
            place.remove(build)
            sizes[build] = size
    return sizes
