"""Listings, for people and for programs."""

import json
from dataclasses import asdict

import pytest
from sites import ISO, Site

from cli.conftest import Call
from isobuild import __version__, schema
from isobuild.tick import Ticked

BUILD = {
    "id", "task_id", "state", "finished", "busy", "attempt", "percent", "step", "cause", "error", "started_at",
    "finished_at",
}  # fmt: skip


def test_tasks_newest_first_by_state_user_and_page(call: Call, site: Site) -> None:
    for name in ("a", "b", "c"):
        site.order(name)
    call("cancel", 2)
    assert [task["id"] for task in json.loads(call("tasks", "--json").out)] == [3, 2, 1]
    assert [task["id"] for task in json.loads(call("tasks", "--json", "--state", "pending").out)] == [3, 1]
    assert [task["id"] for task in json.loads(call("tasks", "--json", "--limit", 1, "--before", 3).out)] == [2]
    assert json.loads(call("tasks", "--json", "--user", "bob").out) == []
    said = call("tasks", "--limit", 2)
    assert [line.split()[:2] for line in said.out.splitlines()[1:]] == [["3", "c"], ["2", "b"]]
    assert "Older ones: isobuild tasks --before 2" in said.err


def test_nothing_yet(call: Call) -> None:
    assert "No task. Order one" in call("tasks").err
    assert "No build." in call("builds").err
    assert json.loads(call("builds", "--json").out) == []
    assert call("log", 1).code == 4


def test_a_build_as_json_holds_no_token(call: Call, site: Site) -> None:
    site.order()
    site.carry()
    said = call("builds", "--json")
    (build,) = json.loads(said.out)
    assert build.keys() >= BUILD
    assert {key: build[key] for key in BUILD - {"started_at", "finished_at"}} == {
        "id": 1, "task_id": 1, "state": "succeeded", "finished": True, "busy": False, "attempt": 1, "percent": 100.0,
        "step": "publish", "cause": None, "error": None,
    }  # fmt: skip
    assert build["started_at"] < build["finished_at"]
    assert (site.row().token or "?") not in said.out
    assert json.loads(call("builds", "--json", "--task", 2).out) == []
    assert json.loads(call("builds", "--json", "--state", "failed").out) == []
    assert call("builds", "--task", 1).out.splitlines()[1].split()[:4] == ["1", "1", "1", "succeeded"]


def test_a_task_for_people_says_what_comes_next(call: Call, site: Site) -> None:
    site.order()
    said = call("task", 1)
    assert "It next. To give it up: isobuild cancel 1" not in said.err
    assert "isobuild cancel 1" in said.err
    site.carry()
    assert "Download it: isobuild download 1" in call("task", 1).err
    assert json.loads(call("task", 1, "--json").out)["download"] == "/download/1/first.iso"


@pytest.mark.parametrize("command", ["tasks", "builds"])
def test_a_state_that_is_none(call: Call, command: str) -> None:
    said = call(command, "--state", "done")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert "state: 'done' can't be used: pending, " in said.err


def test_recipes(call: Call, site: Site) -> None:
    (site.home / "recipes").mkdir(exist_ok=True)
    (site.home / "recipes/broken.py").write_text("import nothing_of_this_name\n")
    found = {each["name"]: each for each in json.loads(call("recipes", "--json").out)}
    assert found.keys() >= {"tiny", "debian-live", "broken"}
    assert "nothing_of_this_name" in found["broken"]["error"]
    assert "tiny" in call("recipes").out
    assert call("recipe", "broken").code == 1


def test_a_recipe_shows_its_options_and_steps(call: Call) -> None:
    shown = json.loads(
        call("recipe", "tiny", "--hostname", "box", "--mirror", "http://example.org/debian", "--json").out
    )
    assert shown.keys() == {"name", "title", "version", "options", "steps"}
    assert "hostname" in [option["name"] for option in shown["options"]]
    assert shown["steps"][-1].keys() == {"name", "argv", "stdin"}
    assert "The steps, as the build user runs them" in call("recipe", "tiny").out
    assert "no such option" in call("recipe", "tiny", "--colour", "red").err
    assert call("recipe", "tinny").code == 2


def test_the_schema(call: Call) -> None:
    """S2.2: one command makes the tables."""
    assert json.loads(call("db", "current", "--json").out) == {"current": schema.head(), "head": schema.head()}
    assert call("db", "downgrade", "base").code == 0
    assert call("db", "current").out == "none\n"
    assert call("db", "upgrade").code == 0
    assert call("tasks").code == 0
    assert call("db", "upgrade", "nonsense").code == 4


def test_a_schema_of_another_isobuild(call: Call, site: Site) -> None:
    with site.db.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000_old'")
    said = call("tasks")
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        f"isobuild: The database is at revision 0000_old, and this isobuild needs {schema.head()}:"
        " run 'isobuild db upgrade'.\n"
    )


def test_a_tick(call: Call, site: Site) -> None:
    """S0.8, S0.C2: the first tick of an empty site ends well, and so does the one that enqueues its first build."""
    assert call("tick").out == "idle\n"
    idle = asdict(Ticked()) | {"idle": True}
    assert json.loads(call("tick", "--json").out) == idle
    site.order()
    assert json.loads(call("tick", "--json").out) == idle | {"enqueued": 1, "launched": 1, "idle": False}
    assert site.built()["state"] == "succeeded"


def test_the_version(call: Call) -> None:
    assert call("--version").out == f"{__version__}\n"


def test_a_failure_is_shown_with_the_last_lines_of_its_build(call: Call, site: Site) -> None:
    site.order(text="#!/bin/sh\nexec >&2\necho unpacking\nprintf 'a \\033[31mred\\033[0m end\\n'\nexit 65\n")
    site.carry()
    said = call("task", 1)
    assert said.out.endswith("\nBuild 1 failed, in step first.sh, exit status 65\n  unpacking\n  a red end\n")
    assert "Read why: isobuild log 1. Try again: isobuild retry 1" in said.err
    call("retry", 1)
    site.write_script("first.sh", ISO)
    site.carry()
    assert "exit status" not in call("task", 1).out


def test_a_failure_without_a_build_has_no_log_to_read(call: Call, site: Site) -> None:
    site.order("a")
    site.order("b", after=[1])
    call("cancel", 1)
    assert call("task", 2).err == "Try again: isobuild retry 2\n"
