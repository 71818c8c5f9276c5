"""What a benchmark printed, in a document: between its marks, under the conditions it was measured in."""

import os
import platform
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path
from typing import TextIO

from servers import MariaDb, PostgreSql

from bench.broker import Redis

PEERS = ("huey", "procrastinate", "celery")
PROGRAMS: dict[str, Callable[[], Path]] = {
    "MariaDB": lambda: MariaDb.find() / "mariadbd",
    "PostgreSQL": lambda: PostgreSql.find() / "postgres",
    "Redis": Redis.find,
}


class Tee(StringIO):
    """Keeps what is printed, and prints it."""

    def __init__(self, screen: TextIO) -> None:
        super().__init__()
        self.screen = screen

    def write(self, text: str) -> int:
        self.screen.write(text)
        return super().write(text)

    def flush(self) -> None:
        self.screen.flush()


def printed(run: Callable[[], None]) -> str:
    """What it prints, after and before how the machine was; it is printed meanwhile, too."""
    before, tee = os.getloadavg()[0], Tee(sys.stdout)
    with redirect_stdout(tee):
        run()
        load = f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after"
        print(f"Measured on {datetime.now(UTC):%-d %B %Y}: {', '.join(_machine())}; {load}.")
    return tee.getvalue()


def replace(document: Path, name: str, text: str) -> None:
    """Put the text between the marks of that name. Raises ValueError if they are not there."""
    begin, end = f"<!-- {name}: printed by python -m bench {name} -->\n", f"<!-- end of {name} -->"
    page = document.read_text()
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"{document} has no place for {name}, from {begin.strip()} to {end}")
    head, tail = page.partition(begin)[0], page.partition(end)[2]
    document.write_text(f"{head}{begin}\n{text.strip()}\n\n{end}{tail}")


def _machine() -> Iterator[str]:
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    yield f"{os.cpu_count()} cores of {model[1] if model else 'an unknown kind'}"
    yield platform.freedesktop_os_release()["PRETTY_NAME"]
    yield f"Python {platform.python_version()}"
    yield from _versions()


def _versions() -> Iterator[str]:
    yield f"SQLite {sqlite3.sqlite_version}"
    for name, find in PROGRAMS.items():
        with suppress(FileNotFoundError):
            said = subprocess.run([find(), "--version"], check=True, capture_output=True, text=True).stdout
            number = re.search(r"\d+\.[\d.]*\d", said)
            yield f"{name} {number[0] if number else said.strip()}"
    for peer in PEERS:
        with suppress(PackageNotFoundError):
            yield f"{peer} {version(peer)}"
