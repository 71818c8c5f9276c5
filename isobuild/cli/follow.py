"""Watching a task until it has ended: a progress bar above a terminal's last line, plain lines elsewhere."""

import time
from collections.abc import Callable
from typing import Any

import typer

from isobuild.cli import say
from isobuild.config import Settings
from isobuild.desk import Desk
from isobuild.domain import proofs
from isobuild.domain.states import OPEN
from isobuild.errors import DatabaseDown
from isobuild.store.log import read

LOOK = 0.3  # seconds


def follow_task(desk: Desk, number: int) -> None:
    """Watch a task to its end. Raises typer.Exit(1) unless that is an ISO."""
    if not say_end(watch(desk, number)):
        raise typer.Exit(1)


def say_end(shown: dict[str, Any]) -> bool:
    """Say what became of a task; whether that is an ISO."""
    number, ready = shown["id"], bool(shown["state"] == "ready")
    if ready:
        facts = ", ".join(each for each in (say.size(shown["size"]), proofs.mark(shown["proof"])) if each)
        say.words(f"Ready: {shown['iso']}, {facts}. Download it: isobuild download {number}")
    else:
        say.words(f"Task {number} is {shown['state']}: {shown['error'] or 'canceled'}")
        if shown["build"] is not None:
            say.words(f"Its log: isobuild log {number}")
    return ready


def watch(desk: Desk, number: int, with_log: bool = True, over: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """Show a task's progress until it has ended, or it is `over`; the task as it then is, if that can be told."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        console=say.console(stderr=True),
    )  # fmt: skip
    tail = Tail(desk.settings)
    with bar:
        line = bar.add_task(f"task {number}", total=100)
        while True:
            last, shown = over(), _look(desk, number)
            if shown:
                bar.update(line, completed=_percent(shown), description=describe(shown))
                for text in tail.new(shown["build"]) if with_log else ():
                    bar.console.print(text, markup=False)
            if last or (shown and shown["state"] not in OPEN):
                return shown or {}
            time.sleep(LOOK)


class Tail:
    """What is new in the logs of a task's builds, one after the other."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._build: int | None = None
        self._offset = 0

    def new(self, build: int | None) -> list[str]:
        """The lines that came since the last call."""
        if build != self._build:
            self._build, self._offset = build, 0
        if build is None:
            return []
        lines, self._offset = read(self.settings.logs / f"{build}.log", self._offset)
        return [line.plain for line in lines]


def describe(task: dict[str, Any]) -> str:
    """A few words beside the bar."""
    from isobuild.cli.show import where

    words = {"building": task["step"] or "starts", "ready": "ready"}.get(task["state"]) or where(task) or task["state"]
    return f"task {task['id']} ({task['name']}): {words}"


def _percent(task: dict[str, Any]) -> float:
    return 100.0 if task["state"] == "ready" else float(task["percent"] or 0) if task["state"] == "building" else 0.0


def _look(desk: Desk, number: int) -> dict[str, Any] | None:
    try:
        return desk.task(number)
    except DatabaseDown:  # the build goes on without it, and so do we
        return None
