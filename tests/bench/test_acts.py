"""Every act that is measured on a full table does what it is called; and a measured start has its moments in order."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from servers import Files

from bench.acts import ACTS, Queue
from bench.daemon import Daemon
from bench.peers.isobuild import AtTheDesk


@pytest.fixture(scope="module")
def queue(sqlite: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queue]:
    """A table of a thousand tasks."""
    with closing(AtTheDesk(sqlite.create("full"), tmp_path_factory.mktemp("full"), lambda: None)) as peer:
        peer.prepare()
        peer.fill(1000)
        yield Queue(peer)
    sqlite.drop("full")


@pytest.mark.parametrize("name", ACTS)
def test_an_act_can_be_done_again_and_again(queue: Queue, name: str) -> None:
    for _ in range(2):
        assert ACTS[name](queue) > 0  # NaN, if it found nothing to do, is not


def test_a_start_is_measured_from_the_order_to_the_script(home: Path) -> None:
    with closing(Daemon()) as daemon:
        start = daemon.order("measured")
    assert max(start.committed, start.ticked) < start.claimed < start.began  # a tick may have begun already
    assert start.wait == 1000 * (start.began - start.committed)
