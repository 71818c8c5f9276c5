"""Engine and sessions; the only file that knows which database it is.

with database.read() as session: ...       a look; on a server each statement sees what is committed by then
with database.snapshot() as session: ...   a consistent look
database.write(builds.finish, build, ...)  one transaction, tried again after a deadlock
"""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, ColumnElement, Connection, Engine, String, collate, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session

from isobuild.errors import DatabaseDown, InvalidSetting

P = ParamSpec("P")
T = TypeVar("T")

DRIVERS = {"sqlite": "pysqlite", "mariadb": "pymysql", "mysql": "pymysql", "postgresql": "psycopg"}

# seconds
PATIENCE = 30.0  # after which a write that others stand in the way of is given up
BUSY = 30.0  # that SQLite waits for another writer
LOCK = 10  # that a server lets a statement wait for a lock
SILENCE = 60  # without a word from a server, after which it is taken for gone
QUEUE = 10.0  # that a thread waits while the others have all the connections


class Database:
    """One database, by its SQLAlchemy URL.

    Raises InvalidSetting for a URL that isn't one of SQLite, MariaDB/MySQL or PostgreSQL.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.writer = self.engine.execution_options(isobuild_write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that changes nothing."""
        try:
            with _translated(), Session(self.engine, expire_on_commit=False) as session:
                yield session
        except _CollisionError as collision:
            raise DatabaseDown(why=str(collision)) from collision

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session in which all is as at its first look, whatever others write meanwhile."""
        with self.read() as session:
            if self.engine.dialect.name != "sqlite":  # whose every transaction is so
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    def write(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(session, …)` in one committed transaction; after a deadlock or lock timeout it is done anew.

        Raises what `work` raises (then nothing is changed), and DatabaseDown.
        """
        over, pause = time.monotonic() + PATIENCE, 0.01
        while True:
            try:
                with _translated(), Session(self.writer, expire_on_commit=False) as session, session.begin():
                    return work(session, *args, **kwargs)
            except _CollisionError as collision:
                if time.monotonic() >= over:
                    raise DatabaseDown(why=str(collision)) from collision
            time.sleep(random.uniform(0, pause))  # noqa: S311 (spread, not secret)
            pause = min(2 * pause, 0.64)

    @contextmanager
    def unhurried(self) -> Iterator[Connection]:
        """A transaction on a connection of its own, for changes of the schema: a statement may take hours."""
        engine = _engine(self.engine.url, hurried=False)
        try:
            with engine.execution_options(isobuild_write=True).begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def make_file(self) -> bool:
        """Make SQLite's file, its owner's alone, if it is missing; whether this is an SQLite file at all."""
        file = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or not file:
            return False
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).touch(mode=0o600)
        return True

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


class _CollisionError(Exception):
    """Two transactions stood in each other's way; one of them must do it again."""


# the numbers of rows, and the order of texts


def last_number(session: Session, table: str) -> int:
    """The last number that a table gave to a row; it may be gone. 0: none yet."""
    match session.get_bind().dialect.name:
        case "sqlite":
            given = session.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table})
        case "postgresql":
            counter = session.scalar(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table})
            given = session.scalar(text(f"SELECT last_value FROM {counter} WHERE is_called"))  # noqa: S608
        case _:
            shown = session.execute(text(f"SHOW CREATE TABLE {table}")).one()[1]
            found = re.search(r"^\).* AUTO_INCREMENT=(\d+)", shown, re.MULTILINE)
            given = int(found[1]) - 1 if found else 0
    return int(given or 0)


def count_on(session: Session, table: str, last: int) -> None:
    """Let an empty table give the numbers after `last`. On MariaDB this ends the transaction so far."""
    match session.get_bind().dialect.name:
        case "sqlite":
            session.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table})
            number = {"name": table, "last": last}
            session.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), number)
        case "postgresql":
            number = {"name": table, "last": max(last, 1), "given": last > 0}
            session.execute(text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last, :given)"), number)
        case _:
            session.execute(text(f"ALTER TABLE {table} AUTO_INCREMENT = {last + 1:d}"))


