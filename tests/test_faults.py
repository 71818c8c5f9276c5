"""kill -9, and databases that go away, at every stage of a build: the next ticks mend it, and nothing is left."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import Databases, Server
from sites import GATED, Site, build_user, opened, pids, read, site, wait_for
from sqlalchemy import select

from isobuild.domain.tables import Artifact

__all__ = ["build_user", "site"]

SERVERS = ("mariadb", "postgresql")
SHORT = {"ISOBUILD_LEASE": "2"}
FIRST_ONLY = '#!/bin/sh\nset -e\n{}\nprintf "an ISO" >"$ISOBUILD_OUT/any.iso"\n'
STUCK = FIRST_ONLY.format('[ "$ISOBUILD_ATTEMPT" != 1 ] || { setsid sleep 301 & sleep 302; }')
STUCK_LATE = (
    '#!/bin/sh\necho x >"$ISOBUILD_OUT/any.iso"\n[ "$ISOBUILD_ATTEMPT" != 1 ] || { setsid sleep 301 & sleep 302; }\n'
)
BIG = FIRST_ONLY.format('[ "$ISOBUILD_ATTEMPT" != 1 ] || { truncate -s 500M "$ISOBUILD_OUT/any.iso"; exit 0; }')
DYING = """
import os, signal
from datetime import UTC, datetime
from isobuild import site, tick
from isobuild.config import load
from isobuild.errors import IsobuildError

class Launcher:
    def launch(self, build, token):
        os.kill(os.getpid(), signal.SIGKILL)

settings = load()
site.prepare(settings)
database, ticking, now = site.database(settings), site.ticking(settings), datetime.now(UTC)
tick.enqueue(database, ticking, now)
"""
BEFORE_THE_FLAG = DYING + "os.kill(os.getpid(), signal.SIGKILL)"
AFTER_THE_FLAG = DYING + "tick.launch(database, Launcher(), ticking, now)"


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def served(
    server: Server, home: Path, build_user: str, migrated: Callable[[Databases], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """A site whose database is on a server."""
    monkeypatch.delenv("ISOBUILD_HOME")  # the server, when it is started again, is not one of the site's processes
    with opened(home, build_user, ISOBUILD_DATABASE=server.copy(migrated(server), "faults")) as site:
        yield site
    server.drop("faults")


def recover(site: Site, builds: int) -> None:
    """Tick until the task is ready, by the last of so many builds; then nothing but its ISO is left."""

    def ready() -> bool:
        site.tick()
        return site.in_state("ready")

    wait_for(ready, 60)
    wait_for(lambda: not (site.processes() or _processes_of(site.env["ISOBUILD_BUILD_USERS"])))
    wait_for(lambda: not site.workspaces())
    site.tick()  # what a dead runner left in the store goes with a tick
    assert [build["state"] for build in site.builds()] == ["failed"] * (builds - 1) + ["succeeded"]
    assert {build["cause"] for build in site.builds()[:-1]} <= {"lost"}
    assert site.isos() == [site.home / f"store/{site.builds()[-1]['id']}/first.iso"]
    with site.db.read() as session:
        files = session.scalars(select(Artifact.file)).all()
    assert sorted(files) == [path.name for path in site.stored()]
    assert str(site.home) not in read("/proc/self/mountinfo")


def _processes_of(user: str) -> list[int]:
    if os.geteuid():
        return []  # builds run as the present user, who has other processes too
    uid = f"\nUid:\t{pwd.getpwnam(user).pw_uid}\t"
    return [pid for pid in pids() if uid in read(f"/proc/{pid}/status")]


def _runner(site: Site, build: int = 1) -> int:
    """The process of a build's runner, once it has claimed it."""
    runner = wait_for(lambda: site.runner(build))
    assert runner
    return runner.pid


def _die(site: Site, program: str) -> None:
    assert subprocess.run([sys.executable, "-c", program], env=site.env, check=False).returncode == -signal.SIGKILL


def test_the_tick_between_its_two_rules(site: Site) -> None:
    site.order()
    _die(site, BEFORE_THE_FLAG)
    assert (site.build()["finished"], site.build()["busy"]) == (False, False)
    recover(site, builds=1)


def test_the_tick_after_the_flag(site: Site) -> None:
    site.env |= SHORT
    site.order()
    _die(site, AFTER_THE_FLAG)
    assert (site.build()["finished"], site.build()["busy"], site.row().runner_id) == (False, True, None)
    recover(site, builds=2)
    assert "was never seen" in site.build()["error"]


