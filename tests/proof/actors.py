"""An actor: a call that is held before every statement it sends to the database, until it may go on."""

from collections.abc import Callable
from contextlib import closing
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Any

from sqlalchemy import Connection, event

from isobuild.db import Database
from proof.footprints import ENDS, NOTHING, Footprint, Statement, is_locking, plain

Work = Callable[[Database], object]
PATIENCE = 60.0  # seconds for what must come at once


class LeftError(Exception):
    """The schedule is given up."""


class Actor:
    """One thread with a connection of its own; it runs one work after the other."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self._forget()
        engine = self.database.engine
        event.listen(engine, "before_cursor_execute", self._execute)
        event.listen(engine, "commit", lambda _connection: self._hold("COMMIT"))
        event.listen(engine, "rollback", lambda _connection: self._hold("ROLLBACK"))
        event.listen(engine, "after_cursor_execute", self._count)
        event.listen(engine, "handle_error", self._fail)

    def start(self, work: Work, arrivals: "SimpleQueue[Actor]") -> None:
        """Run to the first gate. Whenever it stands at one, or has ended, it puts itself among the arrivals."""
        self._forget()
        self.ended = False
        self._arrivals, self._gate = arrivals, Semaphore(0)
        self._thread = Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _forget(self) -> None:
        self.at: str | None = None  # the statement that it will send
        self.ended = True  # it has nothing to do
        self.failed = self.leaves = False
        self.sent = Statement("", {})
        self.vain = False  # it met no row
        self.does = Footprint()
        self.held = NOTHING  # what its transaction may have locked
        self.outcome: object = None  # what its work returned or raised

    @property
    def still(self) -> bool:
        """Whether it stands at a gate, or has ended."""
        return self.ended or self.at is not None

    def go_on(self) -> None:
        """Send the statement."""
        self.at, self.vain = None, False
        self._gate.release()

    def note(self, does: Footprint) -> None:
        """This is what it did, and so what it holds."""
        self.does = does
        self.held = NOTHING if self.sent.text in ENDS else self.held | does.locks

    def leave(self) -> None:
        """Undo what it did, and end."""
        self.leaves = True
        self._gate.release()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise TimeoutError("an actor does not end")

    def close(self) -> None:
        """End its connection."""
        self.database.dispose()

    def _run(self, work: Work) -> None:
        try:
            self.outcome = work(self.database)
        except BaseException as error:
            self.outcome = error
        self.ended = True
        self._arrivals.put(self)

    def _execute(self, connection: Connection, _cursor: object, text: str, values: Any, *_: object) -> None:
        short = plain(text)
        self._hold(short)
        if isinstance(values, dict):
            self.sent = Statement(short, values, self._goes_straight(connection, text, values))

    def _goes_straight(self, connection: Connection, text: str, values: dict[str, Any]) -> bool:
        """MariaDB often takes another index, when there are few rows, and locks all that it passes."""
        if connection.dialect.name not in {"mysql", "mariadb"} or not is_locking(text):
            return True
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(f"EXPLAIN {text}", values)
            (_id, _type, _table, _kind, _possible, key, *_rest), *_others = cursor.fetchall()
        return bool(key == "PRIMARY")

    def _hold(self, text: str) -> None:
        if not self.leaves:
            self.at = text
            self._arrivals.put(self)
            self._gate.acquire()
            self.sent = Statement(text, {}, straight=False)
        if self.leaves and not text.startswith("ROLLBACK"):
            raise LeftError

    def _count(self, _connection: object, cursor: Any, *_: object) -> None:
        self.vain = cursor.rowcount == 0

    def _fail(self, _context: object) -> None:
        self.failed = True
