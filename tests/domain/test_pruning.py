"""ISOs go when their time is over or their room is needed; what is pinned or needed never does."""

from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from orders import BY, HOST, MINUTE, NOW, all_rows, order_task, start_build, succeed, task_row
from sqlalchemy import text
from sqlalchemy.orm import Session

from isobuild.db import Database
from isobuild.domain import builds, forgetting, history, orders, pruning, signals, tasks
from isobuild.domain.history import By
from isobuild.domain.hosts import Host
from isobuild.domain.orders import Order
from isobuild.domain.pruning import Keep
from isobuild.domain.states import AfterFailure, TaskState

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SIZE = 700 << 20  # bytes of each ISO
SAME = "5a" * 32


def make(database: Database, name: str, now: datetime = NOW, host: Host = HOST, **wish: Any) -> int:
    """A ready task; its number."""
    number = order_task(database, name, now, **wish)
    succeed(database, start_build(database, now, host), now)
    assert task_row(database, number).state is TaskState.READY
    return number


def expire(database: Database, now: datetime = NOW, days: float | None = None, told: bool = False) -> dict[int, int]:
    """What a tick expires at that time, on a site that keeps ISOs so many days."""
    return database.write(pruning.expire, None if days is None else now - days * DAY, By("tick", now), told)


def room(database: Database, size: int, host: str = HOST.name, here: range = range(100)) -> list[int]:
    """The tasks whose ISOs go to make so much room."""
    return sorted(database.write(pruning.make_room, host, here, size, BY))


@pytest.mark.parametrize(
    ("ttl", "days", "goes"),
    [
        (None, None, None),
        (None, 2, 2 * DAY),
        (-1, 2, None),
        (0, None, timedelta(0)),
        (0, 2, timedelta(0)),
        (3600, None, HOUR),
        (3600.5, 2, HOUR + timedelta(seconds=0.5)),
        (10 * 86400, 2, 10 * DAY),
    ],
)
def test_an_iso_is_kept_for_its_ttl_or_as_the_site_says(
    database: Database, ttl: float | None, days: float | None, goes: timedelta | None
) -> None:
    """S4.21: 0 as soon as it has ended, more: from time to time, -1: never, nothing: as the site says."""
    make(database, "tea", ttl=ttl)
    hair = timedelta(microseconds=1)
    if goes is None:
        assert expire(database, NOW + 36500 * DAY, days) == {}
        return
    if goes:
        assert expire(database, NOW + goes - hair, days) == {}
    assert expire(database, NOW + goes + hair, days) == {1: 1}
    task = task_row(database, 1)
    assert (task.state, task.finished_at) == (TaskState.EXPIRED, NOW)
    assert all_rows(database)["artifacts"] == []


def test_what_went_says_so_and_is_built_again_for_as_long(database: Database) -> None:
    make(database, "tea", ttl=3600)
    assert expire(database, NOW + HOUR) == {1: 1}
    with database.read() as session:
        last = history.of(session, 1)[-1]
    assert (last.old, last.new, last.who, last.why) == ("ready", "expired", "tick", "the time of its ISO is over")
    database.write(tasks.retry, 1, "ann", NOW + 2 * HOUR)
    assert task_row(database, 1).expires_at is None
    succeed(database, start_build(database, NOW + 2 * HOUR), NOW + 2 * HOUR)
    assert expire(database, NOW + 3 * HOUR - MINUTE) == {}
    assert expire(database, NOW + 3 * HOUR) == {1: 2}


def test_a_pinned_iso_never_goes(database: Database) -> None:
    """S4.26: by time, but never what somebody pinned."""
    make(database, "tea", ttl=60)
    make(database, "mint")
    for number in (1, 2):
        database.write(tasks.pin, number, True)
    assert expire(database, NOW + 36500 * DAY, days=1) == {}
    assert room(database, SIZE) == []
    for number in (1, 2):
        database.write(tasks.pin, number, False)
    assert expire(database, NOW + 2 * DAY, days=1) == {1: 1, 2: 2}


def test_an_iso_stays_while_an_open_task_depends_on_it(database: Database) -> None:
    """S4.16, S4.21: one that nobody needs any longer goes as soon as it has ended, its parents before."""
    make(database, "base", ttl=0)
    order_task(database, "flavour", after=[1], ttl=0)
    assert expire(database, NOW + DAY, days=0) == {}
    assert room(database, SIZE) == []
    launch = start_build(database)
    assert expire(database, NOW + DAY, days=0) == {}
    succeed(database, launch)
    order_task(database, "cousin", NOW, after=[2], not_before=NOW + DAY)
    assert expire(database, NOW) == {1: 1}
    database.write(tasks.cancel, 3, "ann", NOW)
    assert expire(database, NOW) == {2: 2}


def test_what_is_needed_does_not_hold_up_what_may_go(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "SOME", 2)
    for number in range(1, 6):
        make(database, f"os{number}", ttl=60)
    for number in (1, 2, 3):
        order_task(database, f"flavour{number}", after=[number])
    assert expire(database, NOW + MINUTE) == {4: 4, 5: 5}


@pytest.mark.parametrize("answered", [False, True])
def test_an_order_that_shares_an_iso_keeps_it_for_its_own_time(database: Database, answered: bool) -> None:
    """S4.21: shared by several tasks, the file is there once, and goes with the last of them."""
    if answered:
        make(database, "one", ttl=0, fingerprint=SAME)
        order_task(database, "two", fingerprint=SAME, ttl=3600)
    else:
        order_task(database, "one", fingerprint=SAME, ttl=0)
        order_task(database, "two", fingerprint=SAME, ttl=3600)
        succeed(database, start_build(database))
    assert expire(database) == {1: 1}
    assert _owners(database) == {1}
    assert expire(database, NOW + HOUR) == {2: 1}
    assert _owners(database) == set()


