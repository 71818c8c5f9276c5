"""Engine and sessions; the only file that knows which database it is.

with database.read() as session: ...       a consistent look
database.write(builds.finish, build, ...)  one transaction, tried again after a deadlock
"""

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, String, collate, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session

from isobuild.errors import DatabaseDown, InvalidSetting

P = ParamSpec("P")
T = TypeVar("T")

DRIVERS = {"sqlite": "pysqlite", "mariadb": "pymysql", "mysql": "pymysql", "postgresql": "psycopg"}

TRIES = 12
BUSY = 30.0  # seconds that SQLite waits for another writer


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
        for attempt in range(TRIES):
            try:
                with _translated(), Session(self.writer, expire_on_commit=False) as session, session.begin():
                    return work(session, *args, **kwargs)
            except _CollisionError as collision:
                if attempt == TRIES - 1:
                    raise DatabaseDown(why=str(collision)) from collision
                time.sleep(random.uniform(0, 0.01) * 2 ** min(attempt, 6))  # noqa: S311 (spread, not secret)
        raise AssertionError

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


def _is_collision(error: DBAPIError) -> bool:
    # MariaDB: deadlock, lock wait timeout; from 11.6.2 a row changed meanwhile; a savepoint that a deadlock took along.
    # PostgreSQL: by SQLSTATE
    original: Any = error.orig
    if getattr(original, "sqlstate", None) in {"40001", "40P01", "55P03"}:
        return True
    if (original.args or (None,))[0] in {1213, 1205, 1020, 1305}:
        return True
    return getattr(original, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if "+" not in parsed.drivername:
            parsed = parsed.set(drivername=f"{backend}+{DRIVERS[backend]}")
        return _BUILDERS[backend](parsed)
    except (ArgumentError, KeyError, NoSuchModuleError, ModuleNotFoundError) as error:
        allowed = "sqlite:///FILE, mariadb+pymysql://USER:PASSWORD@HOST/NAME or postgresql+psycopg://… (an extra)"
        shown = re.sub(r"(?<=:)[^:/@]*(?=@)", "***", url)  # a password is nobody else's
        raise InvalidSetting(field="database", given=shown, allowed=allowed, source="the settings") from error


def _sqlite(url: Any) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late and is never IMMEDIATE
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", f"busy_timeout={int(BUSY * 1000)}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later ignores the busy timeout: a writer says so at once.
    immediate = connection.get_execution_options().get("isobuild_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _mariadb(url: Any) -> Engine:
    if "charset" not in url.query:
        url = url.update_query_dict({"charset": "utf8mb4"})
    return _server(url)


def _server(url: Any) -> Engine:
    # REPEATABLE READ, MariaDB's default, locks gaps: dozens of times more deadlocks
    patience = {"connect_timeout": 10}
    return create_engine(url, isolation_level="READ COMMITTED", pool_pre_ping=True, connect_args=patience)


_BUILDERS = {"sqlite": _sqlite, "mysql": _mariadb, "mariadb": _mariadb, "postgresql": _server}
