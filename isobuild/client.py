"""isobuild in Python: order, watch and fetch ISOs from a program on the same machine, or with the same database.

import isobuild

base = isobuild.order("debian-live", {"packages": ["nginx"]}, name="web", queue="high")
print(base.wait().download("/srv/isos"))
"""

import os
import pwd
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Unpack

from isobuild import site
from isobuild.config import load
from isobuild.desk import Desk
from isobuild.domain.listing import Shown
from isobuild.domain.states import OPEN, Cause, TaskState
from isobuild.domain.wishes import Wish
from isobuild.errors import NotEnded

LOOK = 0.5  # seconds between two looks at a task that is waited for


class Client:
    """A site, as its own programs use it.

    `home` is the site's folder (by default as on the command line), `user` the one who orders (by default who runs
    the program). With a home its own `isobuild.toml` counts, and not `$ISOBUILD_CONFIG`; other variables ISOBUILD_*
    win over it as always, `$ISOBUILD_DATABASE` too. Raises InvalidSetting, DatabaseDown, DatabaseOutdated.
    """

    def __init__(self, home: str | Path | None = None, user: str | None = None) -> None:
        settings = load(**({"home": Path(home)} if home else {}))
        self.desk: Desk = site.desk(settings, site.database(settings), user or pwd.getpwuid(os.getuid()).pw_name)

    def order(
        self,
        recipe: str,
        options: Mapping[str, object] | None = None,
        *,
        name: str = "",
        at: datetime | None = None,
        until: datetime | None = None,
        **wish: Unpack[Wish],
    ) -> "Task":
        """Order an ISO; without a name it gets one of its own.

        `at` and `until` are when it may begin at the earliest and at the latest (`not_before` and `not_after` are the
        same); without a time zone, this machine's.
        `after` are the tasks that must be ready before, by their numbers or names, or as `Task`s. Raises BadInput,
        Refused.
        """
        first, last = at or wish.get("not_before"), until or wish.get("not_after")
        wish |= {"not_before": _aware(first), "not_after": _aware(last)}
        return Task(self, self.desk.order(recipe, options or {}, name=name or _name(recipe), **wish))

    def task(self, number: int) -> "Task":
        """One task. Raises NotFound."""
        return Task(self, self.desk.task(number))

    def cancel_waiting(self, recipe: str, queue: str | None = None) -> list[int]:
        """Cancel all that waits of a recipe, in a queue or in all; their numbers. What is being built goes on.

        Raises UnknownRecipe, UnknownQueue.
        """
        return self.desk.cancel_waiting(recipe, queue)

    def tasks(
        self,
        *,
        state: TaskState | None = None,
        user: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        search: str = "",
        before: int | None = None,
        limit: int = 50,
    ) -> "list[Task]":
        """Tasks, the newest first: those that have all these tags (None: with any value), and this text in their name,
        ISO, recipe or options. Raises BadInput.
        """
        found = self.desk.tasks(state=state, user=user, tags=tags, search=search, before=before, limit=limit)
        return [Task(self, shown) for shown in found]


@dataclass(frozen=True, repr=False)
class Task:
    """A task as it was when it was last looked at; `refresh` looks again."""

    client: Client
    shown: Shown  # everything that is known of it, as `isobuild task --json` prints it

    @property
    def number(self) -> int:
        """Its number."""
        return int(self.shown["id"])

    def __index__(self) -> int:
        return self.number

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.shown["name"])

    @property
    def state(self) -> TaskState:
        """Where it stands."""
        return TaskState(self.shown["state"])

    @property
    def cause(self) -> Cause | None:
        """Whose fault it is that it failed."""
        return Cause(self.shown["cause"]) if self.shown["cause"] else None

    @property
    def error(self) -> str | None:
        """Why it failed."""
        return self.shown["error"] and str(self.shown["error"])

    @property
    def results(self) -> dict[str, Any]:
        """What the script of its last build left in results.json."""
        if self.shown["build"] is None:
            return {}
        return self.client.desk.build(self.number)["results"] or {}

    def refresh(self) -> "Task":
        """The task as it is now. Raises NotFound."""
        return self.client.task(self.number)

    def wait(self, timeout: float | None = None) -> "Task":
        """The task when it has come to its end. Raises NotEnded after `timeout` seconds."""
        over = None if timeout is None else time.monotonic() + timeout
        while (now := self.refresh()).state in OPEN:
            if over is not None and time.monotonic() > over:
                raise NotEnded(task=self.number, seconds=timeout, state=now.state)
            time.sleep(LOOK)
        return now

    def download(self, to: str | Path = ".") -> Path:
        """Copy its ISO into a folder, or to a file; where it is then. Raises NotReady, BadInput, Damaged."""
        return self.client.desk.download(self.number, Path(to))

    def history(self) -> list[Shown]:
        """Every change of its state."""
        return self.client.desk.history(self.number)

    def cancel(self) -> "Task":
        """Say no to it. Raises CannotCancel."""
        self.client.desk.cancel(self.number)
        return self.refresh()

    def retry(self) -> "Task":
        """Let it be built again. Raises CannotRetry, Overlaps."""
        self.client.desk.retry(self.number)
        return self.refresh()

    def release(self, at: datetime | None = None) -> "Task":
        """Give its build in hand back, to be built again (from `at` on). Raises CannotRelease."""
        self.client.desk.release(self.number, _aware(at))
        return self.refresh()

    def remove(self) -> None:
        """Forget it. Raises CannotRemove, IsNeeded."""
        self.client.desk.remove(self.number)

    def __repr__(self) -> str:
        return f"<Task {self.number} {self.name!r}: {self.state}>"


class Said(Wish, total=False):
    """What `Client.order` takes beside recipe and options."""

    name: str
    at: datetime | None
    until: datetime | None


def order(recipe: str, options: Mapping[str, object] | None = None, **said: Unpack[Said]) -> Task:
    """Order an ISO from this machine's site, as `Client.order` does."""
    settings = {name: value for name, value in os.environ.items() if name.startswith(("ISOBUILD_", "XDG_", "HOME"))}
    return _client(os.getpid(), tuple(sorted(settings.items()))).order(recipe, options, **said)


@cache
def _client(_process: int, _settings: tuple[tuple[str, str], ...]) -> Client:
    """One for each process, so that many orders take one connection."""
    return Client()


def _aware(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC)


def _name(recipe: str) -> str:
    return f"{recipe}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