def bytewise(session: Session, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column in an order that is the same on each database: a text's is that of its bytes."""
    texts = session.get_bind().dialect.name == "postgresql" and isinstance(column.type, String)
    return collate(column, "C") if texts else column


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if _is_collision(error):
            raise _CollisionError(str(error.orig)) from error
        if isinstance(error, OperationalError) or type(error) is DatabaseError or error.connection_invalidated:
            raise DatabaseDown(why=" ".join(str(error.orig).split())) from error
        raise
    except NoConnection as error:
        raise DatabaseDown(why="all connections to it are in use") from error


def _is_collision(error: DBAPIError) -> bool:
    # MariaDB: deadlock, lock wait timeout; from 11.6.2 a row changed meanwhile; a savepoint that a deadlock took along.
    # PostgreSQL: by SQLSTATE
    original: Any = error.orig
    if getattr(original, "sqlstate", None) in {"40001", "40P01", "55P03"}:
        return True
    if (original.args or (None,))[0] in {1213, 1205, 1020, 1305}:
        return True
    return getattr(original, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _engine(url: str | URL, *, hurried: bool = True) -> Engine:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if "+" not in parsed.drivername:
            parsed = parsed.set(drivername=f"{backend}+{DRIVERS[backend]}")
        return _BUILDERS[backend](parsed, hurried)
    except (ArgumentError, KeyError, ValueError, NoSuchModuleError, ModuleNotFoundError) as error:  # ValueError: a port
        allowed = "sqlite:///FILE, mariadb+pymysql://USER:PASSWORD@HOST/NAME or postgresql+psycopg://… (an extra)"
        shown = _mask(str(url))
        raise InvalidSetting(field="database", given=shown, allowed=allowed, source="the settings") from error


def _mask(url: str) -> str:
    """A URL, or what was meant as one, without its password: all from the user's colon to the last @."""
    return re.sub(r"^((?:[^:]*:/+)?[^:]*):.*@", r"\1:***@", url, flags=re.DOTALL)


def _sqlite(url: URL, _hurried: bool) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY}, **_pool(url))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _pool(url: URL) -> dict[str, Any]:
    return {"pool_timeout": QUEUE} if url.database else {}  # one in memory has one connection


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late and is never IMMEDIATE
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", f"busy_timeout={int(BUSY * 1000)}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later ignores the busy timeout: a writer says so at once.
    immediate = connection.get_execution_options().get("isobuild_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _mariadb(url: URL, hurried: bool) -> Engine:
    if "charset" not in url.query:
        url = url.update_query_dict({"charset": "utf8mb4"})
    silence = {"read_timeout": SILENCE, "write_timeout": SILENCE} if hurried else {}
    return _server(url, silence, f"SET SESSION innodb_lock_wait_timeout = {LOCK}" if hurried else "")


def _postgresql(url: URL, hurried: bool) -> Engine:
    # one that is gone answers no probe; one that takes long over a statement does
    probes = {"keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 4}
    silence = probes | {"tcp_user_timeout": SILENCE * 1000}
    return _server(url, silence, f"SET lock_timeout = '{LOCK}s'" if hurried else "")


def _server(url: URL, silence: Mapping[str, int], first: str) -> Engine:
    patience = {"connect_timeout": 10, **silence}
    said = {name: value for name, value in patience.items() if name not in url.query}
    # REPEATABLE READ, MariaDB's default, locks gaps: dozens of times more deadlocks
    engine = create_engine(
        url, isolation_level="READ COMMITTED", pool_pre_ping=True, pool_timeout=QUEUE, connect_args=said
    )
    if first:
        event.listen(engine, "connect", lambda connection, _: _say(connection, first))
    return engine


def _say(connection: Any, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.commit()


_BUILDERS = {"sqlite": _sqlite, "mysql": _mariadb, "mariadb": _mariadb, "postgresql": _postgresql}
