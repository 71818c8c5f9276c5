"""Hooks: a site's own Python functions that are called when a task is ready or has failed.

HOME/hooks/*.py may define `on_ready(task)` and `on_failed(task)`; `task` is what `isobuild task --json` prints. They
are called one after the other, each in a process of its own, which is killed when it takes too long; at least once for
each end. What they print or raise is logged, and hurts nobody.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from isobuild import hook
from isobuild.desk import Desk
from isobuild.domain import signals
from isobuild.errors import HookTooSlow, NotFound

LIMIT = 60  # seconds that one call may take
COMMAND = (sys.executable, "-m", "isobuild.hook")


def call_due(desk: Desk, say: Callable[[str], object]) -> int:
    """Call the hooks for every end that is still to be told; how many ends; 0 if another process is at it."""
    count = 0
    with _alone(desk.settings.home) as alone:
        while alone and (due := _due(desk)):
            for number, what in due:
                _tell(desk, number, what, say)
                count += 1
    return count


def _due(desk: Desk) -> list[tuple[int, str]]:
    with desk.db.read() as session:
        return signals.due(session, desk.now())


def _tell(desk: Desk, number: int, what: str, say: Callable[[str], object]) -> None:
    with suppress(NotFound):  # it was removed meanwhile
        task = desk.task(number)
        for path in hook.files(desk.settings.home):
            if became := _call(path, f"on_{what}", task):
                say(f"{path.name}: on_{what} {became}")
    desk.db.write(signals.told, number, what)


def _call(path: Path, name: str, task: Mapping[str, Any]) -> str | None:
    """What became of it; None if the file has no such function."""
    try:
        status = _run([*COMMAND, str(path), name], json.dumps(task))
    except subprocess.TimeoutExpired:
        return f"failed for task {task['id']}: {HookTooSlow(hook=path.name, limit=LIMIT)}"
    if status == hook.MISSING:
        return None
    if status:
        return f"failed for task {task['id']}: its process ended with {status}"
    return f"was told of task {task['id']}"


def _run(command: Sequence[str], said: str) -> int:
    """The exit status. Raises TimeoutExpired, when all that the process started is dead with it."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, text=True) as process:  # noqa: S603
        try:
            process.communicate(said, LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode


@contextmanager
def _alone(home: Path) -> Iterator[bool]:
    with (home / "hooks.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
