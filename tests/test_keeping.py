"""Each tick lets a portion go of what is kept no longer: rows first, then their files."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from orders import HOST, MINUTE, NOW, FakeLauncher, fail, order_task, start_build, succeed, task_row

from isobuild import keeping, tick
from isobuild.db import Database
from isobuild.domain import pruning, tasks
from isobuild.domain.pruning import Keep
from isobuild.domain.states import Cause
from isobuild.store.local import LocalStore, size_of
from isobuild.store.logs import Logs

DAY = timedelta(days=1)
SIZE = 700 << 20  # bytes of each ISO, as its row has it


class Cramped(LocalStore):
    """A store on a small disk: so many bytes, and each folder takes what an ISO's row says."""

    disk = 0

    def free(self) -> int:
        return self.disk - SIZE * len(list(self.owned()))


@pytest.fixture
def store(tmp_path: Path) -> Cramped:
    return Cramped(tmp_path / "store")


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    (tmp_path / "logs").mkdir()
    return Logs(tmp_path / "logs")


def make(database: Database, store: LocalStore, *names: str, **wish: Any) -> None:
    """Ready tasks with their files, one a minute."""
    for number, name in enumerate(names):
        order_task(database, name, NOW + number * MINUTE, **wish)
        launch = start_build(database, NOW + number * MINUTE)
        succeed(database, launch, NOW + number * MINUTE)
        folder = store.folder / str(launch.build)
        folder.mkdir(parents=True)
        (folder / f"{name}.iso").write_bytes(b"an ISO")


def write_logs(logs: Logs, *builds: int) -> None:
    for build in builds:
        (logs.folder / f"{build}.log").write_text("a line")


def site(store: LocalStore, keep: Keep, logs: Logs | None = None) -> tick.Site:
    return tick.Site(host=HOST, places=[store], store=store, logs=logs, keep=keep)


def states(database: Database, *numbers: int) -> list[str]:
    return [task_row(database, number).state for number in numbers]


