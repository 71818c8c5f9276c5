"""The daemon: it serves, ticks at once, and ends in order, while builds go on."""

import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest
from sites import GATED, ISO, Site, opened, wait_for

QUICK = """
from isobuild.image.step import Place, Plan, Step
from isobuild.recipes.base import Options, Recipe


class Quick(Recipe):
    name, title, version, Options = "quick", "Quick", 1, Options

    def plan(self, options: Options, place: Place) -> Plan:
        return Plan({}, (Step("copy", ("cp", "/etc/os-release", f"{place.out / place.iso}")),))
"""
Up = subprocess.Popen[str]


@contextmanager
def up(site: Site, *arguments: object) -> Iterator[tuple[Up, str]]:
    """A daemon that serves, and the address of its page."""
    with site.started("up", "--port", 0, *arguments) as process:
        words = until(process, "The page: ")
        yield process, words.split()[2]


def until(process: Up, words: str) -> str:
    """The first line on stderr with these words."""
    over = time.monotonic() + 30
    assert process.stderr
    while words not in (line := process.stderr.readline()):
        assert line, f"it ended without {words!r}"
        assert time.monotonic() < over
    return line


def end(process: Up, how: signal.Signals = signal.SIGTERM) -> str:
    """End it; its last words."""
    process.send_signal(how)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    return err


def test_the_page_is_there_when_its_address_is_said(site: Site) -> None:
    with up(site) as (_, address):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        with urlopen(address) as page:  # noqa: S310 (http, of this machine)
            assert page.status == 200


def test_what_is_ordered_starts_at_once_and_outlives_the_daemon(site: Site) -> None:
    """S3.7: as soon as possible, in the background."""
    site.write_script("make.sh", GATED)
    with up(site) as (process, _):
        said = site.run("order", "script", "--script", "make.sh", "--name", "mine")
        assert "No daemon" not in said.stderr
        wait_for(lambda: site.processes("sleep"), patience=10)
        assert "Builds in hand go on" in end(process)
    assert site.build()["busy"]
    site.open_gate()
    assert site.built()["state"] == "succeeded"
    assert site.in_state("ready")


def test_one_build_follows_the_other_without_waiting_for_the_clock(site: Site) -> None:
    """S0.23: one after the other, until none is left."""
    for name in ("a", "b", "c"):
        site.order(name)
    assert "Nothing is left to build." in site.run("up", "--port", 0, "--until-empty").stderr
    assert [site.task(number)["state"] for number in (1, 2, 3)] == ["ready"] * 3
    assert [site.task(number)["build"] for number in (1, 2, 3)] == [1, 2, 3]


def test_a_first_iso_is_ordered_once(site: Site) -> None:
    (site.home / "recipes").mkdir()
    (site.home / "recipes/quick.py").write_text(QUICK)
    for _ in range(2):
        said = site.run("up", "--port", 0, "--first", "quick", "--until-empty")
        assert f"Task 1 is ready: {site.home}/store/1/first.iso" in said.stderr
    assert site.count() == 1


def test_a_first_iso_that_failed_is_tried_again(site: Site) -> None:
    site.order(text="#!/bin/sh\nexit 65\n")
    assert "is failed" in site.run("up", "--port", 0, "--first", "tiny", "--until-empty", code=1).stderr
    site.write_script("first.sh", ISO)
    assert "Task 1 is ready" in site.run("up", "--port", 0, "--first", "tiny", "--until-empty").stderr


def test_a_first_iso_that_is_removed_while_it_is_watched(site: Site) -> None:
    site.order()
    with site.started("up", "--port", 0, "--first", "tiny", ISOBUILD_SLOTS="0") as process:
        until(process, "Building your first ISO: task 1")
        site.run("remove", 1)
        until(process, "There is no task 1.")
        until(process, "Serving until you press Ctrl-C.")
        end(process)


def test_ctrl_c_while_the_first_iso_is_built(site: Site) -> None:
    site.order(text=GATED)
    with site.started("up", "--port", 0, "--first", "tiny") as process:
        wait_for(lambda: site.processes("sleep"))
        assert "Ended." in end(process, signal.SIGINT)
    site.open_gate()
    assert site.built()["state"] == "succeeded"


def test_ctrl_c_ends_it_too(site: Site) -> None:
    with up(site) as (process, _):
        assert "Ended." in end(process, signal.SIGINT)


def test_a_port_that_is_taken(site: Site) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = site.run("up", "--port", port, code=2).stderr
    assert said.startswith(f"isobuild: port: {port} can't be used: an address and port that are free")
    assert said.count("\n") == 1


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "localhost", "nonsense"])  # noqa: S104 (to be refused)
def test_other_machines_are_not_served(site: Site, address: str) -> None:
    said = site.run("up", "--port", 0, "--bind", address, code=2).stderr
    assert f"bind: '{address}' is not a loopback address" in said


def test_two_homes_never_meet(site: Site, build_user: str) -> None:
    """S2.4 decided: a site has a database of its own, so that no table needs another name."""
    other_home = Path(tempfile.mkdtemp(prefix="isobuild-home-"))
    other_home.chmod(0o711)
    shutil.copy(site.home / "isobuild.sqlite3", other_home)
    with opened(other_home, build_user) as other, up(site) as (_, here), up(other) as (_, there):
        assert here != there
        for each in (site, other):
            each.write_script("make.sh", f'#!/bin/sh\necho {each.home} >"$ISOBUILD_OUT/x.iso"\n')
            assert each.run("order", "script", "--script", "make.sh", "--name", "mine").stdout == "1\n"
        for each in (site, other):
            wait_for(partial(each.in_state, "ready"))
            assert [path.read_text() for path in each.isos()] == [f"{each.home}\n"]
            assert each.count() == 1
    shutil.rmtree(other_home)


def test_a_second_daemon_of_a_home_does_no_harm(site: Site) -> None:
    site.order(text=GATED)
    with up(site), up(site):
        wait_for(lambda: site.processes("sleep"))
        site.open_gate()
        wait_for(lambda: site.in_state("ready"))
    assert len(site.builds()) == 1
