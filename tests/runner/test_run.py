"""One build, from the order to the download, as people and crontabs start it."""

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import sh
from sites import GATED, ISO, Site, pids, read, wait_for

TELLS_ALL = GATED.replace('printf "an ISO"', '{ env; id -un; cat "$ISOBUILD_OPTIONS"; }').replace(
    "any.iso", "$ISOBUILD_ISO"
)
DAEMONS = "#!/bin/sh\nsetsid sleep 301 &\n(setsid sh -c 'sleep 302 & wait' &)\nsleep 303\n"


def test_from_the_order_to_the_download(site: Site, build_user: str) -> None:
    """S1.32: claimed, handled, kept with its output, finished."""
    site.write_script("make.sh", TELLS_ALL)
    assert site.run("order", "script", "--script", "make.sh", "--name", "mine").stdout == "1\n"
    site.tick()
    wait_for(lambda: site.processes("sleep"))
    assert (site.task()["state"], site.build()["busy"]) == ("building", True)
    token = site.row().token or ""
    assert not [pid for pid in pids() if token in read(f"/proc/{pid}/cmdline")]
    site.open_gate()
    assert site.built()["state"] == "succeeded"

    target = Path(site.run("download", 1, "-o", site.home).stdout.strip())
    shown = site.task()
    assert (shown["state"], shown["sha256"]) == ("ready", hashlib.sha256(target.read_bytes()).hexdigest())
    assert site.isos() == [site.home / "store/1/mine.iso"]
    assert site.isos()[0].read_bytes() == target.read_bytes()
    _check_contract(target.read_text(), site, build_user)
    assert token in target.read_text()
    assert not [log for log in (site.home / "logs").iterdir() if token in log.read_text()]
    wait_for(site.is_clear)


def _check_contract(told: str, site: Site, build_user: str) -> None:
    place = site.home / "work/1"
    expected = {
        "ISOBUILD_BUILD": "1", "ISOBUILD_TASK": "1", "ISOBUILD_NAME": "mine", "ISOBUILD_RECIPE": "script",
        "ISOBUILD_ATTEMPT": "1", "ISOBUILD_ISO": "mine.iso", "ISOBUILD_IN": f"{place}/in",
        "ISOBUILD_WORK": f"{place}/work", "ISOBUILD_OUT": f"{place}/out", "ISOBUILD_TOKEN": site.row().token,
        "ISOBUILD_OPTIONS": f"{place}/in/options.json", "SOURCE_DATE_EPOCH": str(_epoch(site)),
        "ISOBUILD_SETTINGS": f"{place}/in/settings.json", "ISOBUILD_SLOTS": "1",
        "ISOBUILD_DEPENDENCIES": f"{place}/in/dependencies.json",
        "HOME": f"{place}/work", "TMPDIR": f"{place}/tmp", "PWD": f"{place}/work", "LANG": "C.UTF-8",
        "USER": build_user, "LOGNAME": build_user, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    }  # fmt: skip
    environment, _, options = told.partition(f"\n{build_user}\n")
    assert dict(line.split("=", 1) for line in environment.splitlines()) == expected
    assert json.loads(options) == site.task()["options"]
    assert json.loads(options)["script"] == "make.sh"


def _epoch(site: Site) -> int:
    return int(datetime.fromisoformat(site.task()["created_at"]).timestamp())


def test_progress_is_seen_while_it_goes_on(site: Site) -> None:
    """S1.13: how far it is, while it is built."""
    site.order(text=GATED)
    site.tick()
    wait_for(lambda: "out isobuild: 40% unpacking\n" in site.log())
    wait_for(lambda: (site.build()["step"], site.build()["percent"]) == ("unpacking", 39.2))
    site.open_gate()
    assert site.built()["percent"] == 100


