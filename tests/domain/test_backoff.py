"""The back-off: how long a task waits after a failure, and that those which failed together come back apart."""

from datetime import timedelta

import pytest
from orders import NOW, FakeLauncher, fail, order_task, run_tick, start_build, task_row

from isobuild.db import Database
from isobuild.domain import tasks
from isobuild.domain.hosts import Host


def test_the_back_off_doubles_up_to_an_hour(database: Database) -> None:
    """S2.7, S4.5: as often, and with as long a wait, as the order says; no task's waits are those of another."""
    order_task(database, "tea", retry_delay=1000, max_attempts=6)
    now, waits = NOW, []
    for _ in range(5):
        fail(database, start_build(database, now), now)
        until = task_row(database, 1).not_before
        assert until is not None
        waits.append((until - now).total_seconds())
        now = until
    plain = [1000, 2000, 3600, 3600, 3600]
    assert waits == [pytest.approx(wait * (1 + 0.25 * tasks.spread(1, n + 1))) for n, wait in enumerate(plain)]
    assert all(0.75 * wait <= waited <= 1.25 * wait for wait, waited in zip(plain, waits, strict=True))


def test_the_back_off_of_any_number_of_failures() -> None:
    assert [tasks.delay(failed, 0.5).total_seconds() for failed in (1, 2, 3, 14)] == [0.5, 1, 2, 3600]
    assert tasks.delay(10_000, 30) == tasks.LONGEST_DELAY
    assert tasks.delay(1, 7200) == tasks.delay(9, 7200) == timedelta(hours=2)


def test_the_back_off_is_spread_by_a_quarter_either_way() -> None:
    for failed in (1, 2, 20):
        plain = tasks.delay(failed, 30)
        waits = [tasks.delay(failed, 30, tasks.spread(task, failed)) for task in range(1, 400)]
        assert 0.75 * plain <= min(waits) < 0.8 * plain
        assert 1.2 * plain < max(waits) <= 1.25 * plain
        assert waits == [tasks.delay(failed, 30, tasks.spread(task, failed)) for task in range(1, 400)]


def test_tasks_that_failed_together_do_not_come_back_together(database: Database) -> None:
    host = Host("oven", slots=5)
    for number in range(5):
        order_task(database, f"os{number}", retry_delay=60)
    launcher = FakeLauncher(database)
    run_tick(database, launcher, host=host)
    for launch in launcher.launched:
        fail(database, launch)
    assert len({task_row(database, number).not_before for number in range(1, 6)}) == 5