@pytest.mark.parametrize("script", [STUCK, STUCK_LATE], ids=["early", "late"])
def test_the_runner_while_the_script_works(site: Site, script: str) -> None:
    """S0.26, S1.44: a crash costs an attempt, and leaves nothing behind."""
    site.order(text=script)
    site.tick()
    _kill_the_runner_at_work(site)


def test_the_runner_while_the_script_works_with_a_server(served: Site) -> None:
    served.order(text=STUCK)
    served.tick()
    _kill_the_runner_at_work(served)


def _kill_the_runner_at_work(site: Site) -> None:
    wait_for(lambda: len(site.processes("sleep")) == 2)
    os.kill(_runner(site), signal.SIGKILL)
    wait_for(lambda: not site.processes())  # the leash: nobody has ticked yet
    recover(site, builds=2)
    assert "is gone" in site.build()["error"]


def test_the_runner_while_it_publishes(site: Site) -> None:
    site.order(text=BIG)
    site.tick()
    wait_for(lambda: list(site.home.glob("store/1/.*.part")))
    os.kill(_runner(site), signal.SIGKILL)
    assert not site.build()["finished"]
    assert list(site.home.glob("store/1/.*.part")), "it was killed too late to prove anything"
    recover(site, builds=2)


def test_the_runner_between_the_store_and_the_database(site: Site) -> None:
    site.order(text=GATED)
    site.tick()
    runner = _runner(site)
    wait_for(lambda: site.processes("sleep"))
    with site.db.writer.begin():  # SQLite: nobody else writes meanwhile
        site.open_gate()
        wait_for((site.home / "store/1/first.iso").exists)
        os.kill(runner, signal.SIGKILL)
    assert site.build()["busy"]
    wait_for(lambda: not site.processes())
    site.write_script("first.sh", FIRST_ONLY.format(""))
    recover(site, builds=2)


def test_the_clock_itself(site: Site) -> None:
    site.order(text=GATED)
    with site.started("up", "--port", 0) as clock:
        wait_for(lambda: site.processes("sleep"))
        clock.kill()
        clock.wait()
    assert site.build()["busy"]
    with site.started("up", "--port", 0, "--until-empty") as clock:
        site.open_gate()
        assert clock.wait(60) == 0
    recover(site, builds=1)


def test_the_server_is_away_during_a_build(served: Site, server: Server) -> None:
    served.order(text=GATED)
    served.tick()
    wait_for(lambda: served.processes("sleep"))
    server.stop()  # for as long as it takes that everybody noticed, some seconds: no more would come of a longer outage
    wait_for(lambda: "The build goes on." in served.log())
    assert "can't be reached" in served.run("tick", code=1).stderr
    served.open_gate()
    wait_for(lambda: "succeeded: the ISO is ready" in served.log())
    server.start()
    recover(served, builds=1)


def test_the_server_is_away_when_the_runner_is_told_to_end(served: Site, server: Server) -> None:
    served.order(text=STUCK)
    served.tick()
    wait_for(lambda: len(served.processes("sleep")) == 2)
    runner = _runner(served)
    server.stop()
    os.kill(runner, signal.SIGTERM)
    wait_for(lambda: not served.processes(), 60)  # it does not wait for the server as long as it otherwise would
    assert "can't be reached" in (served.home / "logs/1.runner").read_text()
    server.start()
    recover(served, builds=2)
    assert "is gone" in served.build()["error"]


def test_the_server_is_away_for_the_clock(served: Site, server: Server) -> None:
    with served.started("up", "--port", 0) as clock:
        _hear(clock, "Serving")
        server.kill()
        served.run("tick", code=1)
        _nudge(served)
        _hear(clock, "The tick goes on trying.")
        server.start()
        served.order()
        _nudge(served)
        wait_for(lambda: served.in_state("ready"))
        clock.send_signal(signal.SIGTERM)
        assert clock.wait(30) == 0
    recover(served, builds=1)


def _nudge(site: Site) -> None:
    (site.home / "nudge").write_bytes(b".")


def _hear(clock: subprocess.Popen[str], words: str) -> None:
    over = time.monotonic() + 30
    assert clock.stderr
    while words not in (line := clock.stderr.readline()):
        assert line, f"it ended without saying {words!r}"
        assert time.monotonic() < over
