"""Loops as processes: what they hear, that they build each task once, and what is left when one dies."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from servers import Databases, Server
from sites import GATED, ISO, Site, opened, wait_for
from sqlalchemy import select

from isobuild.domain import reaping
from isobuild.domain.hosts import Host
from isobuild.domain.states import RunnerState
from isobuild.domain.tables import Runner

STUCK = "#!/bin/sh\nsetsid sleep 301 &\nsleep 302\n"
STUCK_ONCE = ISO.replace("set -e", '[ "$ISOBUILD_ATTEMPT" != 1 ] || { setsid sleep 301 & sleep 302; }')
FAILS = "#!/bin/sh\nexit 1\n"
Loop = subprocess.Popen[str]


@contextmanager
def loop(site: Site, *arguments: object) -> Iterator[Loop]:
    """A loop that has sat down."""
    before = len(runners(site))
    with site.started("work", *arguments) as process:
        wait_for(lambda: len(runners(site)) > before or process.poll() is not None)
        yield process


def said(process: Loop, code: int = 0) -> list[str]:
    """What a loop said until its end, without the times."""
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, ""), out + err
    return [line.split(" ", 1)[1] for line in out.splitlines()]


def hear(process: Loop, words: str) -> None:
    """Read on until it says this."""
    assert process.stdout
    while words not in (line := process.stdout.readline()):
        assert line, f"it ended without {words!r}"


def runners(site: Site) -> list[Runner]:
    with site.db.read() as session:
        return list(session.scalars(select(Runner).order_by(Runner.id)))


def states(site: Site) -> list[RunnerState]:
    return [runner.state for runner in runners(site)]


# signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_finishes_the_build_in_hand(site: Site, number: signal.Signals) -> None:
    """S1.26, S1.28, S1.29, S1.33: the handler only notes it; the next task is left."""
    site.order("first", GATED)
    site.order("second")
    with loop(site) as process:
        wait_for(lambda: site.processes("sleep"))
        process.send_signal(number)
        site.open_gate()
        assert said(process)[-1] == f"ends: it was told to ({number.name}); builds carried: 1"
    assert (site.build()["state"], site.task(2)["state"], states(site)) == ("succeeded", "pending", ["ended"])


def test_told_again_it_gives_the_build_back(site: Site) -> None:
    """S1.28: no attempt is lost, and nothing of it is left."""
    site.order(text=STUCK)
    with loop(site) as process:
        wait_for(lambda: len(site.processes("sleep")) == 2)
        process.send_signal(signal.SIGTERM)
        hear(process, "told to end (SIGTERM): a build in hand is finished first; told again, it is given back")
        process.send_signal(signal.SIGINT)
        assert said(process)[-1].startswith("ends: it was told to (SIGTERM)")
    build, task = site.build(), site.task()
    assert (build["state"], build["error"]) == ("canceled", "given back: its runner was told to end (SIGINT)")
    assert (task["state"], task["attempts"], states(site)) == ("pending", 0, ["ended"])
    assert site.is_clear()


def test_told_while_it_has_nothing_to_do_it_ends(site: Site) -> None:
    with loop(site, "--sleep", 600) as process:
        process.send_signal(signal.SIGTERM)
        assert said(process)[-1] == "ends: it was told to (SIGTERM); builds carried: 0"


def test_it_reads_its_settings_again_between_builds(site: Site) -> None:
    """S1.29: SIGHUP; with a broken file it keeps what it had."""
    site.order(text=GATED)
    site.order("later", queue="low")
    settings = site.home / "isobuild.toml"
    with loop(site, "--sleep", 600) as process:
        wait_for(lambda: site.processes("sleep"))
        settings.write_text('queues = ["default"]\n')
        process.send_signal(signal.SIGHUP)
        site.open_gate()
        hear(process, "build 1 of task 1 (first): ready")
        hear(process, "queues default\n")
        settings.write_text("slots = ")
        process.send_signal(signal.SIGHUP)
        hear(process, "The settings stay as they were.")
        process.send_signal(signal.SIGTERM)
        assert said(process)[-1].startswith("ends: it was told to")
    assert (site.in_state("ready"), site.in_state("pending", 2)) == (True, True)
    assert states(site) == ["ended"]


# when it ends, and what it takes


def test_all_queues_in_their_order_unless_some_are_named(site: Site) -> None:
    """S2.5, S2.13, S2.16, S2.17, S1.34: what matters goes to a queue that is served before the others."""
    for number, queue in enumerate(("low", "default", "high", "low"), 1):
        site.order(f"t{number}", queue=queue)
    site.run("work", "--queue", "low,high", "--max-builds", 2)
    site.run("work", "--until-empty")
    assert [build["task_id"] for build in site.json("builds")][::-1] == [1, 4, 3, 2]


def test_a_queue_that_is_none(site: Site) -> None:
    said = site.run("work", "--queue", "high,hihg", code=2).stderr
    assert "queue: there is no queue 'hihg'; there are: high, default, low." in said


def test_it_waits_until_all_of_its_queues_is_done(site: Site) -> None:
    """S2.C3, S4.31: it goes on for good, until there is nothing left, or until all has ended: PushDep's modes."""
    site.order(text=GATED)
    site.order("behind", FAILS, queue="low", not_before=datetime.now(UTC) + timedelta(days=1))
    site.env["ISOBUILD_SLOTS"] = "3"
    with loop(site) as always, loop(site, "--wait", "--queue", "default") as wait:
        wait_for(lambda: site.processes("sleep"))
        site.run("work", "--until-empty")
        assert states(site) == ["running", "running", "ended"]
        site.open_gate()
        assert said(wait)[-1].startswith("ends: there is nothing left that it may build")
        assert states(site)[0] == "running"
        always.send_signal(signal.SIGTERM)
        said(always)
    waited = runners(site)[1]
    assert site.built()["finished_at"] < (waited.finished_at or waited.started_at).isoformat()