def test_the_log_tells_who_said_what_when(site: Site) -> None:
    """S1.17, S2.8: all that a build printed, and how it ended."""
    site.order(text="#!/bin/sh\necho to people\necho to the judge >&2\nexit 3\n")
    assert site.carry()["state"] == "failed"
    said = [
        re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\w+) (.*)", line) for line in site.log().split("\n")
    ]
    lines = [line.groups() for line in said if line]
    assert len(lines) == site.log().count("\n")
    assert [line[0] for line in lines] == sorted(line[0] for line in lines)
    assert ("out", "to people") in [line[1:] for line in lines]
    assert ("err", "to the judge") in [line[1:] for line in lines]
    assert lines[0][1:] == ("run", "build 1 of task 1 (first), attempt 1 of 5")
    assert lines[-1][1:] == ("run", "failed (host): Step first.sh ended with exit status 3: to the judge")


def test_a_build_out_of_time_is_ended_with_all_it_started(site: Site) -> None:
    """S0.26, S4.10: longer than its limit no build goes on."""
    site.order(text=DAEMONS, time_limit=1.0)
    build = site.carry()
    assert (build["state"], build["cause"], build["step"]) == ("timed_out", "timeout", "first.sh")
    assert build["error"] == "The build took longer than its limit of 1 s, in step first.sh."
    assert site.task()["state"] == "pending"
    assert site.is_clear()


def test_a_cancel_is_obeyed_within_seconds(site: Site) -> None:
    site.order(text=DAEMONS)
    site.tick()
    wait_for(lambda: len(site.processes("sleep")) == 3)
    asked = time.monotonic()
    assert "stops within seconds" in site.run("cancel", 1).stderr
    build = site.built()
    assert time.monotonic() - asked < 5, "a cancel is promised to be obeyed within 5 s"
    assert (build["state"], build["cause"], build["error"]) == ("canceled", None, "canceled by a person")
    assert site.task()["state"] == "canceled"
    wait_for(site.is_clear)


def test_a_build_can_be_claimed_once_and_by_its_token_only(site: Site) -> None:
    """S1.32: a build that is not there to be carried is refused."""
    site.order()
    number, token = site.flag()
    assert "the token is not the one of build 1" in site.run("run", number, ISOBUILD_TOKEN="0" * 32, code=3).stderr
    site.run("run", number, ISOBUILD_TOKEN=token)
    assert site.build()["state"] == "succeeded"
    before = site.task()
    assert "has ended already (succeeded)" in site.run("run", number, ISOBUILD_TOKEN=token, code=3).stderr
    assert site.task() == before


def test_a_recipe_that_breaks_fails_its_build_alone(site: Site) -> None:
    """S2.C12, S4.C6: an error ends its build and is kept; the next one is built."""
    site.order("first")
    (site.home / "scripts/first.sh").unlink()
    build = site.carry()
    assert (build["state"], build["percent"]) == ("failed", 0.0)
    assert "first.sh" in (build["error"] or "")
    site.order("second", ISO)
    assert site.carry()["state"] == "succeeded"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
def test_a_full_disk_is_the_hosts_fault_and_is_tried_again(site: Site) -> None:
    site.order(text='#!/bin/sh\ntruncate -s 2M "$ISOBUILD_OUT/any.iso"\n')
    with _small_disk(site.home / "store") as enlarge:
        build = site.carry()
        assert (build["state"], build["cause"]) == ("failed", "host")
        assert "has room for" in (build["error"] or "")
        assert "2.0 MiB are needed" in (build["error"] or "")
        assert site.stored() == []
        enlarge()
        wait_for(lambda: site.run("tick").stdout != "idle\n")
        assert site.built()["state"] == "succeeded"
        assert site.isos()[0].stat().st_size == 2 << 20


@contextmanager
def _small_disk(folder: Path) -> Iterator[Callable[[], object]]:
    folder.mkdir()
    sh.Command("mount")("-t", "tmpfs", "-o", "size=65m", "tmpfs", str(folder))
    try:
        yield lambda: sh.Command("mount")("-o", "remount,size=100m", str(folder))
    finally:
        sh.Command("umount")(str(folder))


def test_a_recipe_that_is_gone_is_the_orders_fault(site: Site) -> None:
    """S1.37, S2.C11: a recipe that is missing is a failure, with its name."""
    site.order(text=ISO)
    next((site.home / "scripts").iterdir()).unlink()
    build = site.carry()
    assert (build["state"], build["cause"]) == ("failed", "request")
    assert "first.sh" in build["error"]
    assert site.task()["state"] == "failed"
