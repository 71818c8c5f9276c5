"""Ordering, and what else a person does with tasks."""

import json
import re

import pytest
from sites import GATED, ISO, Site, wait_for

from cli.conftest import Call

TASK = {"id", "name", "recipe", "state", "queue", "priority", "iso", "created_at"}
BAD = {
    "a path": (["script", "--name", "../x"], "name: '../x' can't be a name"),
    "a command": (["script", "--name", "a b; rm -rf"], "name: 'a b; rm -rf' can't be a name"),
    "no name": (["script"], "name: '' can't be a name: it is empty"),
    "300 letters": (["script", "--name", "x" * 300], "name: 'xxxxxxxxxxxxxxxxxxxx…' can't be a name: it has 300"),
    "a hidden file": (["script", "--name", ".x"], "name: '.x' can't be a name"),
    "another iso": (["script", "--name", "x", "--iso", "x.img"], "iso: 'x.img' can't be a name"),
    "an iso elsewhere": (["script", "--name", "x", "--iso", "../x.iso"], "iso: '../x' can't be a name"),
    "a queue": (["script", "--name", "x", "--queue", "vip"], "no queue 'vip'; there are: high, default, low"),
    "a priority": (["script", "--name", "x", "--priority", "1001"], "a whole number from -1000 to 1000"),
    "a user": (["script", "--name", "x", "--user", "a/b"], "user: 'a/b' can't be a name"),
    "no time": (["script", "--name", "x", "--time-limit", "0"], "time_limit: 0.0 can't be used: from 1 second"),
    "no number of time": (["script", "--name", "x", "--time-limit", "nan"], "time_limit: nan can't be used"),
    "an option": (["script", "--name", "x", "--colour", "red"], "recipe script has no such option"),
    "a stray word": (["script", "--name", "x", "word"], "options: 'word' can't be used"),
    "a far number": (["script", "--name", "x", "--after", "9" * 5000], "after: '999"),
    "a number of no task": (
        ["script", "--name", "x", "--after", "9" * 10],
        "after: 9999999999 can't be used: the number",
    ),
    "a script that is not there": (["script", "--name", "x", "--script", "no.sh"], "no.sh"),
    "a script elsewhere": (["script", "--name", "x", "--script", "../first.sh"], "script"),
}
UNKNOWN_RECIPE = (["tinny", "--name", "x"], "there is no recipe 'tinny'; there are: ")
BAD_PACKAGE = (["debian-live", "--name", "x", "--packages", "nginx htop;id"], "packages: ")


@pytest.mark.parametrize("what", [*BAD, "a recipe", "a package"])
def test_bad_input_is_one_sentence_and_changes_nothing(call: Call, site: Site, what: str) -> None:
    """S1.37, S1.38: recipe and options are checked before there is a task."""
    site.write_script("first.sh", ISO)
    arguments, sentence = BAD.get(what) or (BAD_PACKAGE if what == "a package" else UNKNOWN_RECIPE)
    if arguments[0] == "script" and "--script" not in arguments:
        arguments = [*arguments, "--script", "first.sh"]
    said = call("order", *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("isobuild: ")
    assert said.err.count("\n") == 1
    assert sentence in said.err
    assert json.loads(call("tasks", "--json").out) == []


def test_a_priority_that_is_no_number(site: Site) -> None:
    assert "--priority" in site.run("order", "tiny", "--name", "x", "--priority", "much", code=2).stderr


def test_an_order_is_the_number_of_a_task(call: Call, site: Site) -> None:
    """S2.11, S2.20: by name, on the command line; an executable of the site's needs no registration."""
    site.write_script("first.sh", ISO)
    said = call("order", "script", "--script", "first.sh", "--name", "mine", "--user", "bob")
    assert (said.code, said.out) == (0, "1\n")
    assert "No daemon listens here" in said.err
    assert "isobuild log 1 -f" in said.err


def test_an_order_in_json(call: Call, site: Site) -> None:
    """S2.C4: one attempt is one, and not the site's five."""
    site.write_script("first.sh", ISO)
    wish = ("--queue", "high", "--priority", "-7", "--iso", "my.own.iso", "--user", "bob", "--max-attempts", "1")
    shown = json.loads(call("order", "script", "--script", "first.sh", "--name", "mine", *wish, "--json").out)
    assert shown.keys() >= TASK
    assert {key: shown[key] for key in TASK - {"created_at"}} == {
        "id": 1, "name": "mine", "recipe": "script", "state": "pending", "queue": "high", "priority": -7,
        "iso": "my.own.iso",
    }  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", shown["created_at"])
    assert (shown["user"], shown["options"]["script"], shown["max_attempts"]) == ("bob", "first.sh", 1)


def test_a_name_is_taken_once_for_each_user(call: Call, site: Site) -> None:
    site.order("mine")
    again = ("order", "script", "--script", "mine.sh", "--name", "mine")
    said = call(*again, "--user", "ann")
    assert (said.code, said.err) == (
        2,
        "isobuild: name: 'mine' is the name of your task 1 already; choose another name, or remove that task.\n",
    )
    assert call(*again, "--user", "bob").out == "2\n"


@pytest.mark.parametrize(
    ("script", "code", "word"), [(ISO, 0, "Ready: mine.iso"), ("#!/bin/sh\nexit 65\n", 1, "failed")]
)
def test_an_order_that_is_followed(site: Site, script: str, code: int, word: str) -> None:
    site.write_script("make.sh", script)
    with site.started("order", "script", "--script", "make.sh", "--name", "mine", "--follow") as process:
        wait_for(lambda: site.count() == 1)
        site.tick()
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "1\n")
    assert word in err
    assert "Traceback" not in err


