"""What is kept: prune and its look ahead, pins, tags, and finding tasks by them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sites import Site
from sqlalchemy.orm import Session

from cli.conftest import Call
from isobuild.db import count_on
from isobuild.domain import guard
from isobuild.domain.tables import Build, Event, Task

AGO = datetime.now(UTC) - timedelta(days=10)
KEEP = {
    "ISOBUILD_KEEP_DAYS": "5", "ISOBUILD_KEEP_ROWS_DAYS": "5", "ISOBUILD_KEEP_LOGS_DAYS": "5",
    "ISOBUILD_KEEP_HISTORY_DAYS": "5",
}  # fmt: skip


def age(site: Site, *numbers: int) -> None:
    """Let tasks, their builds and history be ten days old."""

    def work(session: Session) -> None:
        guard.change(session, Task, Task.id.in_(numbers), finished_at=AGO)
        guard.change(session, Build, Build.task_id.in_(numbers), finished_at=AGO)
        guard.change(session, Event, Event.task_id.in_(numbers), at=AGO)

    site.db.write(work)


@pytest.fixture
def old(site: Site) -> Site:
    """Tasks 1 ready, 2 ready and shared with 3, 4 failed, all of them old; 5 ready and new."""
    for name in ("one", "two"):
        site.order(name, fingerprint=name.ljust(64, "0"))
        site.carry()
    site.order("three", fingerprint="two".ljust(64, "0"))
    site.order("four", "#!/bin/sh\nexit 64\n", max_attempts=1)
    site.carry()
    site.order("five")
    site.carry()
    age(site, 1, 2, 3, 4)
    site.db.write(count_on, "builds", 99)
    (site.home / "store" / "99").mkdir()
    (site.home / "store" / "99" / "orphan.iso").write_bytes(b"x" * 1000)
    (site.home / "logs" / "77.log").write_text("orphan\n")
    return site


def test_prune_says_what_would_go_and_then_lets_it_go(call: Call, old: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4.26: all at once, by hand."""
    for name, value in KEEP.items():
        monkeypatch.setenv(name, value)
    call("pin", 1)
    before = _files(old.home)
    said = json.loads(call("prune", "--dry-run", "--json").out)
    assert (said["expired"], said["forgotten"], said["folders"]) == ([2, 3], [4], 2)
    assert said["dry_run"] is True
    assert said["logs"] == 4  # of builds 1 and 2, of the one that is forgotten, of one that never was
    assert _files(old.home) == before
    done = json.loads(call("prune", "--json").out)
    assert done == said | {"dry_run": False}
    after = _files(old.home)
    assert done["freed"] == sum(before.values()) - sum(after.values()) > 1000
    assert {old.task(number)["state"] for number in (2, 3)} == {"expired"}
    assert old.task(1)["state"] == old.task(5)["state"] == "ready"
    assert call("task", 4).code == 4
    nothing = {
        "dry_run": False,
        "expired": [],
        "forgotten": [],
        "folders": 0,
        "logs": 0,
        "history": 0,
        "uploads": 0,
        "freed": 0,
    }
    assert json.loads(call("prune", "--json").out) == nothing


