"""Each tick lets a portion go of what is kept no longer: rows first, then their files."""

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from orders import HOST, MINUTE, NOW, FakeLauncher, fail, order_task, start_build, succeed, task_row

from isobuild import keeping, tick
from isobuild.db import Database
from isobuild.domain import pruning, schedules, tasks
from isobuild.domain.orders import Order
from isobuild.domain.pruning import Keep
from isobuild.domain.states import Cause
from isobuild.errors import HostFault
from isobuild.store.local import LocalStore, bytes_of, size_of
from isobuild.store.logs import Logs
from isobuild.store.uploads import Uploads

DAY = timedelta(days=1)
SIZE = 700 << 20  # bytes of each ISO, as its row has it


class Cramped(LocalStore):
    """A store on a small disk: so many bytes, and each folder takes what an ISO's row says."""

    disk = 0
    late = 0  # ISOs that were removed, and still take room
    read = 0  # bytes that were removed, and are still read
    stuck: Collection[int] = ()  # builds whose folders can't be removed
    weight: int | None = None  # bytes of a folder; None: those that it has

    def free(self) -> int:
        return self.disk - self.read - SIZE * (len(list(self.owned())) + self.late)

    def held(self) -> int:
        return self.read

    def size(self, build: int) -> int:
        return super().size(build) if self.weight is None else self.weight

    def remove(self, build: int) -> None:
        if build in self.stuck:
            raise HostFault(what=f"{self.folder}/{build} is stuck")
        super().remove(build)


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
    assert tick.prune(database, site(store, Keep(room=3 * SIZE)), NOW + 3 * MINUTE) == 1
    assert states(database, 1, 2, 3, 4) == ["expired", "expired", "ready", "ready"]
    assert sorted(store.owned()) == [3, 4]
    assert tick.prune(database, site(store, Keep(room=9 * SIZE)), NOW + 6 * MINUTE) == 2
    assert tick.prune(database, site(store, Keep(room=9 * SIZE)), NOW + 9 * MINUTE) == 0


def test_a_disk_that_tells_late_costs_no_further_isos(database: Database, store: Cramped) -> None:
    """S4.26: what was removed may be free only after a while; a tick at once must not take that for too little."""
    make(database, store, "a", "b", "c")
    store.disk = 5 * SIZE
    here = site(store, Keep(room=3 * SIZE))
    assert tick.prune(database, here, NOW) == 1
    store.late = 1
    for seconds in (0, 1, 60):
        assert tick.prune(database, here, NOW + timedelta(seconds=seconds)) == 0
    assert tick.prune(database, here, NOW + 3 * MINUTE) == 1


def test_what_is_still_read_is_room_soon(database: Database, store: Cramped) -> None:
    make(database, store, "a", "b", "c")
    store.disk = 5 * SIZE
    store.read = 2 * SIZE
    assert tick.prune(database, site(store, Keep(room=2 * SIZE)), NOW) == 0
    assert tick.prune(database, site(store, Keep(room=2 * SIZE + 1)), NOW) == 1


def test_what_cannot_be_removed_costs_no_further_isos(database: Database, store: Cramped) -> None:
    make(database, store, "a", "b")
    store.disk = 3 * SIZE
    store.stuck = {1}
    store.weight = SIZE
    here = site(store, Keep(room=SIZE + 1))
    for minute in range(0, 30, 3):
        tick.prune(database, here, NOW + minute * MINUTE)
    assert states(database, 1, 2) == ["expired", "ready"]


# what is in the way


def test_a_database_that_never_heard_of_them_removes_no_files(database: Database, store: Cramped, logs: Logs) -> None:
    """An empty database, opened by mistake or before an import, has no build of any number."""
    for build in (1, 2, 3, 500):
        (store.folder / str(build)).mkdir(parents=True)
    write_logs(logs, 1, 2, 3, 500)
    here = site(store, Keep(isos=DAY, rows=DAY, logs=DAY, history=DAY, room=1 << 60), logs)
    assert tick.tick(database, FakeLauncher(database), here, NOW).idle
    order_task(database, "first")
    fail(database, start_build(database), cause=Cause.REQUEST)
    assert tick.prune(database, here, NOW) == 1
    assert sorted(store.owned()) == [2, 3, 500]
    assert sorted(logs.owned()) == [1, 2, 3, 500]