def test_a_waiting_task_is_canceled_tried_again_and_removed(call: Call, site: Site) -> None:
    site.order()
    assert call("cancel", 1).err == "Task 1 is canceled. To order it after all: isobuild retry 1\n"
    said = call("cancel", 1)
    assert (said.code, said.err.count("\n")) == (3, 1)
    assert "Task 1 is canceled: only a task that waits or is being built" in said.err
    assert call("retry", 1).code == 0
    assert site.task()["state"] == "pending"
    assert "Task 1 is pending: only a task that failed" in call("retry", 1).err
    assert call("remove", 1).code == 0
    for command in ("cancel", "retry", "remove", "task", "log", "download"):
        said = call(command, 1)
        assert (said.code, said.out) == (4, "")
        assert said.err == "isobuild: There is no task 1. 'isobuild tasks' lists them.\n"


def test_what_is_tried_again_before_what_it_needs_says_so(call: Call, site: Site) -> None:
    site.order(name="base")
    site.order(name="flavour", after=[1])
    assert call("cancel", 1).code == 0
    assert site.task(2)["state"] == "failed"
    said = call("retry", 2)
    assert (said.code, said.err.partition(". ")[0]) == (
        0, "Task 2 waits again: it waits for task 1 (base), which is canceled",
    )  # fmt: skip


def test_what_waits_of_a_recipe_is_canceled(call: Call, site: Site) -> None:
    """S2.C9."""
    for name in ("one", "two"):
        site.order(name=name)
    said = call("cancel-waiting", "script", "--queue", "low")
    assert (said.code, said.out) == (0, "")
    assert said.err == "No task was canceled of recipe script in queue low. What is being built goes on.\n"
    said = call("cancel-waiting", "script")
    assert (said.code, said.out) == (0, "1\n2\n")
    assert said.err == "2 tasks are canceled of recipe script. What is being built goes on.\n"
    for wrong, words in ((["tinny"], "no recipe 'tinny'"), (["script", "--queue", "vip"], "no queue 'vip'")):
        said = call("cancel-waiting", *wrong)
        assert (said.code, said.out) == (2, "")
        assert words in said.err


def test_a_task_that_is_built_is_canceled_before_it_is_removed(call: Call, site: Site) -> None:
    site.order(text=GATED)
    site.tick()
    said = call("remove", 1)
    assert (said.code, said.err) == (
        3,
        "isobuild: Task 1 has an open build, number 1: cancel it first (isobuild cancel 1).\n",
    )
    assert call("cancel", 1).code == 0
    assert site.built()["state"] == "canceled"
    assert call("remove", 1).code == 0
    assert site.builds() == []


def test_files_of_a_removed_task_go_with_the_next_tick(call: Call, site: Site) -> None:
    site.order()
    site.carry()
    assert site.stored()
    call("remove", 1)
    assert call("tick").out == "pruned 2\n"
    assert (site.stored(), site.log()) == ([], "")
