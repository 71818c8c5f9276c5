"""The runner's hold on its build: a thread that prolongs the lease, tells the progress, and hears what is asked."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Thread
from types import TracebackType
from typing import Any

from isobuild.db import Database
from isobuild.domain import builds
from isobuild.domain.hosts import Host
from isobuild.errors import DatabaseDown, LostBuild, Stopped
from isobuild.runner.interrupt import Interrupt

BEAT = 1.0  # seconds between two looks; a cancel is obeyed within a few of them


class Lease:
    """Held while a build is carried. Use as a context; `check()` raises once it is lost or a stop was asked for."""

    def __init__(
        self,
        db: Database,
        build: int,
        token: str,
        host: Host,
        heartbeat: float,
        note: Callable[[str], None],
        interrupt: Interrupt | None = None,
    ) -> None:
        self.db, self.build, self.token, self.host = db, build, token, host
        self.heartbeat = heartbeat
        self.note = note
        self.interrupt = interrupt or Interrupt()
        self.percent = 0.0
        self.step: str | None = None
        self._told: tuple[float, str | None] = (0.0, None)
        self._due = time.monotonic() + heartbeat
        self._lost: LostBuild | None = None
        self._stopped: Stopped | None = None
        self._out = False
        self._end = Event()
        self._thread = Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def tell(self, percent: float, step: str) -> None:
        """Note how far the build is; it is written with the next beat."""
        self.percent, self.step = round(max(self.percent, percent), 1), step

    def check(self) -> None:
        """Raise LostBuild if the build is not ours any more, Stopped if a stop was asked for."""
        if over := self._lost or self._stopped or self.interrupt.stopped:
            raise over

    def _beat(self) -> None:
        while not self._end.wait(BEAT) and self._lost is None:
            try:
                self._look()
                self._say_if_back()
            except DatabaseDown as error:
                self._say_if_out(error)
            except LostBuild as error:
                self._lost = error
            except Exception as error:  # whatever it is, a runner without a lease would be worse
                self.note(f"{type(error).__name__}: {error}")

    def _look(self) -> None:
        asked = self._read()
        if asked:
            self._stopped = Stopped(asked=asked)
        if (self.percent, self.step) != self._told:
            told = self.percent, self.step
            self._write(builds.progress, *told)
            self._told = told
        if time.monotonic() >= self._due:
            self._write(builds.heartbeat, self.host, datetime.now(UTC))
            self._due = time.monotonic() + self.heartbeat

    def _read(self) -> str | None:
        with self.db.read() as session:
            return builds.asked(session, self.build, self.token)

    def _write(self, work: Callable[..., None], *facts: Any) -> None:
        self.db.write(work, self.build, self.token, *facts)

    def _say_if_out(self, error: DatabaseDown) -> None:
        if not self._out:
            self.note(f"{error} The build goes on.")
        self._out = True

    def _say_if_back(self) -> None:
        if self._out:
            self.note("The database answers again.")
        self._out = False