def test_prune_for_people(call: Call, old: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_KEEP_DAYS", "5")
    said = call("prune", "--dry-run")
    rows = [line.split() for line in said.out.splitlines()]
    assert rows[0] == ["WOULD", "GO", "TASKS"]
    assert rows[1:4] == [["ISOs", "3", "1", "2", "3"], ["tasks", "0"], ["folders", "3"]]
    assert said.err.startswith("Room: ")
    said = call("prune")
    assert said.out.splitlines()[0].split() == ["WENT", "TASKS"]
    assert [old.task(number)["state"] for number in (1, 2, 3, 5)] == ["expired"] * 3 + ["ready"]


def test_what_expired_is_built_again(call: Call, old: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_KEEP_DAYS", "5")
    call("prune")
    assert call("download", 1).code == 3
    assert call("retry", 1).code == 0
    assert old.carry()["state"] == "succeeded"
    assert old.task(1)["state"] == "ready"


def test_nothing_goes_where_nothing_is_said(call: Call, old: Site) -> None:
    """Only files that are nobody's."""
    done = json.loads(call("prune", "--json").out)
    assert (done["expired"], done["forgotten"], done["history"]) == ([], [], 0)
    assert (done["folders"], done["logs"], done["freed"]) == (1, 1, 1007)


def test_nothing_goes_in_the_name_of_another_database(
    call: Call, old: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a shell, say, that lacks the service's settings."""
    call("prune")
    before = _files(old.home)
    monkeypatch.setenv("ISOBUILD_DATABASE", f"sqlite:///{tmp_path}/other.sqlite3")
    for words in (["--dry-run"], []):
        said = call("prune", *words)
        assert (said.code, said.out) == (3, "")
        assert "belongs to another database" in said.err
    assert call("tick").out == "idle\n"
    assert _files(old.home) == before


def test_prune_makes_room(call: Call, old: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a disk has: all go that may, whichever comes first."""
    monkeypatch.setenv("ISOBUILD_KEEP_ROOM", str(1 << 60))
    call("pin", 3)
    said = json.loads(call("prune", "--dry-run", "--json").out)
    assert (said["expired"], said["folders"]) == ([1, 5], 3)
    assert json.loads(call("prune", "--json").out) == said | {"dry_run": False}
    assert [old.task(number)["state"] for number in (1, 2, 3, 5)] == ["expired", "ready", "ready", "expired"]


def test_a_bit_of_room_is_made_by_the_oldest(call: Call, old: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from isobuild.store.local import LocalStore

    free = LocalStore(old.home / "store").free()
    monkeypatch.setattr(LocalStore, "free", lambda _: free)
    monkeypatch.setenv("ISOBUILD_KEEP_ROOM", str(free + 1001))
    said = json.loads(call("prune", "--dry-run", "--json").out)
    assert (said["expired"], said["folders"]) == ([1], 2)  # the orphan alone is not enough


def test_pin_and_unpin(call: Call, site: Site) -> None:
    site.order()
    said = call("pin", 1)
    assert (said.code, said.err) == (0, "Task 1 is kept, whatever is pruned.\n")
    assert site.task()["pinned"] is True
    assert call("unpin", 1).code == 0
    assert site.task()["pinned"] is False
    assert call("pin", 2).code == call("unpin", 2).code == 4


def test_tag(call: Call, site: Site) -> None:
    """S4.22: set, shown and taken away."""
    site.order(tags={"team": "gnome"})
    assert call("tag", 1, "team=kde", "release").out == "release\nteam=kde\n"
    assert json.loads(call("tag", 1, "--drop", "release", "--json").out) == {"team": "kde"}
    assert call("tag", 1).out == "team=kde\n"
    assert call("tag", 1, "Team=x").code == 2
    assert call("tag", 2, "team=x").code == 4


def test_tasks_are_found(call: Call, site: Site) -> None:
    """S4.22: by their tags, by a value of one, and by a text."""
    site.order("tea", tags={"team": "kde", "release": "bookworm"})
    site.order("mint", tags={"team": "kde"})
    site.order("last", tags={"team": "", "release": ""})

    def found(*words: object) -> list[int]:
        return [task["id"] for task in json.loads(call("tasks", "--json", *words).out)]

    assert found("--tag", "team=kde") == [2, 1]
    assert found("--tag", "team=kde", "--tag", "release") == [1]
    assert found("--tag", "team=") == [3]
    assert found("--search", "MINT") == [2]
    assert found("--tag", "team", "--limit", 1, "--before", 3) == [2]
    assert call("tasks", "--tag", "Team=kde").code == call("tasks", "--search", "two\nlines").code == 2


def _files(home: Path) -> dict[str, int]:
    """The files of builds, and their bytes."""
    folders = (home / "store", home / "work", home / "logs")
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path): path.stat().st_size for path in paths}
