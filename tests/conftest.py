"""Real databases, a home, and honest skips."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import pytest
from servers import Databases, Files, MariaDb, PostgreSql, Server

if TYPE_CHECKING:
    from isobuild.db import Database

KINDS = ("sqlite", "mariadb", "postgresql")
S = TypeVar("S", bound=Server)

# nohup, and a shell that starts this in the background, have them ignored: what is started here would inherit that
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def needed() -> Callable[[str], str]:
    """The path of a program; where it is missing the test is skipped, or fails if this is CI."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # where users have no sbin
    return lambda program: shutil.which(program, path=path) or _miss(program)


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """SQLite files of this session."""
    return Files(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A MariaDB server of this session."""
    with closing(_start(MariaDb)) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A PostgreSQL server of this session."""
    with closing(_start(PostgreSql)) as server:
        yield server


@pytest.fixture(scope="session")
def migrated() -> Callable[[Databases], str]:
    """The name of a database with the schema and no rows, made once on each kind of server."""

    made: set[str] = set()

    def make(databases: Databases) -> str:
        from isobuild import schema
        from isobuild.db import Database

        if databases.url("migrated") not in made:
            database = Database(databases.create("migrated"))
            schema.upgrade(database)
            database.dispose()
            made.add(databases.url("migrated"))
        return "migrated"

    return make


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database, on each kind of server."""
    databases: Databases = request.getfixturevalue(request.param)
    yield databases.create("empty")
    databases.drop("empty")


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, migrated: Callable[[Databases], str]) -> Iterator["Database"]:
    """A database with the schema and no rows, on each kind of server."""
    from isobuild.db import Database

    databases: Databases = request.getfixturevalue(request.param)
    database = Database(databases.copy(migrated(databases), "tried"))
    yield database
    database.dispose()
    databases.drop("tried")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """isobuild's home for this test and the processes it starts, where a build user can pass through to its work."""
    for name in [name for name in os.environ if name.startswith("ISOBUILD_")]:
        monkeypatch.delenv(name)
    home = Path(tempfile.mkdtemp(prefix="isobuild-home-"))
    home.chmod(0o711)
    monkeypatch.setenv("ISOBUILD_HOME", str(home))
    yield home
    shutil.rmtree(home, ignore_errors=True)


def _start(kind: type[S]) -> S:
    try:
        return kind()
    except FileNotFoundError as missing:
        return _miss(str(missing))


def _miss(program: str) -> NoReturn:
    message = f"{program} is not installed (scripts/setup test)"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Sum up what tests counted; it stands here, as who spreads the tests reads no other conftest."""
    kept = [each for report in terminalreporter.stats.get("passed", ()) for each in report.user_properties]
    for name in sorted({name for name, _ in kept}):
        counts = [count for each, count in kept if each == name]
        terminalreporter.write_line(f"proof: {sum(counts)} {name} in {len(counts)} scenes, none does harm")
