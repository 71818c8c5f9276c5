"""Whatever people, ticks, runners, hosts and clocks do, in any order: the laws hold, and every task comes to its end.

By default some examples, the same each time. For a long soak, each time with others:
HYPOTHESIS_PROFILE=soak python -m pytest tests/proof/test_machine.py
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from isobuild.db import Database
from proof.grounds import empty
from proof.machine import Machine

COMMON = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=False)
PROFILES = {
    "short": settings(COMMON, max_examples=20, stateful_step_count=40, derandomize=True, database=None),
    "soak": settings(COMMON, max_examples=1000, stateful_step_count=60),
}


def test_whatever_happens_the_laws_hold(database: Database) -> None:
    """S0.20, S2.C6: one build a task, nothing lost, nothing doubled, nothing stuck."""
    profile = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "short")]
    empty(database)
    try:
        run_state_machine_as_test(lambda: Machine(database), settings=profile)  # type: ignore[arg-type]
    finally:
        empty(database)
