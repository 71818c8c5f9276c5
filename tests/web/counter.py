"""A home with a database, tasks in every state, and the page over them."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from isobuild.config import Settings
from isobuild.db import Database
from isobuild.desk import Desk
from isobuild.domain import builds, orders, pruning, tasks, turns
from isobuild.domain.builds import End
from isobuild.domain.history import By
from isobuild.domain.hosts import Host
from isobuild.domain.states import BuildState, Cause
from isobuild.recipes import Cookbook
from isobuild.store.local import LocalStore, Stored
from isobuild.trust.beside import name_of
from isobuild.web.app import create_app

NOW = datetime(2026, 11, 21, 6, 43, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OVEN = Host("oven")
OWN = "http://127.0.0.1:8410"


class Counter:
    """A site's rows and files, as the tick and the runners would leave them, and a client of its page.

    The home has an empty SQLite database already.
    """

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home)
        self.db = Database(self.settings.database_url)
        self.settings.logs.mkdir()
        self.nudges = 0
        self.host = OVEN
        self.fingerprint: str | None = None
        self.client = self.connect()

    def connect(self, base: str = OWN, now: Callable[[], datetime] = lambda: NOW, **headers: str) -> TestClient:
        """A client of a new page over this site."""
        app = create_app(self.desk(now))
        return TestClient(app, base, headers=headers, follow_redirects=False, raise_server_exceptions=False)

    def desk(self, now: Callable[[], datetime] = lambda: NOW) -> Desk:
        """The desk behind the page."""
        return Desk(
            settings=self.settings, db=self.db, cookbook=Cookbook(self.settings.home),
            store=LocalStore(self.settings.store), host=self.host, nudge=self._nudge, user="dikyos", now=now,
            fingerprint=lambda *_: self.fingerprint,
        )  # fmt: skip

    def _nudge(self) -> None:
        self.nudges += 1

    def order(self, name: str, recipe: str = "tiny", options: Mapping[str, object] | None = None, **wish: Any) -> int:
        """Order a task; its number."""
        book = Cookbook(self.settings.home)
        chosen = book.dump(book.parse(recipe, options or {}))
        order = orders.Order(user="setyos", name=name, recipe=recipe, options=chosen, **wish)
        return self.db.write(orders.order, order, self.settings.queues, NOW).id

    def start(self, now: datetime = NOW) -> tuple[int, str]:
        """Give the next task a running build; its number and token."""
        self.db.write(turns.enqueue, OVEN, now)
        (number,) = self.db.write(builds.pending_on, OVEN)
        token = self.db.write(builds.flag_busy, number, OVEN, now)
        assert token
        return number, token

    def progress(self, build: tuple[int, str], percent: float, step: str | None) -> None:
        """What its runner tells."""
        self.db.write(builds.progress, *build, percent, step)

    def fail(self, build: tuple[int, str], cause: Cause, error: str, now: datetime = NOW + MINUTE) -> None:
        """End it badly."""
        self.db.write(builds.finish, *build, End(state=BuildState.FAILED, cause=cause, error=error), now)

    def succeed(
        self, build: tuple[int, str], content: bytes = b"", size: int = 0, now: datetime = NOW + MINUTE,
        beside: Mapping[str, bytes] | None = None, proof: Mapping[str, Any] | None = None,
        stages: Mapping[str, Any] | None = None,
    ) -> Stored:  # fmt: skip
        """End it well, with an ISO that begins with `content` and has `size` bytes (zeros, and no room on the disk).

        `beside` it are other files, by their kinds; `proof` tells how it booted, `stages` what the cache gave.
        """
        with self.db.read() as session:
            name = tasks.get(session, builds.get(session, build[0]).task_id).iso
        path = self.settings.store / str(build[0]) / name
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            file.write(content)
            file.truncate(max(size, len(content)))
        digest = "5a" * 32 if size else hashlib.sha256(content).hexdigest()
        stored = Stored(name, path.stat().st_size, digest)
        others = {kind: self._lay(path.with_name(name_of(kind, name)), text) for kind, text in (beside or {}).items()}
        end = End(state=BuildState.SUCCEEDED, files={"iso": stored} | others, proof=proof, stages=stages)
        self.db.write(builds.finish, *build, end, now)
        return stored

    def _lay(self, path: Path, content: bytes) -> Stored:
        path.write_bytes(content)
        return Stored(path.name, len(content), hashlib.sha256(content).hexdigest())

    def make(self, name: str, content: bytes, beside: Mapping[str, bytes] | None = None) -> tuple[int, Stored]:
        """A ready task: its number and its file."""
        number = self.order(name)
        return number, self.succeed(self.start(), content, beside=beside)

    def log(self, build: int, *lines: str) -> None:
        """Add lines, "STREAM TEXT", to a build's log."""
        with (self.settings.logs / f"{build}.log").open("a") as file:
            file.writelines(f"2026-11-21T06:43:07.000001Z {line}\n" for line in lines)

    def task(self, number: int) -> dict[str, Any]:
        """A task, as it is shown."""
        return self.desk().task(number)

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks."""
        return self.desk().tasks()

    def store(self) -> LocalStore:
        """Where its ISOs are."""
        return LocalStore(self.settings.store)


def fill(counter: Counter) -> dict[str, int]:
    """A task in each state; their numbers."""
    expired, _ = counter.make("expired-one", b"gone")
    counter.db.write(pruning.expire, NOW + 2 * MINUTE, By("ann", NOW))
    ready, _ = counter.make("ready-one", b"an ISO")
    failed = counter.order("failed-one", max_attempts=1)
    counter.fail(counter.start(), Cause.UPSTREAM, "The mirror said <b>no</b> & hung up.")
    canceled = counter.order("canceled-one")
    counter.db.write(tasks.cancel, canceled, "ann", NOW)
    building = counter.order("building-one")
    counter.progress(counter.start(), 41.6, "squash")
    return {
        "ready": ready, "failed": failed, "canceled": canceled, "expired": expired, "building": building,
        "next": counter.order("next-one"), "later": counter.order("later-one"),
        "asleep": counter.order("asleep-one", not_before=NOW + MINUTE),
    }  # fmt: skip
