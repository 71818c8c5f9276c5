"""What is known of newer packages: kept with the task, while it is ready."""

from datetime import timedelta
from typing import Any

from orders import BY, NOW, order_task, start_build, succeed, task_row

from isobuild.db import Database
from isobuild.domain import builds, pruning, tasks, updates
from isobuild.domain.builds import End
from isobuild.domain.listing import show_task
from isobuild.domain.states import BuildState
from isobuild.store.local import Stored

DAY = timedelta(days=1)


def found(name: str, security: bool = False) -> dict[str, Any]:
    return {"name": name, "old": "1", "new": "2", "security": security}


def make(database: Database, name: str, manifest: bool = True) -> int:
    """A ready task, with a manifest."""
    number = order_task(database, name)
    launch = start_build(database)
    if not manifest:
        succeed(database, launch)
        return number
    files = {"iso": Stored(f"{name}.iso", 1, "5a" * 32), "manifest": Stored(f"{name}.manifest", 1, "5b" * 32)}
    database.write(builds.finish, launch.build, launch.token, End(state=BuildState.SUCCEEDED, files=files), NOW)
    return number


def due(database: Database, after: int = 0, owned: set[int] | None = None) -> tuple[list[int], int | None]:
    with database.read() as session:
        listed, last = updates.due(session, after, NOW, {1, 2, 3} if owned is None else owned)
    return [each.task for each in listed], last


def shown(database: Database, number: int) -> Any:
    with database.read() as session:
        return show_task(session, number)["updates"]


def test_ready_isos_with_a_manifest_are_due(database: Database) -> None:
    first, _, third = make(database, "one"), make(database, "two", manifest=False), make(database, "three")
    order_task(database, "waits")
    assert due(database) == ([first, third], third)
    assert due(database, first) == ([third], third)
    assert due(database, third) == ([], None)


def test_those_of_another_host_s_store_are_its_own_matter(database: Database) -> None:
    first, second = make(database, "one"), make(database, "two")
    assert due(database, owned={2}) == ([second], second)
    assert due(database, owned=set()) == ([], second)
    assert first < second


def test_what_was_looked_at_is_not_due(database: Database) -> None:
    first, second = make(database, "one"), make(database, "two")
    assert database.write(updates.note, first, [], NOW)
    assert database.write(updates.note, second, [], NOW - DAY)
    assert due(database) == ([second], second)


def test_what_was_found_is_kept_security_first(database: Database) -> None:
    number = make(database, "one")
    database.write(updates.note, number, [found("a"), found("b"), found("c", security=True)], NOW)
    with database.read() as session:
        told = updates.show(session, number)
        assert updates.stale(session) == [number]
    assert told and [each["name"] for each in told["packages"]] == ["c", "a", "b"]
    assert shown(database, number) == {"count": 3, "security": 1, "why": None, "at": "2026-11-21T07:00:00.123456Z"}
    assert updates.mark(shown(database, number)) == "3 updates, 1 for security"


def test_nothing_newer_is_no_mark(database: Database) -> None:
    number = make(database, "one")
    assert shown(database, number) is None
    database.write(updates.note, number, [], NOW)
    assert shown(database, number)["count"] == 0
    assert updates.mark(shown(database, number)) == updates.mark(None) == ""
    with database.read() as session:
        assert updates.stale(session) == []


def test_a_look_in_vain_keeps_what_was_found_before(database: Database) -> None:
    number = make(database, "one")
    database.write(updates.complain, number, "nobody answers", NOW)
    assert (shown(database, number)["count"], shown(database, number)["why"]) == (0, "nobody answers")
    database.write(updates.note, number, [found("a")], NOW)
    database.write(updates.complain, number, "nobody answers", NOW + DAY)
    assert (shown(database, number)["count"], shown(database, number)["why"]) == (1, "nobody answers")


def test_much_is_cut_to_what_every_database_can_hold(database: Database) -> None:
    number = make(database, "one")
    many = [found(f"package-{number:04}-{'x' * 80}") for number in range(2000)] + [found("weak", security=True)]
    database.write(updates.note, number, many, NOW)
    with database.read() as session:
        told = updates.show(session, number)
    assert told and (told["count"], told["security"], told["packages"][0]["name"]) == (2001, 1, "weak")
    assert 200 < len(told["packages"]) < 2001


def test_an_expired_iso_has_none_and_a_new_one_begins_anew(database: Database) -> None:
    number = make(database, "one")
    database.write(updates.note, number, [found("a")], NOW)
    database.write(pruning.expire, NOW + DAY, BY)
    assert task_row(database, number).state == "expired"
    assert shown(database, number) is None
    assert not database.write(updates.note, number, [found("b")], NOW)
    assert due(database)[0] == []
    database.write(tasks.retry, number, "ann", NOW)
    assert (task_row(database, number).updates, task_row(database, number).updates_at) == (None, None)
