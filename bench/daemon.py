"""`isobuild up` in a home of its own, with a script whose first act is to write down the time: that file is its ISO."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from isobuild import nudge, schema, site
from isobuild.config import Settings
from isobuild.db import Database
from isobuild.domain import builds, listing, orders
from isobuild.domain.orders import Order

ISOBUILD = [sys.executable, "-m", "isobuild"]
PATIENCE = 60.0  # seconds for one build, or for the daemon to answer
SCRIPT = '#!/bin/sh\ndate +%s.%N >"$ISOBUILD_OUT/began.iso"\n'


@dataclass(frozen=True)
class Start:
    """One order's moments, in seconds since 1970."""

    committed: float
    ticked: float
    claimed: float
    began: float

    @property
    def wait(self) -> float:
        """Milliseconds from the order's commit to the first line of its script."""
        return 1000 * (self.began - self.committed)


class Daemon:
    """The daemon, on SQLite in its home, or on the empty database of a URL; its builds run as `nobody`."""

    def __init__(self, url: str = "") -> None:
        self.home = Path(tempfile.mkdtemp(prefix="isobuild-bench-"))
        self.home.chmod(0o711)  # the build user passes through
        # not as this machine's site may be set
        self.settings = Settings(home=self.home, database=url, build_users=("nobody",), port=0)
        plain = {name: value for name, value in os.environ.items() if not name.startswith("ISOBUILD_")}
        given = {"HOME": str(self.home), "DATABASE": url, "BUILD_USERS": "nobody", "PORT": "0"}
        self.environment = plain | {f"ISOBUILD_{name}": value for name, value in given.items()}
        self._write_script()
        if url:
            schema.upgrade(Database(url))
        self.database = site.database(self.settings)
        with (self.home / "up.log").open("wb") as log:
            self.process = subprocess.Popen([*ISOBUILD, "up"], stdout=log, stderr=log, env=self.environment)
        _until(lambda: nudge.send(self.settings.nudges))

    def order(self, name: str) -> Start:
        """Order a build, and wait for its end. Raises RuntimeError if it fails, TimeoutError."""
        wish = Order(user="bench", name=name, recipe="script", options={"script": "first"}, max_attempts=1)
        task = self.database.write(orders.order, wish, self.settings.queues, datetime.now(UTC)).id
        committed = time.time()
        nudge.send(self.settings.nudges)
        _until(partial(self._has_ended, task))
        return self._read(task, committed)

    def close(self) -> None:
        """End the daemon, and remove its home."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self.database.dispose()
        shutil.rmtree(self.home)

    def _write_script(self) -> None:
        script = self.home / "scripts" / "first"
        script.parent.mkdir()
        script.write_text(SCRIPT)
        script.chmod(0o755)

    def _has_ended(self, task: int) -> bool:
        with self.database.read() as session:
            return listing.show_task(session, task)["finished_at"] is not None

    def _read(self, task: int, committed: float) -> Start:
        with self.database.read() as session:
            shown = listing.show_task(session, task)
            if shown["state"] != "ready":
                raise RuntimeError(f"task {task} is {shown['state']}: {shown['error']}")
            build = builds.get(session, shown["build"])
        # a claim sets the lease, and no heartbeat comes in so short a build
        claimed = build.leased_until - timedelta(seconds=self.settings.lease)
        began = float(site.store(self.settings).path(build.id, shown["iso"]).read_text())
        return Start(committed, build.started_at.timestamp() if build.started_at else 0.0, claimed.timestamp(), began)


def _until(holds: Callable[[], bool]) -> None:
    """Return once it holds. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came of it within {PATIENCE:g} s")
        time.sleep(0.05)
