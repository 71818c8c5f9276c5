"""What a site keeps no longer: each tick lets a portion of it go, `isobuild prune` all of it.

Rows go first, and the files that are nobody's any more after them; so whoever is killed between leaves files that
somebody else finds.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from isobuild.domain import builds, forgetting, pruning
from isobuild.domain.forgetting import Forgotten
from isobuild.domain.history import By
from isobuild.domain.pruning import Keep

T = TypeVar("T")

FOLDERS = 1000  # folders of a place that a tick looks at
LOGS = 500  # builds whose logs a tick looks at


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


class Logs(Place, Protocol):
    """Where builds leave their logs."""

    def holds(self, build: int) -> bool:
        """Whether there are logs of a build."""


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


# rows


def let_go(db: Database, keep: Keep, by: By) -> Gone:
    """Expire ISOs that are past their time, and forget old rows: a portion of each."""
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
    return set(found) - db.write(builds.owners, found) if found else set()


def sweep(db: Database, place: Place, found: Collection[int]) -> dict[int, int]:
    """Remove what dead runners left, and what expired; the builds, and the bytes that this gave back."""
    return _remove(place, orphans(db, found))


def missing(store: Store | None, keep: Keep) -> int:
    """The bytes that there is less room than there should be."""
    return max(0, keep.room - store.free()) if store and keep.room else 0


def make_room(db: Database, store: Store, host: str, size: int, by: By) -> tuple[list[int], dict[int, int]]:
    """Let the oldest ISOs go that have so many bytes, or a portion of them: the tasks; the builds, and the bytes."""
    gone = db.write(pruning.make_room, host, set(store.owned()), size, by)
    return list(gone), sweep(db, store, set(gone.values()))


def silent(db: Database, logs: Logs, numbers: Collection[int], ended_before: datetime | None) -> set[int]:
    """Those of the builds that have logs here which are kept no longer: they ended before that, or are no more."""
    found = {build for build in db.write(forgetting.silent, numbers, ended_before) if logs.holds(build)}
    # Asked again: some may have got their rows, and then their logs, since
    return found & db.write(forgetting.silent, numbers, ended_before) if found else found


def clear(logs: Logs, builds: Iterable[int]) -> dict[int, int]:
    """Remove the logs of builds, where there are any; the builds, and the bytes that this gave back."""
    return _remove(logs, filter(logs.holds, builds))


def _remove(place: Place, unowned: Iterable[int]) -> dict[int, int]:
    sizes = {build: place.size(build) for build in sorted(unowned)}
    for build in sizes:
        place.remove(build)
    return sizes
