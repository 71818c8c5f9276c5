"""What is measured of each peer works, at a tiny size; and a worker enters what was ordered."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from servers import Databases

from bench.broker import Redis
from bench.ground import folder
from bench.peers.base import Peer, make
from bench.peers.worker import Worker

KINDS = {
    "isobuild on SQLite": ("isobuild", "sqlite"),
    "isobuild on MariaDB": ("isobuild", "mariadb"),
    "isobuild on PostgreSQL": ("isobuild", "postgresql"),
    "isobuild at the desk": ("desk", "sqlite"),
    "huey": ("huey", "sqlite"),
    "procrastinate": ("procrastinate", "postgresql"),
    "celery": ("celery", "redis"),
}


class Lane(NamedTuple):
    """A peer on an empty database, and how a worker of it is started."""

    peer: Peer
    work: Callable[[], Worker]


@pytest.fixture
def redis(needed: Callable[[str], str]) -> Iterator[Redis]:
    """Redis, with nothing in it."""
    needed("redis-server")
    with folder(durable=False) as place, closing(Redis(place)) as server:
        yield server


@pytest.fixture
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database or broker of the kind that the parameter names."""
    found: Databases | Redis = request.getfixturevalue(request.param)
    if isinstance(found, Redis):
        yield found.url(0)
    else:
        yield found.create("peer")
        found.drop("peer")


@pytest.fixture
def lane(kind: str, url: str, tmp_path: Path) -> Iterator[Lane]:
    with closing(make(kind, url, tmp_path, lambda: None)) as peer:
        peer.prepare()
        yield Lane(peer, partial(Worker, kind, url, tmp_path))


each = pytest.mark.parametrize(("kind", "url"), KINDS.values(), ids=KINDS, indirect=["url"])


@each
def test_a_worker_enters_what_is_ordered(lane: Lane) -> None:
    with closing(lane.work()) as worker:
        for _ in range(2):
            before = time.monotonic()
            lane.peer.order()
            assert before < worker.entered() < time.monotonic()


@each
def test_what_is_ordered_is_claimed_once(lane: Lane) -> None:
    lane.peer.order()
    lane.peer.order()
    took = [lane.peer.claim() for _ in range(3)]
    assert all(figure > 0 for figure in took[:2])
    assert math.isnan(took[2])


@each
def test_many_are_ordered_at_once_or_not_at_all(lane: Lane) -> None:
    ordered = 5 if lane.peer.order_many(5) else 0
    took = [lane.peer.claim() for _ in range(6)]
    assert sum(not math.isnan(figure) for figure in took) == ordered


@each
def test_a_full_table_has_jobs_that_wait(lane: Lane) -> None:
    lane.peer.fill(1000)
    took = [lane.peer.claim() for _ in range(20)]
    assert all(figure > 0 for figure in took)
