"""S1.28: a runner that is told to end gives its build back, wherever it is; no attempt is lost, nothing is left."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sites import GATED, Site, read, wait_for

from isobuild.domain import tasks

STUCK = "#!/bin/sh\nsetsid sleep 301 &\n(setsid sh -c 'sleep 302 & wait' &)\nsleep 303\n"
LATER = "#!/bin/sh\necho isobuild: later\n"
BIG = '#!/bin/sh\ntruncate -s 500M "$ISOBUILD_OUT/any.iso"\n'


@contextmanager
def _running(site: Site, text: str) -> Iterator[subprocess.Popen[str]]:
    """The runner of a first task that this script builds."""
    site.order(text=text)
    number, token = site.flag()
    with site.started("run", number, ISOBUILD_TOKEN=token) as runner:
        yield runner


def _check_given_back(site: Site, runner: subprocess.Popen[str], name: str = "SIGTERM") -> None:
    assert runner.communicate(timeout=30) == ("", "")
    assert runner.returncode == 0
    build, task = site.build(), site.task()
    assert (build["state"], build["cause"]) == ("canceled", None)
    assert build["error"] == f"given back: its runner was told to end ({name})"
    assert f"canceled: {build['error']}\n" in site.log()
    assert (task["state"], task["attempts"], task["not_before"]) == ("pending", 0, None)
    assert site.stored() == []
    wait_for(site.is_clear)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_while_its_script_works(site: Site, number: signal.Signals) -> None:
    """S1.26, S1.28: signals are heard; a runner that is told to end gives its build back."""
    with _running(site, STUCK) as runner:
        wait_for(lambda: len(site.processes("sleep")) == 3)
        runner.send_signal(number)
        _check_given_back(site, runner, number.name)
    site.write_script("first.sh", GATED)
    site.tick()
    wait_for(lambda: site.processes("sleep"))
    site.open_gate(2)
    assert (site.built()["state"], site.built()["attempt"]) == ("succeeded", 1)


def test_with_the_script_that_had_the_signal_too(site: Site) -> None:
    with _running(site, STUCK) as runner:
        wait_for(lambda: len(site.processes("sleep")) == 3)
        runner.send_signal(signal.SIGTERM)
        for pid in site.processes("run_as_user.sh"):
            os.kill(pid, signal.SIGTERM)
        _check_given_back(site, runner)


def test_before_its_claim(site: Site) -> None:
    with _running(site, STUCK) as runner:
        with site.db.writer.begin():  # SQLite: nobody else writes meanwhile
            wait_for(lambda: _catches_sigterm(runner.pid))
            runner.send_signal(signal.SIGTERM)
            assert site.row().runner_id is None, "it was told too late to prove anything"
        _check_given_back(site, runner)
    assert "step first.sh" not in site.log()


def _catches_sigterm(pid: int) -> bool:
    caught = [line for line in read(f"/proc/{pid}/status").splitlines() if line.startswith("SigCgt")]
    return bool(caught) and bool(int(caught[0].split()[1], 16) & 1 << signal.SIGTERM - 1)


def test_while_it_publishes(site: Site) -> None:
    with _running(site, BIG) as runner:
        wait_for(lambda: list(site.home.glob("store/1/.*.part")))
        runner.send_signal(signal.SIGTERM)
        _check_given_back(site, runner)


def test_while_it_waits_for_a_report(site: Site) -> None:
    with _running(site, LATER) as runner:
        wait_for(lambda: "isobuild: later" in site.log())
        runner.send_signal(signal.SIGTERM)
        _check_given_back(site, runner)


def test_twice_is_as_once(site: Site) -> None:
    with _running(site, STUCK) as runner:
        wait_for(lambda: len(site.processes("sleep")) == 3)
        runner.send_signal(signal.SIGTERM)
        runner.send_signal(signal.SIGTERM)
        _check_given_back(site, runner)


def test_a_person_s_no_counts_more(site: Site) -> None:
    with _running(site, STUCK) as runner:
        wait_for(lambda: len(site.processes("sleep")) == 3)
        runner.send_signal(signal.SIGSTOP)
        site.db.write(tasks.cancel, 1, "ann", datetime.now(UTC))
        runner.send_signal(signal.SIGTERM)
        runner.send_signal(signal.SIGCONT)
        assert runner.wait(30) == 0
    assert (site.build()["error"], site.task()["state"]) == ("canceled by a person", "canceled")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_spare_just_ends(site: Site, number: signal.Signals) -> None:
    with _spare(site) as spare:
        spare.send_signal(number)
        assert spare.wait(30) == 0
        assert spare.stdin
        with pytest.raises(BrokenPipeError):
            os.write(spare.stdin.fileno(), b"7 token\n")
        assert spare.stderr
        assert spare.stderr.read() == ""


def test_a_spare_that_is_not_ready_yet_ends_too(site: Site) -> None:
    with site.started("run", stdin=subprocess.PIPE) as spare:
        wait_for(lambda: _catches_sigterm(spare.pid))
        spare.send_signal(signal.SIGTERM)
        assert spare.wait(30) == 0


def test_a_spare_whose_build_came_with_the_signal(site: Site) -> None:
    site.order(text=STUCK)
    number, token = site.flag()
    with _spare(site) as spare:
        spare.send_signal(signal.SIGSTOP)
        assert spare.stdin
        os.write(spare.stdin.fileno(), f"{number} {token}\n".encode())
        spare.send_signal(signal.SIGTERM)
        spare.send_signal(signal.SIGCONT)
        _check_given_back(site, spare)


@contextmanager
def _spare(site: Site) -> Iterator[subprocess.Popen[str]]:
    """A spare runner that waits for its build; its `stdin` is the keeper's pipe."""
    with site.started("run", stdin=subprocess.PIPE) as spare:
        wait_for(lambda: _waits(spare.pid))
        yield spare


def _waits(pid: int) -> bool:
    """Whether it has both ends of a pipe, by which its signals wake it."""
    with suppress(OSError):  # one was closed while we looked
        ends = [end.readlink().name for end in Path(f"/proc/{pid}/fd").iterdir()]
        return any(end.startswith("pipe:") and ends.count(end) == 2 for end in ends)
    return False


def test_under_nohup_nothing_happens_when_the_terminal_goes(site: Site) -> None:
    site.order(text=GATED)
    number, token = site.flag()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup leaves it to what it starts
    try:
        with site.started("run", number, ISOBUILD_TOKEN=token) as runner:
            wait_for(lambda: site.processes("sleep"))
            runner.send_signal(signal.SIGHUP)
            site.open_gate()
            assert runner.wait(30) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert site.build()["state"] == "succeeded"
