"""What is measured on: databases and brokers of one's own, gone with the measurement."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

from servers import MEMORY, Files, MariaDb, PostgreSql

from bench.broker import Redis

Create = Callable[[str], str]  # makes an empty place for what has this name; its URL


@contextmanager
def serving(engine: str, *, durable: bool) -> Iterator[Create]:
    """Serve SQLite, MariaDB, PostgreSQL or Redis: on a disk and waiting for it, or in memory.

    Raises FileNotFoundError when it isn't installed.
    """
    with ExitStack() as stack:
        match engine:
            case "SQLite":
                yield Files(stack.enter_context(folder(durable=durable))).create
            case "MariaDB":
                yield stack.enter_context(closing(MariaDb(durable=durable))).create
            case "PostgreSQL":
                yield stack.enter_context(closing(PostgreSql(durable=durable))).create
            case "Redis":
                redis = stack.enter_context(closing(Redis(stack.enter_context(folder(durable=durable)))))
                numbers = count()
                yield lambda name: redis.url(next(numbers))


@contextmanager
def folder(*, durable: bool) -> Iterator[Path]:
    """A folder on a disk, or in memory if there is any."""
    place = MEMORY if MEMORY.is_dir() and not durable else None
    with tempfile.TemporaryDirectory(prefix="isobuild-bench-", dir=place) as made:
        yield Path(made)


@contextmanager
def all_serving(engines: Iterable[str], *, durable: bool) -> Iterator[dict[str, Create]]:
    """Those of the engines that are installed; what is not is said."""
    with ExitStack() as stack:
        found: dict[str, Create] = {}
        for engine in engines:
            try:
                found[engine] = stack.enter_context(serving(engine, durable=durable))
            except FileNotFoundError as missing:
                print(f"not measured on {engine}: {missing} is not installed\n")
        yield found


@contextmanager
def missing_is_said(name: str) -> Iterator[None]:
    """Go on without a peer that isn't installed."""
    try:
        yield
    except ModuleNotFoundError as missing:
        print(f"{name} is not measured: there is no module {missing.name}\n")
