"""A site for one test: a home, real `isobuild` processes, scripts to build with, and what is left of them all."""

import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from servers import Files

from isobuild import site as parts
from isobuild.config import Settings, load
from isobuild.db import Database
from isobuild.domain import builds, listing, orders, turns
from isobuild.domain.tables import Build, Runner

T = TypeVar("T")
PATIENCE = 30.0  # seconds for what takes one or two, on a loaded machine
QUEUES = ("high", "default", "low")
ISO = """#!/bin/sh
set -e
printf "an ISO" >"$ISOBUILD_OUT/any.iso"
"""
GATED = """#!/bin/sh
set -e
echo "isobuild: 40% unpacking"
while [ ! -e go ]; do sleep 0.05; done
printf "an ISO" >"$ISOBUILD_OUT/any.iso"
"""
SCARCE = {"ISOBUILD_RETRY_DELAY": "0.1", "ISOBUILD_LEASE": "5", "ISOBUILD_HEARTBEAT": "1", "ISOBUILD_BOOT_TEST": "no"}
SCARCE |= {"ISOBUILD_RESOLVE": "no"}  # no network


@pytest.fixture(scope="session")
def build_user() -> Iterator[str]:
    """A build user that only this session has; without root rights, the present one."""
    if os.geteuid():
        yield pwd.getpwuid(os.geteuid()).pw_name
        return
    name = f"isobuild-{secrets.token_hex(4)}"
    subprocess.run(["useradd", "-r", "-F", "-M", "--shell", "/usr/sbin/nologin", name], check=True)
    yield name
    subprocess.run(["userdel", name], check=True)


@pytest.fixture
def site(home: Path, build_user: str, sqlite: Files, migrated: Callable[[Files], str]) -> Iterator["Site"]:
    """A site with an empty SQLite database of its own; at the end, none of its processes is left."""
    shutil.copy(sqlite.url(migrated(sqlite)).removeprefix("sqlite:///"), home / "isobuild.sqlite3")
    with opened(home, build_user) as site:
        yield site


@contextmanager
def opened(home: Path, build_user: str, **settings: str) -> Iterator["Site"]:
    """A site in a folder; at the end, none of its processes is left."""
    site = Site(home, {"ISOBUILD_HOME": str(home), "ISOBUILD_BUILD_USERS": build_user} | SCARCE | settings)
    try:
        yield site
    finally:
        site.end()


def wait_for(condition: Callable[[], T], patience: float = PATIENCE) -> T:
    """What the condition gives as soon as that is true; fails after `patience` seconds."""
    over = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < over, f"waited {patience:g} s in vain"
        time.sleep(0.02)
    return found


def pids() -> list[int]:
    """Every process of this machine."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def read(path: str) -> str:
    """The text of a file of /proc; empty if its process is gone or another user's."""
    with suppress(OSError):
        return Path(path).read_bytes().decode(errors="replace")
    return ""