def test_one_attempt_is_one(site: Site) -> None:
    """S2.C4: a 1 is not taken for what the site says."""
    site.order("once", FAILS)
    site.order("thrice", FAILS, max_attempts=1, queue="high")
    site.run("work", "--attempts", 1, "--wait", "--queue", "default", "--sleep", 0)
    site.run("work", "--attempts", 3, "--wait", "--sleep", 0)
    assert [site.task(number)["state"] for number in (1, 2)] == ["failed"] * 2
    assert [len(site.builds(number)) for number in (1, 2)] == [1, 3]


def test_three_loops_build_thirty_tasks_each_once(site: Site) -> None:
    """S2.C6, S1.31: no two have the same; none is left out."""
    site.env["ISOBUILD_SLOTS"] = "3"
    for number in range(30):
        site.order(f"t{number}")
    with ExitStack() as started:
        loops = [started.enter_context(site.started("work", "--until-empty")) for _ in range(3)]
        carried = [int(said(each)[-1].rpartition(" ")[2]) for each in loops]
    built = site.json("builds")
    assert (sum(carried), len(built)) == (30, 30)
    assert {build["task_id"] for build in built} == set(range(1, 31))
    assert {build["state"] for build in built} == {"succeeded"}
    assert (states(site), site.is_clear()) == (["ended"] * 3, True)
    assert len(site.isos()) == 30


def test_a_loop_more_than_slots_is_refused(site: Site) -> None:
    """S1.30: in words."""
    with loop(site):
        assert "has 1 slots, and a loop that builds on each of them" in site.run("work", code=3).stderr


# with the tick


def test_with_launch_false_loops_do_all_the_building(site: Site) -> None:
    site.env["ISOBUILD_LAUNCH"] = "false"
    site.order()
    assert site.run("tick").stdout == "idle\n"
    assert "start a loop: isobuild work" in site.run("runners").stderr
    with loop(site):
        site.run("up", "--port", 0, "--until-empty")
    assert (site.in_state("ready"), [runner.kind for runner in runners(site)]) == (True, ["work"])
    assert not (site.home / "logs/spare.runner").exists()


def test_a_tick_that_launches_and_a_loop_share_the_slots(site: Site) -> None:
    for name in ("a", "b"):
        site.order(name, GATED)
    with loop(site) as process:
        wait_for(lambda: site.processes("sleep"))
        assert site.run("tick").stdout == "idle\n"
        process.send_signal(signal.SIGTERM)
        site.open_gate()
        said(process)
    site.tick()
    wait_for(lambda: site.processes("sleep"))
    assert "builds carried: 0" in site.run("work", "--until-empty").stdout
    site.open_gate(2)
    assert site.built(2)["state"] == "succeeded"
    assert [build["task_id"] for build in site.json("builds")] == [2, 1]