def test_an_iso_waits_for_the_hooks_that_want_it(database: Database) -> None:
    """S4.21: a hook that publishes each ISO finds it, though it is kept for no time; but no ISO waits for ever."""
    make(database, "tea", ttl=60)
    make(database, "mint", ttl=60)
    database.write(signals.told, 2, "ready")
    assert expire(database, NOW + MINUTE, told=True) == {2: 2}
    assert expire(database, NOW + signals.MATTERS, told=True) == {1: 1}


def test_room_waits_for_the_hooks_too(database: Database) -> None:
    make(database, "tea")
    make(database, "mint", NOW + MINUTE)
    database.write(signals.told, 2, "ready")
    assert list(database.write(pruning.make_room, HOST.name, range(9), 5 * SIZE, BY, True)) == [2]
    late = By("ann", NOW + signals.MATTERS)
    assert list(database.write(pruning.make_room, HOST.name, range(9), 5 * SIZE, late, True)) == [1]


def test_who_made_room_lately(database: Database) -> None:
    make(database, "tea")
    since = NOW - MINUTE
    assert not database.write(pruning.made_room, since, BY)
    assert room(database, 1) == [1]
    assert database.write(pruning.made_room, since, BY)
    assert not database.write(pruning.made_room, NOW, BY)
    assert not database.write(pruning.made_room, since, By("tick on kiln", NOW))
    assert not database.write(pruning.made_room, since, By("ann", NOW - timedelta(seconds=1)))  # the clock went back


def test_a_portion_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "SOME", 2)
    for number in range(5):
        make(database, f"os{number}", ttl=60 if number % 2 else None)
    assert [len(expire(database, NOW + DAY, days=0)) for _ in range(4)] == [2, 2, 1, 0]


def test_the_oldest_make_room(database: Database) -> None:
    """S4.26: by room on the disk, oldest first, and no more of them than it takes."""
    for number, ttl in enumerate((None, -1, 3600, None)):
        make(database, f"os{number}", NOW + number * MINUTE, ttl=ttl)
    assert room(database, 1) == [1]
    with database.read() as session:
        assert history.of(session, 1)[-1].why == "the room of its ISO was needed"
    assert room(database, 0) == []
    assert room(database, SIZE + 1) == [3, 4]
    assert room(database, SIZE) == []
    assert task_row(database, 2).state is TaskState.READY


def test_a_shared_iso_is_as_old_as_its_last_task_and_makes_room_once(database: Database) -> None:
    make(database, "one", fingerprint=SAME)
    make(database, "other", NOW + MINUTE)
    order_task(database, "two", NOW + 2 * MINUTE, fingerprint=SAME)
    assert room(database, 1) == [2]
    assert room(database, 1) == [1, 3]


@pytest.mark.parametrize("keep", ["pin", "ttl", "need"])
def test_a_shared_iso_that_one_must_keep_makes_no_room(database: Database, keep: str) -> None:
    make(database, "one", fingerprint=SAME)
    order_task(database, "two", fingerprint=SAME, ttl=-1 if keep == "ttl" else None)
    if keep == "pin":
        database.write(tasks.pin, 2, True)
    elif keep == "need":
        order_task(database, "flavour", after=[2])
    assert room(database, 1) == []
    assert task_row(database, 1).state is TaskState.READY


def test_room_is_made_where_it_is_needed(database: Database) -> None:
    make(database, "there", host=Host("kiln"))
    make(database, "here", NOW + MINUTE)
    assert room(database, 5 * SIZE, here=range(0)) == []
    assert room(database, 5 * SIZE) == [2]
    assert room(database, 5 * SIZE, host="kiln") == [1]


def test_the_file_of_a_removed_task_makes_room_too(database: Database) -> None:
    make(database, "one", fingerprint=SAME)
    order_task(database, "two", fingerprint=SAME)
    database.write(tasks.remove, 1, "ann", NOW)
    assert room(database, 1, here=range(2, 9)) == []
    assert room(database, 1) == [2]


def test_who_orders_in_the_same_moment_has_what_it_depends_on(database: Database) -> None:
    """S4.16: an order that depends on an ISO, and a tick that lets it go: one of them comes first."""
    make(database, "base", ttl=0)
    prune = Thread(target=expire, args=(database,))

    def order(session: Session) -> None:
        wish = Order(user="diky", name="flavour", recipe="tiny", after=[1], on_dependency_failure=AfterFailure.WAIT)
        orders.order(session, wish, HOST.queues, NOW)
        if not prune.ident:
            prune.start()
        prune.join(0.3)  # it has come to where it must wait, or it comes after

    database.write(order)
    prune.join()
    assert (task_row(database, 1).state, task_row(database, 2).state) == (TaskState.READY, TaskState.PENDING)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_is_found_without_looking_at_all_rows(database: Database) -> None:
    """Each look of an idle tick walks an index to where there is nothing."""
    looks = [*pruning.past(NOW, NOW, told=True), *forgetting.old(NOW)]
    looks += [chosen for _, chosen in forgetting.history_of(NOW)]
    with database.engine.connect() as connection:
        for look in looks:
            query = look.limit(1).compile(database.engine, compile_kwargs={"literal_binds": True})
            plan = [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
            assert "INDEX ix_" in plan[0], plan
            assert [step for step in plan if step.startswith("SCAN")] == []


def test_a_site_that_says_nothing_keeps_all() -> None:
    assert Keep() == Keep(isos=None, rows=None, logs=None, history=None, room=0, told=False)


def _owners(database: Database) -> set[int]:
    with database.read() as session:
        return builds.owners(session, [1, 2])