class Site:
    """isobuild in a home of its own."""

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        self.home = home
        own = ("ISOBUILD_", "http_proxy", "https_proxy", "no_proxy")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        self.env = {**kept, **settings}
        self.db = Database(settings.get("ISOBUILD_DATABASE") or f"sqlite:///{home}/isobuild.sqlite3")

    # commands

    @contextmanager
    def started(
        self, *arguments: object, stdin: int = subprocess.DEVNULL, **env: str
    ) -> Iterator[subprocess.Popen[str]]:
        """`isobuild …` as a process of its own, its output in pipes; it is ended with the context."""
        process = subprocess.Popen(
            [sys.executable, "-m", "isobuild", *map(str, arguments)],
            env=self.env | env, cwd=self.home, text=True,
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def run(self, *arguments: object, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `isobuild …` to its end, which must be this exit code, and never with a traceback."""
        with self.started(*arguments, stdin=subprocess.DEVNULL, **env) as process:
            out, err = process.communicate(timeout=PATIENCE * 2)
        assert process.returncode == code, f"exit code {process.returncode}: {out}{err}"
        assert "Traceback" not in out + err
        return subprocess.CompletedProcess(process.args, code, out, err)

    def json(self, *arguments: object) -> Any:
        """What `isobuild … --json` prints."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def python(self, program: Path) -> str:
        """What a Python program of this site's prints."""
        command = [sys.executable, str(program)]
        done = subprocess.run(
            command, env=self.env, cwd=self.home, text=True, check=False, capture_output=True, timeout=PATIENCE * 2
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tick(self) -> None:
        """One tick, as a crontab does it."""
        self.run("tick")

    def tick_until(self, condition: Callable[[], object]) -> None:
        """Tick again and again until the condition holds."""

        def look() -> bool:
            self.tick()
            return bool(condition())

        wait_for(look)

    # orders

    def write_script(self, name: str, text: str) -> None:
        """Put a script among the site's, for every user to read and execute."""
        path = self.home / "scripts" / name
        path.parent.mkdir(mode=0o755, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def order(self, name: str = "first", text: str = ISO, **wish: Any) -> int:
        """A task that is built by this script; its number."""
        self.write_script(f"{name}.sh", text)
        options = {"script": f"{name}.sh", "arguments": [], "settings": {}}
        order = orders.Order(user="ann", name=name, recipe="script", options=options, **({"retry_delay": 0.1} | wish))
        return self.db.write(orders.order, order, QUEUES, datetime.now(UTC)).id

    def flag(self, **settings: Any) -> tuple[int, str]:
        """Give the next task a build and flag that busy, as a tick does before it launches: its number and token."""
        chosen = self.settings(**settings)
        parts.prepare(chosen)
        host, now = parts.host(chosen), datetime.now(UTC)
        self.db.write(turns.enqueue, host, now)
        number = self.db.write(builds.pending_on, host)[0]
        return number, self.db.write(builds.flag_busy, number, host, now) or ""

    def carry(self, **settings: Any) -> dict[str, Any]:
        """Build the next task within this process; its build, ended."""
        number, token = self.flag(**settings)
        parts.runner(self.settings(**settings)).run(number, token)
        return self.build(number)

    def settings(self, **given: Any) -> Settings:
        """The settings, for what is done within this process."""
        kept = {"home": self.home, "build_users": self.env["ISOBUILD_BUILD_USERS"], "boot_test": "no", "resolve": False}
        return load(**kept | given)

    # rows and files

    def task(self, number: int = 1) -> dict[str, Any]:
        """A task, as `isobuild task --json` shows it."""
        with self.db.read() as session:
            return listing.show_task(session, number)

    def build(self, number: int = 1) -> dict[str, Any]:
        """A build, as `isobuild builds --json` shows it."""
        return listing.show_build(self.row(number))

    def builds(self, task: int = 1) -> list[dict[str, Any]]:
        """A task's builds, the oldest first."""
        with self.db.read() as session:
            return listing.list_builds(session, task=task)[::-1]

    def row(self, build: int = 1) -> Build:
        """A build's row, with what is never shown: its token and its process."""
        with self.db.read() as session:
            return session.get_one(Build, build)

    def runner(self, build: int = 1) -> Runner | None:
        """The runner of a build, once it has claimed that."""
        with self.db.read() as session:
            return session.get(Runner, session.get_one(Build, build).runner_id or 0)

    def count(self) -> int:
        """How many tasks there are."""
        with self.db.read() as session:
            return len(listing.list_tasks(session))

    def in_state(self, state: str, task: int = 1) -> bool:
        """Whether a task is in that state."""
        return bool(self.task(task)["state"] == state)

    def built(self, task: int = 1, patience: float = PATIENCE) -> dict[str, Any]:
        """The last build of a task, once it has ended."""

        def ended() -> dict[str, Any] | None:
            found = self.builds(task)
            return found[-1] if found and found[-1]["finished"] else None

        return wait_for(ended, patience) or {}

    def open_gate(self, build: int = 1) -> None:
        """Let the build of a GATED script go on."""
        (self.home / "work" / str(build) / "work" / "go").touch()

    def log(self, build: int = 1) -> str:
        """The text of a build's log."""
        path = self.home / "logs" / f"{build}.log"
        return path.read_text() if path.exists() else ""

    def stored(self) -> list[Path]:
        """Every file in the store."""
        return sorted(path for path in (self.home / "store").rglob("*") if not path.is_dir())

    def isos(self) -> list[Path]:
        """Every ISO in the store."""
        return [path for path in self.stored() if path.suffix == ".iso"]

    def workspaces(self) -> list[str]:
        """The names of the workspaces that are there."""
        return sorted(path.name for path in (self.home / "work").glob("*"))

    # processes

    def processes(self, name: str = "") -> list[int]:
        """The processes that work for this home, or those of them that run this program: it is in their environment."""
        return [pid for pid in pids() if self._owns(pid) and name in ("", read(f"/proc/{pid}/comm").strip())]

    def is_clear(self) -> bool:
        """Whether no process and no workspace of it is left."""
        return not self.processes() and not self.workspaces()

    def _owns(self, pid: int) -> bool:
        return pid != os.getpid() and str(self.home) in read(f"/proc/{pid}/environ")

    def end(self) -> None:
        """End what is left of it."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.processes())
        self.db.dispose()
