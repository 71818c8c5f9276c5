"""A site's hooks are told of every end, and hurt nobody."""

import json
from pathlib import Path

import pytest
from sites import ISO, Site, build_user, site, wait_for

from isobuild import hooks
from isobuild.desk import Desk

__all__ = ["build_user", "site"]

TELLS = """
import json, pathlib

def on_ready(task):
    note("ready", task)

def on_failed(task):
    note("failed", task)

def note(what, task):
    with pathlib.Path(__file__).with_suffix(".told").open("a") as told:
        told.write(json.dumps([what, task["id"], task["state"], task["cause"], task["sha256"]]) + "\\n")
"""
HANGS = """
import subprocess, time

def on_ready(task):
    child = subprocess.Popen(["sleep", "600"])
    while True:
        try:
            time.sleep(600)
        except BaseException:
            continue
"""
FAILS = "#!/bin/sh\nexit 65\n"


@pytest.fixture
def desk(site: Site, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Where hooks learn what is due, within this process."""
    for name, value in site.env.items():
        monkeypatch.setenv(name, value)
    from isobuild.cli.orders import open_desk

    return open_desk()


def write(site: Site, name: str, text: str) -> Path:
    path = site.home / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path.with_suffix(".told")


def told(path: Path) -> list[list[object]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_hooks_are_told_of_every_end_once(site: Site) -> None:
    """S2.20, S2.21: on failure people are told, by what the site wrote for it."""
    path = write(site, "mail.py", TELLS)
    site.order("good", ISO)
    site.order("bad", FAILS)
    site.tick_until(lambda: len(told(path)) == 2)
    assert told(path) == [
        ["ready", 1, "ready", None, site.task(1)["sha256"]],
        ["failed", 2, "failed", "request", None],
    ]
    site.tick()
    site.run("hooks")
    assert len(told(path)) == 2
    assert "mail.py: on_ready was told of task 1" in (site.home / "logs/hooks.log").read_text()


def test_a_hook_that_fails_is_logged_and_the_others_are_told(site: Site) -> None:
    write(site, "a_broken.py", "def on_ready(task):\n    raise RuntimeError('no mail today')\n")
    write(site, "b_nonsense.py", "this is not Python")
    path = write(site, "c_good.py", TELLS)
    site.order("good", ISO)
    site.tick_until(lambda: told(path))
    log = site.home / "logs/hooks.log"
    wait_for(lambda: "on_ready was told" in log.read_text())
    assert "a_broken.py: on_ready failed for task 1:" in log.read_text()
    assert "RuntimeError: no mail today" in log.read_text()
    assert "b_nonsense.py: on_ready failed for task 1:" in log.read_text()
    assert "NameError" in log.read_text()
    assert site.task(1)["state"] == "ready"


def test_a_hook_that_hangs_is_ended(site: Site, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it catches, and with what it has started."""
    write(site, "hangs.py", HANGS)
    site.order("good", ISO)
    site.carry()
    monkeypatch.setattr(hooks, "LIMIT", 1)
    said: list[str] = []
    assert hooks.call_due(desk, said.append) == 1
    assert said == ["hangs.py: on_ready failed for task 1: hangs.py took longer than 1 s."]
    assert hooks.call_due(desk, said.append) == 0
    assert site.processes("sleep") == []


def test_a_hook_that_ends_its_process_ends_no_other(site: Site, desk: Desk) -> None:
    write(site, "a_exits.py", "import sys\n\ndef on_ready(task):\n    sys.exit(7)\n")
    write(site, "b_dies.py", "import os\n\ndef on_ready(task):\n    os.kill(os.getpid(), 9)\n")
    write(site, "c_other.py", "def on_failed(task):\n    pass\n")
    path = write(site, "d_good.py", TELLS)
    site.order("good", ISO)
    site.carry()
    said: list[str] = []
    assert hooks.call_due(desk, said.append) == 1
    assert said == [
        "a_exits.py: on_ready failed for task 1: its process ended with 7",
        "b_dies.py: on_ready failed for task 1: its process ended with -9",
        "d_good.py: on_ready was told of task 1",
    ]
    assert len(told(path)) == 1


def test_a_task_that_was_removed_meanwhile_is_not_told(site: Site, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(site, "mail.py", TELLS)
    for name in ("one", "two"):
        site.order(name, ISO)
        site.carry()
    looks = [hooks._due(desk), []]
    desk.remove(1)
    monkeypatch.setattr(hooks, "_due", lambda _: looks.pop(0))
    assert hooks.call_due(desk, lambda _: None) == 2
    assert [line[1] for line in told(path)] == [2]


def test_a_site_without_hooks_calls_nobody(site: Site) -> None:
    site.order("good", ISO)
    site.carry()
    site.tick()
    assert not (site.home / "logs/hooks.log").exists()
