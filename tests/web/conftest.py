"""A site with its page."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import Files
from starlette.testclient import TestClient

from web.counter import Counter


@pytest.fixture
def counter(home: Path, sqlite: Files, migrated: Callable[[Files], str]) -> Iterator[Counter]:
    """A site with an empty database, and the page over it."""
    shutil.copy(sqlite.url(migrated(sqlite)).removeprefix("sqlite:///"), home / "isobuild.sqlite3")
    counter = Counter(home)
    yield counter
    counter.db.dispose()


@pytest.fixture
def client(counter: Counter) -> TestClient:
    """A client of the page."""
    return counter.client
