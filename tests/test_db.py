"""Collisions are tried again, outages are said, and the same Database works when its server is back."""

import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from orders import all_rows, order_task, task_row, url_of
from servers import Server
from sqlalchemy import event, text, update
from sqlalchemy.orm import Session

from isobuild.db import Database
from isobuild.domain import tasks
from isobuild.domain.tables import Task
from isobuild.errors import DatabaseDown, InvalidSetting, NameTaken

SERVERS = pytest.mark.parametrize("database", ["mariadb", "postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def two(database: Database) -> Database:
    """Two tasks, to be locked crosswise."""
    for name in ("one", "two"):
        order_task(database, name)
    return database


def test_a_write_returns_what_its_work_returns_and_is_committed(database: Database) -> None:
    number = order_task(database, "tea")
    assert task_row(Database(url_of(database)), number).name == "tea"
    assert database.write(lambda _, *words, **more: (words, more), 1, two=2) == ((1,), {"two": 2})


def test_a_work_that_raises_changes_nothing(database: Database) -> None:
    order_task(database, "tea")
    before = all_rows(database)

    def work(session: Session) -> None:
        session.execute(update(Task).values(name="changed"))
        raise NameTaken(field="name", given="tea", task=1)

    with pytest.raises(NameTaken):
        database.write(work)
    assert all_rows(database) == before


def test_a_programming_error_is_neither_an_outage_nor_tried_again(database: Database) -> None:
    tried: list[int] = []

    def work(session: Session) -> None:
        tried.append(1)
        session.execute(update(Task).where(text("no_such_column = 1")).values(name="x"))

    with pytest.raises(Exception, match="no_such_column"):
        database.write(work)
    assert len(tried) == 1


@SERVERS
@pytest.mark.parametrize("within", [nullcontext, Session.begin_nested], ids=["plain", "savepoint"])
def test_a_deadlock_is_tried_again_until_both_are_done(
    two: Database, within: Callable[[Session], AbstractContextManager[object]]
) -> None:
    together = threading.Barrier(2)
    tried: list[int] = []

    def lock(session: Session, first: int, second: int) -> None:
        tried.append(first)
        _lengthen(session, first)
        if tried.count(first) == 1:
            together.wait(30)  # now each holds what the other will want
        with within(session):  # MariaDB undoes it all, the savepoint too
            _lengthen(session, second)

    def cross(first: int, second: int) -> None:
        two.write(lock, first, second)

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(cross, *rows) for rows in ((1, 2), (2, 1))]
        for one in both:
            one.result(60)
    assert len(tried) > 2
    assert [task_row(two, number).error for number in (1, 2)] == ["xx", "xx"]


@SERVERS
def test_a_lock_timeout_is_tried_again(two: Database) -> None:
    timeouts = {"mariadb": "SET innodb_lock_wait_timeout = 1", "postgresql": "SET lock_timeout = '100ms'"}
    event.listen(two.engine, "connect", lambda raw, _: _say(raw, timeouts[two.engine.dialect.name]))
    two.dispose()
    tried: list[int] = []
    holder = Session(two.writer)
    _lengthen(holder, 1)

    def work(session: Session) -> None:
        tried.append(1)
        if len(tried) == 2:
            holder.commit()
        _lengthen(session, 1)

    two.write(work)
    assert len(tried) == 2
    assert task_row(two, 1).error == "xx"


@SQLITE
def test_sqlite_that_stays_busy_is_tried_again(two: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isobuild.db.BUSY", 0.01)
    impatient = Database(url_of(two))
    holder = two.writer.connect()
    holder.begin()
    tried: list[int] = []

    def watch(*_: Any) -> None:
        tried.append(1)
        if len(tried) == 3:
            holder.close()

    event.listen(impatient.engine, "checkout", watch)
    order_task(impatient, "tea")
    assert len(tried) == 3


@SQLITE
def test_a_collision_that_never_ends_is_said(two: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isobuild.db.BUSY", 0.01)
    monkeypatch.setattr("isobuild.db.PATIENCE", 0.5)
    impatient = Database(url_of(two))
    tried: list[int] = []
    event.listen(impatient.engine, "checkout", lambda *_: tried.append(1))
    with two.writer.connect() as holder, holder.begin(), pytest.raises(DatabaseDown, match="database is locked"):
        order_task(impatient, "tea")
    assert len(tried) > 2


@SQLITE
def test_all_tries_together_have_one_deadline(two: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUSY", "PATIENCE"):
        monkeypatch.setattr(f"isobuild.db.{name}", 1.0)
    impatient = Database(url_of(two))
    begun = time.monotonic()
    with two.writer.connect() as holder, holder.begin(), pytest.raises(DatabaseDown, match="database is locked"):
        order_task(impatient, "tea")
    assert time.monotonic() - begun < 5


@SERVERS
def test_a_lock_that_is_never_given_back_is_said(two: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOCK", "PATIENCE"):
        monkeypatch.setattr(f"isobuild.db.{name}", 1)
    impatient = Database(url_of(two))
    begun = time.monotonic()
    with Session(two.writer) as holder:
        _lengthen(holder, 1)
        with pytest.raises(DatabaseDown):
            impatient.write(_lengthen, 1)
    assert time.monotonic() - begun < 10


def test_a_pool_that_is_taken_up_is_an_outage(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isobuild.db.QUEUE", 0.05)
    crowded = Database(url_of(database))
    taken = [crowded.engine.connect() for _ in range(15)]
    with pytest.raises(DatabaseDown, match="all connections to it are in use"):
        order_task(crowded, "tea")
    with pytest.raises(DatabaseDown), crowded.read() as session:
        session.execute(text("SELECT 1"))
    for connection in taken:
        connection.close()
    assert order_task(crowded, "tea") == 1
    crowded.dispose()


@SQLITE
def test_writers_of_sqlite_wait_for_each_other_and_readers_for_nobody(two: Database) -> None:
    with ThreadPoolExecutor(8) as pool, two.read() as session:
        before = tasks.get(session, 1).error
        for done in [pool.submit(two.write, _lengthen, 1) for _ in range(80)]:
            done.result(60)
        session.expire_all()
        assert tasks.get(session, 1).error == before  # a look is one moment
    assert task_row(two, 1).error == "x" * 80


def test_writers_at_once_lose_nothing(two: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(two.write, _lengthen, 1) for _ in range(40)]:
            done.result(60)
    assert task_row(two, 1).error == "x" * 40


@pytest.fixture(params=["mariadb", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server: Server = request.getfixturevalue(request.param)
    yield server
    if server.process is None:
        server.start()


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize(("server", "database"), [(name, name) for name in ("mariadb", "postgresql")], indirect=True)
def test_an_outage_is_said_and_the_same_database_works_after_it(server: Server, database: Database, end: str) -> None:
    order_task(database, "before")
    getattr(server, end)()
    for _ in range(2):
        with pytest.raises(DatabaseDown, match=r"^The database can't be reached: "):
            order_task(database, "meanwhile")
        with pytest.raises(DatabaseDown):
            task_row(database, 1)
    server.start()
    last = order_task(database, "after")
    assert task_row(database, last).name == "after"
    if end == "stop":  # the servers of the tests need not survive a crash with everything
        assert (last, task_row(database, 1).name) == (2, "before")


@pytest.mark.parametrize("database", ["mariadb", "postgresql"], indirect=True)
def test_a_connection_that_is_cut_in_the_middle_is_an_outage(database: Database) -> None:
    """S4.36: connections may be cut, and the work goes on."""
    numbers = {"mariadb": "SELECT connection_id()", "postgresql": "SELECT pg_backend_pid()"}
    cuts = {"mariadb": "KILL {}", "postgresql": "SELECT pg_terminate_backend({})"}
    dialect = database.engine.dialect.name

    def work(session: Session) -> None:
        number = session.scalar(text(numbers[dialect]))
        with database.engine.connect() as other:
            other.execute(text(cuts[dialect].format(number)))
        _lengthen(session, 1)

    with pytest.raises(DatabaseDown):
        database.write(work)
    assert order_task(database, "after") == 1


@pytest.mark.parametrize(("server", "database"), [("mariadb", "mariadb")], indirect=True)
def test_a_server_that_falls_silent_is_an_outage(
    server: Server, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isobuild.db.SILENCE", 1)
    quick = Database(url_of(database))
    order_task(quick, "before")
    assert server.process
    server.process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    try:
        with pytest.raises(DatabaseDown):
            order_task(quick, "meanwhile")
        assert time.monotonic() - begun < 20
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert task_row(quick, order_task(quick, "after")).name == "after"
    quick.dispose()


@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
def test_a_change_of_the_schema_may_take_its_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isobuild.db.SILENCE", 1)
    quick = Database(url_of(database))
    with pytest.raises(DatabaseDown), quick.read() as session:
        session.execute(text("SELECT sleep(2)"))
    with quick.unhurried() as connection:
        assert connection.scalar(text("SELECT sleep(2)")) == 0
    quick.dispose()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_host_that_vanishes_is_probed_for(database: Database) -> None:
    with database.engine.connect() as connection:
        told = connection.connection.dbapi_connection.info.get_parameters()  # type: ignore[union-attr]
    assert {name: told[name] for name in told if name.startswith(("keepalives_", "tcp_"))} == {
        "keepalives_idle": "20", "keepalives_interval": "10", "keepalives_count": "4", "tcp_user_timeout": "60000",
    }  # fmt: skip


@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
def test_a_url_has_the_last_word_about_time(database: Database) -> None:
    slow = Database(f"{url_of(database)}&read_timeout=1")
    with pytest.raises(DatabaseDown), slow.read() as session:
        session.execute(text("SELECT sleep(2)"))
    slow.dispose()


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("This is no database, it is a letter to my aunt." * 100)
    with pytest.raises(DatabaseDown, match="not a database"), Database(f"sqlite:///{tmp_path}/x").read() as session:
        session.execute(text("SELECT 1"))


def test_a_file_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatabaseDown, match="unable to open"), Database(f"sqlite:///{tmp_path}/no/x").read() as session:
        session.execute(text("SELECT 1"))


def test_the_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/folder/x.sqlite3")
    assert database.make_file()
    assert database.make_file()
    assert stat.S_IMODE((tmp_path / "new/folder/x.sqlite3").stat().st_mode) == 0o600


@pytest.mark.parametrize("url", ["mariadb+pymysql://u:p@h/n", "postgresql://h/n", "sqlite://"])
def test_only_sqlite_has_a_file_to_make(url: str) -> None:
    assert not Database(url).make_file()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "oracle://h/n", "mysql+nodriver://h/n", "://", "sqlite+aiosqlite_not_here:///x"]
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^Setting database: .*mariadb\+pymysql://.*postgresql\+psycopg://"):
        Database(url)


@pytest.mark.parametrize("password", ["tiger", "/tiger", "ti/tiger@2:x", "@tiger", "tiger\n/@"])
@pytest.mark.parametrize("scheme", ["oracle://", "postgresql+psycopg:/", ""])
def test_a_refused_url_keeps_its_password_to_itself(scheme: str, password: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        Database(f"{scheme}scott:{password}@host/name")
    assert "tiger" not in str(refused.value)
    assert "scott:***@host/name" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///x", "pysqlite"),
        ("mysql://h/n", "pymysql"),
        ("mariadb://h/n", "pymysql"),
        ("mariadb+pymysql://h/n", "pymysql"),
        ("postgresql://h/n", "psycopg"),
    ],
)
def test_each_kind_has_its_driver(url: str, driver: str) -> None:
    """S2.3 decided, S4.18: the driver is a database, one of three kinds."""
    assert Database(url).engine.driver == driver


@SQLITE
def test_sqlite_keeps_foreign_keys_and_a_write_ahead_log(database: Database) -> None:
    with database.read() as session:
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA busy_timeout")) == 30_000


def _lengthen(session: Session, number: int) -> None:
    longer = text("UPDATE tasks SET error = concat(coalesce(error, ''), 'x') WHERE id = :number")
    if session.get_bind().dialect.name == "sqlite":
        longer = text("UPDATE tasks SET error = coalesce(error, '') || 'x' WHERE id = :number")
    session.execute(longer, {"number": number})


def _say(raw: Any, statement: str) -> None:
    cursor = raw.cursor()
    cursor.execute(statement)
    cursor.close()
    raw.commit()