def test_another_database_removes_nothing(
    database: Database, store: Cramped, logs: Logs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """However many builds it has had."""
    make(database, store, "a", "b", "c", ttl=3600.0)
    write_logs(logs, 7)
    (tmp_path / "database").write_text("1 2020-02-02T20:20:20.202020+00:00\n")
    here = replace(site(store, Keep(room=1 << 60), logs), tie=tmp_path / "database")
    for minute in range(5):
        assert tick.tick(database, FakeLauncher(database), here, NOW + DAY + minute * MINUTE).idle
    assert states(database, 1, 2, 3) == ["ready"] * 3
    assert (sorted(store.owned()), sorted(logs.owned())) == ([1, 2, 3], [7])
    assert [record.message for record in caplog.records if "another database" in record.message] == [
        f"prune: Nothing is pruned: {tmp_path} belongs to another database than this one. "
        f"See 'database' in docs/backup.md, or remove {tmp_path}/database if this one is right."
    ]


def test_one_bad_folder_keeps_nothing_else_from_going(
    database: Database, store: Cramped, logs: Logs, caplog: pytest.LogCaptureFixture
) -> None:
    make(database, store, "a", "b", "c", ttl=60.0)
    store.stuck = {1}
    write_logs(logs, 2)
    database.write(tasks.remove, 2, "ann", NOW)
    here = site(store, Keep(), logs)
    for minute in range(3):
        tick.prune(database, here, NOW + DAY + minute * MINUTE)
    assert (list(store.owned()), list(logs.owned())) == ([1], [])
    assert [record.message for record in caplog.records] == [f"prune: {store.folder}/1 is stuck"]


def test_a_bad_place_keeps_nothing_else_from_going(database: Database, store: Cramped, logs: Logs) -> None:
    class Away(LocalStore):
        def owned(self) -> Iterable[int]:
            raise PermissionError(13, "Permission denied", str(self.folder))

    make(database, store, "a", ttl=60.0)
    write_logs(logs, 1)
    called = []
    away = Away(store.folder / "away")
    here = tick.Site(
        host=HOST, places=[away, store], store=away, logs=logs, keep=Keep(logs=MINUTE, room=1 << 60),
        call_hooks=lambda: called.append("hooks"),
    )  # fmt: skip
    done = tick.tick(database, FakeLauncher(database), here, NOW + 2 * MINUTE)
    assert (done.told, done.pruned, called) == (1, 3, ["hooks"])


def test_a_tick_weighs_nothing(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To look at each file of a workspace takes long, and only a person asks."""
    store = LocalStore(tmp_path / "store")
    make(database, store, "a", ttl=60.0)
    monkeypatch.setattr(store, "size", lambda build: pytest.fail("it was weighed"))
    assert tick.prune(database, site(store, Keep()), NOW + DAY) == 2


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
    assert tick.prune(database, site(store, Keep(), logs), NOW) == 2  # with the folder of the removed one
    assert sorted(logs.owned()) == [1, 2, 4, 77]  # which another database may have given
    assert tick.prune(database, site(store, Keep(logs=DAY), logs), NOW + DAY + MINUTE) == 1
    assert tick.prune(database, site(store, Keep(logs=DAY), logs), NOW + 3 * DAY) == 1
    assert sorted(logs.owned()) == [4, 77]


def test_a_log_stays_whose_row_came_while_others_were_looked_at(database: Database, logs: Logs) -> None:
    """The rows are read again after the files were found: a build has its row before it has a log."""

    class Late(Logs):
        def holds(self, build: int) -> bool:
            if build == 2 and not logs.holds(2):
                order_task(database, "tea")
                start_build(database)
                write_logs(logs, 2)
            return super().holds(build)

    order_task(database, "mint")
    fail(database, start_build(database), cause=Cause.REQUEST)
    database.write(tasks.remove, 1, "ann", NOW)
    write_logs(logs, 1)
    assert keeping.silent(database, Late(logs.folder), range(5), None) == {1}


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


def test_uploads_go_that_no_task_and_no_schedule_names(database: Database, tmp_path: Path) -> None:
    """However it is named, and whatever became of the task."""
    uploads = Uploads(tmp_path / "uploads", 1 << 20)
    in_task, in_schedule, unnamed, young = (uploads.put(BytesIO(text), "").upload for text in (b"1", b"2", b"3", b"4"))
    order_task(database, "one", options={"files": [{"upload": in_task}]})
    fail(database, start_build(database), cause=Cause.REQUEST)
    nightly = Order(user="ann", name="x", recipe="script", options={"wallpaper": in_schedule})
    database.write(schedules.add, "nightly", "@daily", "UTC", 3600.0, nightly, HOST.queues, NOW)
    for upload in (in_task, in_schedule, unnamed):
        os.utime(uploads.path(upload), ((NOW - 8 * DAY).timestamp(),) * 2)
    os.utime(uploads.path(young), (NOW.timestamp(),) * 2)
    site = tick.Site(host=HOST, uploads=uploads, keep=Keep(uploads=7 * DAY))
    assert tick.prune(database, site, NOW) == 1
    left = {path.name for path in uploads.folder.iterdir() if len(path.name) == 64}
    assert left == {each.removeprefix("upload:") for each in (in_task, in_schedule, young)}
    assert uploads.old(NOW - 7 * DAY) == []  # those that are named are not asked for each minute
    assert tick.prune(database, replace(site, keep=Keep()), NOW + 100 * DAY) == 0


def test_how_much_room_files_take(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/one").write_bytes(b"12345")
    (tmp_path / "two").write_bytes(b"123")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert size_of(tmp_path) == 8 + len("/etc/passwd")
    (tmp_path / "again").hardlink_to(tmp_path / "two")  # removing one of them gives nothing back
    assert size_of(tmp_path) == 5 + len("/etc/passwd")
    assert size_of(tmp_path / "none") == bytes_of(tmp_path / "none") == 0  # it may vanish while others are weighed
    assert LocalStore(tmp_path).free() > 0


def test_a_site_wires_what_its_settings_say(home: Path) -> None:
    from isobuild import site as parts
    from isobuild.config import load

    settings = load(keep_days=1, keep_rows_days=2, keep_logs_days=3, keep_history_days=4, keep_room=5)
    parts.prepare(settings)
    here = parts.ticking(settings)
    assert here.tie == home / "database"
    assert here.keep == Keep(isos=DAY, rows=2 * DAY, logs=3 * DAY, history=4 * DAY, uploads=7 * DAY, room=5)
    assert parts.ticking(load()).keep == Keep(uploads=7 * DAY)
    assert here.store in here.places
    (home / "hooks").mkdir()
    (home / "hooks/tell.py").write_text("")
    assert parts.ticking(settings).keep.told