def test_a_tick_lets_a_portion_go(database: Database, store: Cramped, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4.21, S4.26: from time to time, and a bit each time, however much there is."""
    monkeypatch.setattr(pruning, "SOME", 2)
    make(database, store, "a", "b", "c", "d", "e")
    here = site(store, Keep(isos=DAY))
    left = []
    for minute in range(4):
        tick.tick(database, FakeLauncher(database), here, NOW + 2 * DAY + minute * MINUTE)
        left.append(len(list(store.owned())))
    assert left == [3, 1, 0, 0]
    assert states(database, 1, 2, 3, 4, 5) == ["expired"] * 5


def test_a_shared_file_goes_with_the_last_task_that_has_it(database: Database, store: Cramped) -> None:
    make(database, store, "one", fingerprint="5a" * 32, ttl=600.0)
    order_task(database, "two", fingerprint="5a" * 32, ttl=1200.0)
    assert states(database, 1, 2) == ["ready", "ready"]
    assert tick.prune(database, site(store, Keep()), NOW + 10 * MINUTE) == 1
    assert list(store.owned()) == [1]
    assert tick.prune(database, site(store, Keep()), NOW + 20 * MINUTE) == 2
    assert list(store.owned()) == []


def test_room_is_made_by_the_oldest(database: Database, store: Cramped) -> None:
    """S4.26: while there is too little room on the disk, the oldest go, and no more than it takes."""
    make(database, store, "a", "b", "c", "d")
    store.disk = 5 * SIZE  # of which one is free
    assert tick.prune(database, site(store, Keep(room=SIZE)), NOW) == 0
    assert tick.prune(database, site(store, Keep(room=SIZE + 1)), NOW) == 1
    assert tick.prune(database, site(store, Keep(room=3 * SIZE)), NOW) == 1
    assert states(database, 1, 2, 3, 4) == ["expired", "expired", "ready", "ready"]
    assert sorted(store.owned()) == [3, 4]
    assert tick.prune(database, site(store, Keep(room=9 * SIZE)), NOW) == 2
    assert tick.prune(database, site(store, Keep(room=9 * SIZE)), NOW) == 0


def test_rows_go_with_their_logs(database: Database, store: Cramped, logs: Logs) -> None:
    order_task(database, "tea")
    fail(database, start_build(database), cause=Cause.REQUEST)
    write_logs(logs, 1)
    here = site(store, Keep(rows=DAY, history=2 * DAY), logs)
    assert tick.prune(database, here, NOW + DAY) == 0
    assert tick.prune(database, here, NOW + DAY + MINUTE) == 2
    assert list(logs.owned()) == []
    assert tick.prune(database, here, NOW + 2 * DAY + MINUTE) == 6  # three of the task and three of its build


def test_logs_go_when_they_are_old_or_nobodys(database: Database, store: Cramped, logs: Logs) -> None:
    """At once where the row is gone, by age where the build has ended, never while it runs."""
    make(database, store, "a", "b", "c")
    order_task(database, "d")
    start_build(database, NOW + 3 * MINUTE)
    write_logs(logs, 1, 2, 3, 4, 77)
    database.write(tasks.remove, 3, "ann", NOW)
    assert tick.prune(database, site(store, Keep(), logs), NOW) == 3  # with the folder of the removed one
    assert sorted(logs.owned()) == [1, 2, 4]
    assert tick.prune(database, site(store, Keep(logs=DAY), logs), NOW + DAY + MINUTE) == 1
    assert tick.prune(database, site(store, Keep(logs=DAY), logs), NOW + 3 * DAY) == 1
    assert sorted(logs.owned()) == [4]


def test_a_log_stays_whose_row_came_while_others_were_looked_at(database: Database, logs: Logs) -> None:
    """The rows are read again after the files were found: a build has its row before it has a log."""

    class Late(Logs):
        def holds(self, build: int) -> bool:
            if build == 1 and not logs.holds(1):
                order_task(database, "tea")
                start_build(database)
                write_logs(logs, 1)
            return super().holds(build)

    write_logs(logs, 2)
    assert keeping.silent(database, Late(logs.folder), range(5), None) == {2}


@pytest.mark.parametrize("count", [0, 1, 1000, 1001, 2500])
def test_of_many_folders_all_are_looked_at_in_some_minutes(count: int) -> None:
    class Many(LocalStore):
        def owned(self) -> Sequence[int]:
            return range(1, count + 1)

    many = Many(Path())
    looks = [keeping.part(many, (), NOW + minute * MINUTE) for minute in range(count // 1000 + 1)]
    assert set().union(*looks) == set(range(1, count + 1))
    assert max(map(len, looks)) <= 1000
    emptied = keeping.part(many, (1, count, count + 1), NOW)
    assert {1, count, count + 1} & emptied == ({1, count} if count else set())


def test_how_much_room_files_take(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/one").write_bytes(b"12345")
    (tmp_path / "two").write_bytes(b"123")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert size_of(tmp_path) == 8 + len("/etc/passwd")
    (tmp_path / "again").hardlink_to(tmp_path / "two")  # removing one of them gives nothing back
    assert size_of(tmp_path) == 5 + len("/etc/passwd")
    assert size_of(tmp_path / "none") == 0
    assert LocalStore(tmp_path).free() > 0


def test_a_site_wires_what_its_settings_say(home: Path) -> None:
    from isobuild import site as parts
    from isobuild.config import load

    settings = load(keep_days=1, keep_rows_days=2, keep_logs_days=3, keep_history_days=4, keep_room=5)
    parts.prepare(settings)
    here = parts.ticking(settings)
    assert here.keep == Keep(isos=DAY, rows=2 * DAY, logs=3 * DAY, history=4 * DAY, room=5)
    assert parts.ticking(load()).keep == Keep()
    assert here.store in here.places
    (home / "hooks").mkdir()
    (home / "hooks/tell.py").write_text("")
    assert parts.ticking(settings).keep.told
