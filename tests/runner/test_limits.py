"""What ends a build that takes too long: first it is asked to, then it is killed."""

from datetime import UTC, datetime

import pytest
from sites import ISO, QUEUES, Site

from isobuild.domain import orders

ASKED = "run The soft limit of 1 s is over: step first.sh is asked to end.\n"
TOOK_LONG = "The build took longer than its soft limit of 1 s, in step {}."
GOES_ON = "#!/bin/sh\necho out\necho err >&2\nwhile :; do sleep 0.05; done\n"
FINISHES = f"{ISO.replace('set -e', 'set -e; trap : TERM')}sleep 60 || echo asked\n"
DEAF = "#!/bin/sh\ntrap '' TERM\necho deaf\nwhile :; do sleep 0.05; done\n"
TWO = """
from isobuild.image.step import Step
from isobuild.recipes.base import Options, Recipe

class Two(Recipe):
    name, title, version, Options = "two", "Two steps", 1, Options

    def steps(self, options, place):
        yield Step("first", ("sh", "-c", "trap : TERM; sleep 60 || true"))
        yield Step("second", ("sh", "-c", "echo second"))
"""


def test_at_the_soft_limit_it_is_asked_to_end(site: Site) -> None:
    site.order(text=GOES_ON, soft_limit=1.0, time_limit=60.0)
    build = site.carry()
    assert (build["state"], build["cause"], build["step"]) == ("timed_out", "timeout", "first.sh")
    assert build["error"] == TOOK_LONG.format("first.sh")
    assert site.row().exit_status == 143
    assert {"out", "err"} <= set((site.row().tail or "").splitlines())
    assert ASKED in site.log()
    assert (site.task()["state"], site.task()["attempts"]) == ("pending", 1)
    assert site.is_clear()


def test_one_that_then_ends_with_its_iso_succeeds(site: Site) -> None:
    site.order(text=FINISHES, soft_limit=1.0, time_limit=60.0)
    build = site.carry()
    assert (build["state"], site.row().exit_status, site.row().tail) == ("succeeded", None, None)
    assert ASKED in site.log()
    assert "out asked\n" in site.log()


@pytest.mark.parametrize("status", [1, 65])
def test_one_that_then_fails_took_too_long_whatever_it_says(site: Site, status: int) -> None:
    site.order(text=f'#!/bin/sh\ntrap "exit {status}" TERM\nsleep 60 & wait\n', soft_limit=1.0, time_limit=60.0)
    build = site.carry()
    assert (build["state"], build["cause"], build["error"]) == ("timed_out", "timeout", TOOK_LONG.format("first.sh"))
    assert site.row().exit_status == status


def test_one_that_is_deaf_is_killed_at_its_limit(site: Site) -> None:
    """S4.10: its time limit holds, whatever it does."""
    site.order(text=DEAF, soft_limit=1.0, time_limit=2.0)
    build = site.carry()
    assert (build["state"], build["cause"]) == ("timed_out", "timeout")
    assert build["error"] == "The build took longer than its limit of 2 s, in step first.sh."
    assert (site.row().exit_status, site.row().tail) == (None, "deaf")
    assert site.is_clear()


def test_no_step_begins_after_the_soft_limit(site: Site) -> None:
    (site.home / "recipes").mkdir()
    (site.home / "recipes" / "two.py").write_text(TWO)
    order = orders.Order(user="ann", name="two", recipe="two", options={}, soft_limit=1.0, time_limit=60.0)
    site.db.write(orders.order, order, QUEUES, datetime.now(UTC))
    build = site.carry()
    assert (build["state"], build["error"]) == ("timed_out", TOOK_LONG.format("second"))
    assert "out second" not in site.log()


def test_a_failure_is_kept_with_its_exit_status_and_its_last_lines(site: Site) -> None:
    """S1.17, S1.18: what a build said and how it ended."""
    site.order(text="#!/bin/sh\nseq 30\nexit 3\n")
    assert site.carry()["error"] == "Step first.sh ended with exit status 3: 28 / 29 / 30"
    assert (site.row().exit_status, site.row().tail) == (3, "\n".join(map(str, range(11, 31))))


def test_last_lines_that_are_long_lose_their_beginning(site: Site) -> None:
    site.order(text='#!/bin/sh\nfor n in 1 2 3; do printf "%03000d\\n" $n; done\nexit 3\n')
    site.carry()
    tail = site.row().tail or ""
    assert (len(tail), tail[-4:]) == (4000, "0003")
