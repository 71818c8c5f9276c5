"""Hooks: a site's own Python functions that are called when a task is ready or has failed.

HOME/hooks/*.py may define `on_ready(task)` and `on_failed(task)`; `task` is what `isobuild task --json` prints. They
are called in a process of their own, one after the other, at least once for each end; what they raise is logged, and
hurts nobody.
"""

import fcntl
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from types import FrameType
from typing import Any

from isobuild.desk import Desk
from isobuild.domain import signals
from isobuild.errors import HookTooSlow

LIMIT = 60  # seconds that one call may take
Hook = Callable[[Mapping[str, Any]], object]


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
    task = desk.task(number)
    for path in _files(desk.settings.home):
        try:
            with _limited(path):
                if hook := _find(path, f"on_{what}"):
                    hook(task)
                    say(f"{path.name}: on_{what} was told of task {number}")
        except Exception:  # whatever others wrote, isobuild goes on
            say(f"{path.name}: on_{what} failed for task {number}:\n{traceback.format_exc().strip()}")
    desk.db.write(signals.told, number, what)


def _files(home: Path) -> Iterator[Path]:
    return iter(sorted((home / "hooks").glob("[!_.]*.py")))


def _find(path: Path, name: str) -> Hook | None:
    spec = util.spec_from_file_location(f"isobuild_site_hooks.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python module")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hook: Hook | None = getattr(module, name, None)
    return hook


@contextmanager
def _limited(path: Path) -> Iterator[None]:
    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise HookTooSlow(hook=path.name, limit=LIMIT)

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _alone(home: Path) -> Iterator[bool]:
    with (home / "hooks.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