# what goes wrong


def test_a_loop_that_is_killed_loses_its_build_and_no_more(site: Site) -> None:
    """S1.24, S1.39, S4.C6: reaped at the next tick, tried again; its slot and its seat are free."""
    site.env["ISOBUILD_LAUNCH"] = "false"
    site.order(text=STUCK_ONCE)
    with loop(site) as process:
        wait_for(lambda: len(site.processes("sleep")) == 2)
        process.kill()
        process.wait()
    wait_for(lambda: not site.processes())  # the leash: nobody has ticked yet
    assert site.run("work", code=3).stderr
    assert site.run("tick").stdout.startswith("reaped 1")
    assert (site.build()["cause"], states(site)) == ("lost", ["lost"])
    site.run("work", "--wait")
    assert [build["state"] for build in site.builds()] == ["failed", "succeeded"]
    assert site.is_clear()


def test_a_loop_that_was_taken_for_lost_ends_its_build_and_goes_on(site: Site) -> None:
    """S1.24: another host's tick thought so; what it had taken is built again, and its late end counts for nothing."""
    site.env["ISOBUILD_LEASE"] = "2"
    site.order(text=STUCK_ONCE)
    with loop(site, "--max-builds", 2) as process:
        wait_for(lambda: len(site.processes("sleep")) == 2)
        process.send_signal(signal.SIGSTOP)
        site.db.write(reaping.reap, Host("elsewhere"), datetime.now(UTC) + timedelta(seconds=3))
        process.send_signal(signal.SIGCONT)
        assert [line for line in said(process) if "was taken for lost" in line]
    assert [(build["state"], build["cause"]) for build in site.builds()] == [("failed", "lost"), ("succeeded", None)]
    assert states(site) == ["lost", "ended"]
    assert site.is_clear()


@pytest.mark.parametrize("kind", ["mariadb", "postgresql"])
def test_a_database_that_is_away(
    request: pytest.FixtureRequest, kind: str, home: Path, build_user: str, migrated: Callable[[Databases], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """S4.C6: it waits for it, says so once, and goes on; from its start, between builds and during one."""
    server: Server = request.getfixturevalue(kind)
    url = server.copy(migrated(server), "loops")
    monkeypatch.delenv("ISOBUILD_HOME")  # the server, when it is started again, is not one of the site's processes
    with opened(home, build_user, ISOBUILD_DATABASE=url) as site:
        site.order("first", GATED)
        server.stop()
        with site.started("work", "--sleep", 0.1, "--max-builds", 2) as process:
            hear(process, "The loop waits for it.")
            server.start()
            wait_for(lambda: site.processes("sleep"))
            server.stop()
            wait_for(lambda: "The build goes on." in site.log())
            site.open_gate()
            wait_for(lambda: "succeeded: the ISO is ready" in site.log())
            server.start()
            wait_for(lambda: site.in_state("ready"))
            server.stop()
            server.start()
            site.order("second")
            lines = said(process)
        assert [site.task(number)["state"] for number in (1, 2)] == ["ready", "ready"]
        assert lines[0] == "The database answers again."
    server.drop("loops")


# looking at them


def test_runners_are_listed(site: Site) -> None:
    """S1.19, S1.20: process, host, kind, since when, the build in hand; `--all` those that have ended too."""
    site.order(text=GATED)
    with loop(site) as process:
        wait_for(lambda: site.processes("sleep"))
        (shown,) = site.json("runners")
        facts = {"id": 1, "kind": "work", "pid": process.pid, "state": "running", "build": 1, "finished_at": None}
        assert shown | facts == shown
        assert shown["memory"] > 1 << 20
        assert site.run("runners").stdout.splitlines()[1].split()[:2] == ["1", "work"]
        process.send_signal(signal.SIGTERM)
        site.open_gate()
        said(process)
    assert site.json("runners") == []
    (shown,) = json.loads(site.run("runners", "--all", "--json").stdout)
    assert (shown["state"], shown["build"]) == ("ended", None)
    assert shown["finished_at"] > shown["started_at"]
