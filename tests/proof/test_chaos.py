"""Real processes, and a monkey that kills them, the database too: in the end every task is ready, once.

The same for longer, and with figures: python -m bench chaos
"""

import pytest
from sites import build_user

from bench.chaos import ENGINES, Ordeal, serving, survive

__all__ = ["build_user"]

SECONDS, MOST = 8.0, 20


@pytest.mark.parametrize("engine", ENGINES)
def test_whatever_is_killed_every_task_is_ready_once(engine: str, build_user: str) -> None:
    """S0.20, S0.26: nothing is lost, doubled or stuck, and nothing is left over."""
    with serving(engine) as (url, server):
        outcome = survive(url, server, Ordeal(SECONDS, MOST, user=build_user))
    assert outcome.verdict.faults == []
    assert outcome.verdict.tasks == MOST
    assert outcome.deeds.total() > 0
