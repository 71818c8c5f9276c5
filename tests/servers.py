"""Databases of one's own, on each kind of server.

The servers need no root and take no port, and they are gone with the process that started them.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

MEMORY = Path("/dev/shm")
ROOM = 2 << 30  # bytes that both servers and their logs may come to need
PREFIX = "isobuild-test-"
PATIENCE = 60.0  # seconds for a start or a stop on a loaded machine


class Databases(ABC):
    """Where databases are made."""

    @abstractmethod
    def url(self, name: str) -> str:
        """The SQLAlchemy URL of a database."""

    @abstractmethod
    def create(self, name: str) -> str:
        """Make an empty database; its URL."""

    @abstractmethod
    def copy(self, source: str, name: str) -> str:
        """Make database `name` as `source` is now, which nobody uses meanwhile; its URL."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove a database, even while somebody is connected to it."""


class Files(Databases):
    """SQLite, a file for each database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, name: str) -> str:
        return f"sqlite:///{self._file(name)}"

    def create(self, name: str) -> str:
        return self.url(name)

    def copy(self, source: str, name: str) -> str:
        shutil.copy(self._file(source), self._file(name))
        return self.url(name)

    def drop(self, name: str) -> None:
        for file in self.folder.glob(f"{name}.sqlite3*"):
            file.unlink()

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.sqlite3"


class Server(Databases):
    """A server, reached by a socket in its folder; a durable one keeps it on a disk, and waits for the disk.

    `stop`, `kill` and `start` keep its data and its URLs; `close` ends it for good. Raises FileNotFoundError when
    the server isn't installed.
    """

    owner: ClassVar[str]  # the system's user it runs as when root starts it
    first: ClassVar[str]  # the database that is always there
    leave: ClassVar[signal.Signals]  # asks it to end at once, in good order
    crash: ClassVar[signal.Signals]  # ends it as a crash would

    def __init__(self, *, durable: bool = False) -> None:
        self.durable = durable
        self.binaries = self.find()
        self.folder = _make_folder(self.owner, in_memory=not durable)
        self.engine = create_engine(self.url(self.first), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        self.process: subprocess.Popen[bytes] | None = None
        try:
            self.initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    @classmethod
    @abstractmethod
    def find(cls) -> Path:
        """The folder of its programs; raises FileNotFoundError."""

    @abstractmethod
    def initialise(self) -> None:
        """Make an empty data folder."""

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """The argument list that serves the data folder in the foreground."""

    def create(self, name: str) -> str:
        with self.admin() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return self.url(name)

    def admin(self) -> Connection:
        """A connection as the server's administrator, each statement its own transaction."""
        return self.engine.connect()

    def start(self) -> None:
        """Serve, and return when connections are taken."""
        with (self.folder / "log").open("ab") as log:
            # it ends with us, however we end
            leash = ["setpriv", f"--pdeathsig={self.crash.name}", *self._become()]
            self.process = subprocess.Popen(
                [*leash, *self.command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{type(self).__name__} did not start: {self._last_words()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End in good order, cutting off whoever is connected."""
        self._end(self.leave)

    def kill(self) -> None:
        """End as after a crash."""
        self._end(self.crash)

    def close(self) -> None:
        """End, and remove the data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command: str | Path) -> None:
        """Run one of its programs as its owner; raises CalledProcessError with what it said."""
        subprocess.run(
            ["setpriv", *self._become(), *command],
            cwd="/",
            stdin=subprocess.DEVNULL,
            check=True,
            capture_output=True,
        )

    def _become(self) -> list[str]:
        return [f"--reuid={self.owner}", f"--regid={self.owner}", "--clear-groups"] if os.geteuid() == 0 else []

    def _answers(self) -> bool:
        try:
            self.admin().close()
        except OperationalError:
            return False
        return True

    def _last_words(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(PATIENCE)
        self.process = None


class MariaDb(Server):
    """MariaDB, with its own defaults but for durability."""

    owner = "mysql"
    first = "mysql"
    leave = signal.SIGTERM
    crash = signal.SIGKILL

    @classmethod
    def find(cls) -> Path:
        return _folder_of("mariadbd", Path("/usr/sbin"))

    def initialise(self) -> None:
        install = shutil.which("mariadb-install-db") or "mariadb-install-db"
        data = f"--datadir={self.folder}/data"
        self.run(install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db")

    def command(self) -> Sequence[str | Path]:
        places = [f"--datadir={self.folder}/data", f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid"]
        places.append(f"--tmpdir={self.folder}")  # a server that starts removes what others have in the common one
        fast = [] if self.durable else ["--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite"]
        return [self.binaries / "mariadbd", "--no-defaults", "--skip-networking", *places, *fast]

    def url(self, name: str) -> str:
        socket = {"unix_socket": f"{self.folder}/socket"}
        return URL.create("mariadb+pymysql", "root", database=name, query=socket).render_as_string(False)

    def copy(self, source: str, name: str) -> str:
        url = self.create(name)
        with self.admin() as connection:
            tables = connection.execute(text(f"SHOW TABLES FROM {source}")).scalars().all()
            connection.execute(text(f"USE {name}"))
            connection.execute(text("SET foreign_key_checks = 0"))
            for table in tables:
                definition = connection.execute(text(f"SHOW CREATE TABLE {source}.{table}")).one()[1]
                connection.exec_driver_sql(definition)
                connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM {source}.{table}")  # noqa: S608
        return url

    def drop(self, name: str) -> None:
        users = text("SELECT id FROM information_schema.processlist WHERE db = :name")
        with self.admin() as connection:
            for number in connection.execute(users, {"name": name}).scalars().all():
                with suppress(OperationalError):  # it has left meanwhile
                    connection.execute(text(f"KILL {number}"))
            connection.execute(text(f"DROP DATABASE {name}"))


class PostgreSql(Server):
    """PostgreSQL, with its own defaults but for durability."""

    owner = "postgres"
    first = "postgres"
    leave = signal.SIGINT
    crash = signal.SIGQUIT  # recovers at the next start; after SIGKILL its children would still hold the data a while

    @classmethod
    def find(cls) -> Path:
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
        return _folder_of("postgres", *reversed(versions))

    def initialise(self) -> None:
        data = ["-D", f"{self.folder}/data"]
        self.run(self.binaries / "initdb", *data, "-U", "root", "-A", "trust", "-N", "--no-locale", "-E", "UTF8")

    def command(self) -> Sequence[str | Path]:
        fast = [] if self.durable else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        settings = [f"unix_socket_directories={self.folder}", "listen_addresses=", *fast]
        options = [word for setting in settings for word in ("-c", setting)]
        return [self.binaries / "postgres", "-D", f"{self.folder}/data", *options]

    def url(self, name: str) -> str:
        socket = {"host": str(self.folder)}
        url = URL.create("postgresql+psycopg", "root", database=name, query=socket)
        return url.render_as_string(False)

    def copy(self, source: str, name: str) -> str:
        with self.admin() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {source}"))
        return self.url(name)

    def drop(self, name: str) -> None:
        with self.admin() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _folder_of(program: str, *places: Path) -> Path:
    path = os.pathsep.join([*map(str, places), os.environ.get("PATH", os.defpath)])
    found = shutil.which(program, path=path)
    if found is None:
        raise FileNotFoundError(program)
    return Path(found).parent


def _make_folder(owner: str, *, in_memory: bool) -> Path:
    """A new folder, in memory if wanted and there is room; folders of runs that were killed are removed."""
    in_memory = in_memory and MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    place = MEMORY if in_memory else Path(tempfile.gettempdir())
    for folder in place.glob(f"{PREFIX}*-*"):
        if not Path("/proc", folder.name.removeprefix(PREFIX).partition("-")[0]).exists():
            shutil.rmtree(folder, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
    made.chmod(0o711)
    if os.geteuid() == 0:
        shutil.chown(made, owner, owner)
    return made
