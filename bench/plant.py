"""A site of two hosts on this machine: one with the daemon, one with loops and a crontab's ticks.

Whatever of it ends is started again, as systemd, supervisord and cron do it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from isobuild import site
from isobuild.config import Settings, executable
from isobuild.db import Database
from isobuild.domain import batch
from isobuild.domain.batch import Ordered
from isobuild.domain.orders import Order
from isobuild.domain.rules import Rules

PATIENCE = 60.0  # seconds for processes to end
EACH = 3.0  # seconds between two ticks of the crontab, which has a minute
SCRIPT = '#!/bin/sh\nset -e\nsleep 0.1\necho "$ISOBUILD_NAME" >"$ISOBUILD_OUT/any.iso"\n'
#: the daemon's host, and the one of the loops
HOSTS: Mapping[str, Mapping[str, str]] = {"oven": {"SLOTS": "1"}, "stove": {"SLOTS": "3", "LAUNCH": "false"}}
WORKS = {"daemon": ("oven", ["up", "--port", "0"]), **{f"loop {n}": ("stove", ["work"]) for n in range(3)}}


def iso_of(name: str) -> bytes:
    """What the script makes of a task of this name."""
    return f"{name}\n".encode()


class Plant:
    """The site, on the database of a URL; its builds run as `user`."""

    def __init__(self, url: str, user: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="isobuild-chaos-"))
        self.home.chmod(0o711)  # the build user passes through
        self.settings = Settings(home=self.home, database=url, build_users=(user,), host="oven")
        site.prepare(self.settings)
        self.database = Database(url)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ticked = 0.0
        script = self.home / "scripts" / "quick"
        script.parent.mkdir()
        script.write_text(SCRIPT)
        script.chmod(0o755)

    def environment(self, host: str) -> dict[str, str]:
        """Of a process on that host; and of nothing that this machine's own site may be set to."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("ISOBUILD_")}
        given = {
            "HOME": str(self.home), "DATABASE": self.settings.database, "HOST": host, "LEASE": "5", "HEARTBEAT": "1",
            "BUILD_USERS": self.settings.build_users[0], **HOSTS[host],
        }  # fmt: skip
        return plain | {f"ISOBUILD_{name}": value for name, value in given.items()}

    def order(self, numbers: range) -> None:
        """Order these builds, which are tried again and again."""
        wishes = [Ordered(self._wish(f"os{number}")) for number in numbers]
        self.database.write(batch.order_all, wishes, self.settings.queues, Rules(), datetime.now(UTC))

    def _wish(self, name: str) -> Order:
        options = {"script": "quick"}
        return Order(user="bench", name=name, recipe="script", options=options, max_attempts=100, retry_delay=0.1)

    # processes

    def keep_up(self) -> None:
        """Start what has ended, and tick when it is time."""
        for name, (host, arguments) in WORKS.items():
            if name not in self.processes or self.processes[name].poll() is not None:
                self.processes[name] = self._start(host, arguments)
        if time.monotonic() > self._ticked + EACH:
            self._ticked = time.monotonic()
            if "tick" not in self.processes or self.processes["tick"].poll() is not None:
                self.processes["tick"] = self._start("stove", ["tick"])

    def _start(self, host: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        with (self.home / "plant.log").open("ab") as log:
            return subprocess.Popen(
                [*executable(), *arguments],
                env=self.environment(host),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def shut_down(self) -> None:
        """End its processes in order; then a tick and a prune remove all traces of dead builds."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            process.wait(PATIENCE)
        until(lambda: not self.living())
        for host, command in product(HOSTS, ("tick", "prune")):  # a tick alone looks at a portion of many folders
            subprocess.run([*executable(), command], env=self.environment(host), check=True, capture_output=True)

    def living(self) -> list[int]:
        """The processes of this site: its home is in their environment."""
        return [pid for pid in pids() if str(self.home) in read(pid, "environ") and pid != os.getpid()]

    def close(self) -> None:
        """End what is left of it, and remove it."""
        for pid in self.living():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.processes.values():
            process.wait(PATIENCE)
        self.database.dispose()
        shutil.rmtree(self.home)


def pids() -> list[int]:
    """Every process of this machine."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def read(pid: int, name: str) -> str:
    """The text of a file of a process in /proc; empty if it is gone, or another user's."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
    return ""


def until(holds: Callable[[], bool]) -> None:
    """Return once it holds. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came of it within {PATIENCE:g} s")
        time.sleep(0.05)
