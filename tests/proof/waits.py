"""Who waits for another's lock: the server says so, no clock does.

Only when it has looked for a deadlock as well, and found none, does an actor count as waiting: it then waits until
another actor goes on.
"""

import re
import time
from collections.abc import Collection
from typing import Any, Protocol

from sqlalchemy import event, text

from isobuild.db import Database
from proof.actors import Actor
from proof.footprints import Footprint


class Waits(Protocol):
    """Of the actors that are in the middle of a statement, those that wait."""

    def know(self, actor: Actor) -> None:
        """Get to know an actor's connections."""

    def among(self, actors: Collection[Actor]) -> set[Actor]:
        """Those of the actors that wait."""

    def in_vain(self, actor: Actor, does: Footprint) -> Footprint:
        """What its last statement did, as it met no row."""

    def rest(self) -> None:
        """Clear away what was deleted before, and nothing from now on: that is done by chance moments."""

    def close(self) -> None:
        """Ask no more."""


class NoWaits:
    """SQLite: whoever writes has the database for itself; the explorer lets nobody else begin (see runs.py)."""

    def know(self, actor: Actor) -> None:
        pass

    def among(self, actors: Collection[Actor]) -> set[Actor]:
        return set()

    def in_vain(self, actor: Actor, does: Footprint) -> Footprint:
        return does

    def rest(self) -> None:
        pass

    def close(self) -> None:
        pass


class PostgreSqlWaits:
    """It looks for a deadlock once, after `deadlock_timeout`, and tells whoever still waits then."""

    ASK = text("SELECT pid, extract(epoch FROM waitstart) FROM pg_locks WHERE NOT granted AND waitstart IS NOT NULL")
    SETTINGS = ("deadlock_timeout = '1ms'", "log_lock_waits = on", "client_min_messages = log")

    def __init__(self, database: Database) -> None:
        self.connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self.pids: dict[Actor, int] = {}
        self.told: dict[Actor, float] = {}

    def know(self, actor: Actor) -> None:
        event.listen(actor.database.engine, "connect", lambda driver, _record: self._meet(actor, driver))

    def _meet(self, actor: Actor, driver: Any) -> None:
        for setting in self.SETTINGS:
            driver.execute(f"SET {setting}")
        driver.commit()
        driver.add_notice_handler(lambda notice: self._hear(actor, notice.message_primary))
        self.pids[actor] = driver.info.backend_pid

    def _hear(self, actor: Actor, message: str) -> None:
        if "still waiting" in message:
            self.told[actor] = time.time()

    def among(self, actors: Collection[Actor]) -> set[Actor]:
        since = {pid: float(start) for pid, start in self.connection.execute(self.ASK)}
        return {
            actor for actor in actors if since.get(self.pids.get(actor, 0), float("inf")) < self.told.get(actor, 0.0)
        }

    def in_vain(self, actor: Actor, does: Footprint) -> Footprint:
        return Footprint(does.touches)  # it looks first, and locks what it has found

    def rest(self) -> None:
        pass  # whether it was cleared away makes no difference to who waits

    def close(self) -> None:
        self.connection.close()


class MariaDbWaits:
    """It looks for a deadlock at once, and then counts whoever waits.

    (information_schema.innodb_trx is no use: what it shows may be a tenth of a second old.)
    """

    COUNT = text("SHOW GLOBAL STATUS LIKE 'innodb_row_lock_current_waits'")
    STATUS = text("SHOW ENGINE INNODB STATUS")
    WAITING = re.compile(r"^LOCK WAIT.*\nM\w+ thread id (\d+)", re.MULTILINE)
    LOCKS = re.compile(r"(\d+) row lock\(s\).*\nM\w+ thread id (\d+)")
    REMAINS = re.compile(r"^History list length [1-9]", re.MULTILINE)

    def __init__(self, database: Database) -> None:
        self.connection, self.view = (
            database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") for _ in range(2)
        )
        self.view.execute(text("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        self.connection.execute(text("SET GLOBAL innodb_stats_auto_recalc = OFF"))  # nor other ways through indexes
        self.threads: dict[Actor, int] = {}

    def know(self, actor: Actor) -> None:
        event.listen(actor.database.engine, "connect", lambda driver, _record: self._meet(actor, driver))

    def _meet(self, actor: Actor, driver: Any) -> None:
        self.threads[actor] = driver.thread_id()

    def among(self, actors: Collection[Actor]) -> set[Actor]:
        if len(self._waiting()) < len(actors):
            return set()
        count = int(self.connection.execute(self.COUNT).one()[1])
        waiting = self._waiting()  # after the count: it is told of a deadlock before
        return {actor for actor in actors if self.threads.get(actor) in waiting} if len(waiting) == count else set()

    def _waiting(self) -> set[int]:
        return set(map(int, self.WAITING.findall(self._status())))

    def in_vain(self, actor: Actor, does: Footprint) -> Footprint:
        kept = {int(thread): int(locks) for locks, thread in self.LOCKS.findall(self._status())}
        if kept.get(self.threads.get(actor, 0)):  # rows that it only passed
            return does
        return Footprint(does.reads, tries=does.locks)

    def rest(self) -> None:
        self.view.execute(text("COMMIT"))
        while self.REMAINS.search(self._status()):
            time.sleep(0)
        self.view.execute(text("START TRANSACTION WITH CONSISTENT SNAPSHOT"))  # which may want to see it

    def _status(self) -> str:
        status: str = self.connection.execute(self.STATUS).one()[2]
        return status.partition("TRANSACTIONS\n")[2]

    def close(self) -> None:
        self.connection.execute(text("SET GLOBAL innodb_stats_auto_recalc = ON"))
        self.view.close()
        self.connection.close()


def waits(database: Database) -> Waits:
    """Who waits in this database."""
    kinds: dict[str, Any] = {"postgresql": PostgreSqlWaits, "mysql": MariaDbWaits, "mariadb": MariaDbWaits}
    kind = kinds.get(database.engine.dialect.name)
    watching: Waits = kind(database) if kind else NoWaits()
    return watching
