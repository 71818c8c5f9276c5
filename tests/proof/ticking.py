"""A tick that is held before each of its transactions: others may act in between, and it may die there."""

from collections.abc import Callable
from threading import Semaphore, Thread
from typing import Any, TypeVar

from isobuild.db import Database
from isobuild.domain.hosts import Host

T = TypeVar("T")
PATIENCE = 60.0  # seconds for what must come at once


class DiedError(BaseException):
    """kill -9 of whoever ticks; nothing catches this."""


class HeldTick:
    """`work(database)` in a thread, which is held before each of its transactions."""

    def __init__(self, database: Database, host: Host, work: Callable[[Any], object]) -> None:
        self.host = host
        self.ended = self._dies = False
        self._database = database
        self._error: BaseException | None = None
        self._gate, self._arrived = Semaphore(0), Semaphore(0)
        self._thread = Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()
        self._wait()

    def write(self, work: Callable[..., T], *args: Any) -> T:
        """The database's, for the tick."""
        self._arrived.release()
        self._gate.acquire()
        if self._dies:
            raise DiedError
        return self._database.write(work, *args)

    def go_on(self) -> None:
        """Let it do one more transaction; raises what the tick raises."""
        self._gate.release()
        self._wait()
        if self._error:
            raise self._error

    def die(self) -> None:
        """It does nothing of what is left."""
        if self.ended:
            return
        self._dies = True
        self._gate.release()
        self._wait()

    def _wait(self) -> None:
        if not self._arrived.acquire(timeout=PATIENCE):
            raise TimeoutError("a tick neither goes on nor ends")

    def _run(self, work: Callable[[Any], object]) -> None:
        try:
            work(self)
        except DiedError:
            pass
        except BaseException as error:
            self._error = error
        self.ended = True
        self._arrived.release()
