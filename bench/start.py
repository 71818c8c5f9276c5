"""How long a person waits for the first process of the build that was ordered; and how long isobuild takes to start.

`isobuild up` runs in a home of its own. A script's first act is to write down the time: that file is its ISO.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bench.figures import interleaved, percentile, table, timed
from isobuild import nudge, site
from isobuild.config import Settings, load
from isobuild.db import Database
from isobuild.domain import builds, listing, tasks
from isobuild.domain.tasks import Order

ORDERS = 20
PAUSE = 2.0  # seconds, in which the next spare runner gets ready
ROUNDS = 15
PATIENCE = 60.0  # seconds for one build, or for the daemon to answer
SCRIPT = '#!/bin/sh\ndate +%s.%N >"$ISOBUILD_OUT/began.iso"\n'
PYTHON, ISOBUILD = [sys.executable, "-I", "-c", "pass"], [sys.executable, "-m", "isobuild"]


@dataclass(frozen=True)
class Start:
    """One order's moments, in seconds since 1970."""

    committed: float
    ticked: float
    claimed: float
    began: float


LEGS: dict[str, Callable[[Start], float]] = {
    "order committed → first line of the script": lambda start: start.began - start.committed,
    "· committed → a tick begins (the nudge)": lambda start: start.ticked - start.committed,
    "· a tick begins → the runner has claimed": lambda start: start.claimed - start.ticked,
    "· claimed → first line of the script": lambda start: start.began - start.claimed,
}


def run() -> None:
    """Print what an order waits for, and what a process of isobuild takes to start."""
    with _home() as settings:
        with _up(settings):
            hurried = [_order(settings, f"hurried-{number}", 0.0) for number in range(ORDERS)]
            calm = [_order(settings, f"calm-{number}", PAUSE) for number in range(ORDERS)]
        commands = {"python -c pass": PYTHON, "isobuild --help": [*ISOBUILD, "--help"]}
        took = _time(commands | {"isobuild tick, idle": [*ISOBUILD, "tick"]})
    for starts, how in ((calm, f"{PAUSE:g} s between a build and the next order"), (hurried, "no pause between them")):
        print(f"{ORDERS} orders on SQLite, {how}; milliseconds\n")
        table(["", "p50", "p95", "longest"], [_spread(name, map(leg, starts)) for name, leg in LEGS.items()])
    print(f"A process from start to end, in turns, {ROUNDS} times each; milliseconds\n")
    plain = percentile([each[0] for each in took["python -c pass"]], 50)
    rows = ([name, *_medians(each), _medians(each)[0] / plain] for name, each in took.items())
    table(["", "p50", "of the processor", "times `python -c pass`"], rows)


def _spread(name: str, seconds: Iterator[float]) -> list[object]:
    figures = [1000 * second for second in seconds]
    return [name, percentile(figures, 50), percentile(figures, 95), max(figures)]


def _medians(figures: Iterable[tuple[float, float]]) -> list[float]:
    return [percentile(column, 50) for column in zip(*figures, strict=True)]


def _time(commands: Mapping[str, list[str]]) -> dict[str, list[tuple[float, float]]]:
    return interleaved({name: partial(_call, command) for name, command in commands.items()}, ROUNDS)


def _call(command: list[str]) -> tuple[float, float]:
    """Milliseconds of the wall clock, and of the processor, which a busy machine falsifies less."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    took, _ = timed(partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


@contextmanager
def _home() -> Iterator[Settings]:
    for name in [name for name in os.environ if name.startswith("ISOBUILD_")]:
        del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="isobuild-bench-"))
    home.chmod(0o711)  # the build user passes through
    os.environ |= {"ISOBUILD_HOME": str(home), "ISOBUILD_BUILD_USERS": "nobody", "ISOBUILD_PORT": "0"}
    script = home / "scripts" / "first"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    script.chmod(0o755)
    try:
        yield load()
    finally:
        shutil.rmtree(home)


@contextmanager
def _up(settings: Settings) -> Iterator[None]:
    with (settings.home / "up.log").open("wb") as log:
        daemon = subprocess.Popen([*ISOBUILD, "up"], stdout=log, stderr=log)
        try:
            _until(lambda: nudge.send(settings.nudges))
            yield
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(PATIENCE)


def _order(settings: Settings, name: str, pause: float) -> Start:
    time.sleep(pause)
    db = site.database(settings)
    wish = Order(user="bench", name=name, recipe="script", options={"script": "first"}, max_attempts=1)
    task = db.write(tasks.order, wish, settings.queues, datetime.now(UTC)).id
    committed = time.time()
    nudge.send(settings.nudges)
    _until(partial(_has_ended, db, task))
    start = _read(settings, db, task, committed)
    db.dispose()
    return start


def _has_ended(db: Database, task: int) -> bool:
    with db.read() as session:
        return listing.show_task(session, task, ())["finished_at"] is not None


def _read(settings: Settings, db: Database, task: int, committed: float) -> Start:
    with db.read() as session:
        shown = listing.show_task(session, task, ())
        if shown["state"] != "ready":
            raise RuntimeError(f"task {task} is {shown['state']}: {shown['error']}")
        build = builds.get(session, shown["build"])
    # a claim sets the lease, and no heartbeat comes in so short a build
    claimed = build.leased_until - timedelta(seconds=settings.lease)
    began = float(site.store(settings).path(build.id, shown["iso"]).read_text())
    return Start(committed, build.started_at.timestamp() if build.started_at else 0.0, claimed.timestamp(), began)


def _until(holds: Callable[[], bool]) -> None:
    """Return once it holds. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came of it within {PATIENCE:g} s")
        time.sleep(0.05)
