"""A state machine of all that people, ticks, runners, hosts and clocks may do, in any order.

After each act all laws are looked at; at the end time goes on, and every task must come to its end (afterwards.py).
"""

import sys
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from isobuild.domain.pruning import Keep
from isobuild.domain.rules import Allowance
from proof.afterwards import come_to_an_end
from proof.choices import KEEPS, seconds, some, which
from proof.grounds import DAY
from proof.persons import Persons
from proof.processes import Processes


class Machine(Persons, Processes):
    """What may happen."""

    @initialize(
        slots=st.integers(1, 3), fair=st.booleans(), scarce=st.integers(0, 3), keep=st.sampled_from(KEEPS), some=some
    )
    def begin(self, slots: int, fair: bool, scarce: int, keep: Keep, some: list[Any]) -> None:
        self.grounds.keep = keep
        self.grounds.arrange(slots, fair=fair, orders=Allowance(4, DAY) if scarce == 3 else None)
        self.order_together(some, 0, 0)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:  # nothing has gone wrong so far
                come_to_an_end(self.grounds)
        finally:
            self.grounds.close()

    @precondition(lambda self: all(station.up for station in self.grounds.stations))
    @rule(which=which)
    def put_out(self, which: int) -> None:
        self.grounds.put_out(self.grounds.stations[which])

    @precondition(lambda self: not all(station.up for station in self.grounds.stations))
    @rule()
    def put_on(self) -> None:
        for station in self.grounds.stations:
            station.up = True

    @rule(passed=seconds)
    def pass_time(self, passed: int) -> None:
        self.grounds.now += timedelta(seconds=passed)

    @rule(which=which, ahead=st.sampled_from([-1, 1, 0]), much=seconds)
    def set_clock(self, which: int, ahead: int, much: int) -> None:
        """A host's clock goes wrong, forward or back, or right again."""
        self.grounds.stations[which].ahead = timedelta(seconds=ahead * much)
