"""What an order may say of its times and limits, and what is refused."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from orders import MINUTE, NOW, all_rows, order_task, task_row

from isobuild.db import Database
from isobuild.errors import BadInput

FAR = datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))  # which is no time in UTC
BAD: list[tuple[dict[str, Any], str]] = [
    ({"not_after": NOW}, "'2026-11-21 07:00' can't be used: a time to come"),
    ({"not_after": NOW - MINUTE}, "'2026-11-21 06:59' can't be used: a time to come"),
    (
        {"not_after": NOW + MINUTE, "not_before": NOW + MINUTE},
        "'2026-11-21 07:01' can't be used: a time to come, later",
    ),
    ({"not_before": FAR}, "'9999-12-31 23:59' can't be used: a time within the next 100 years"),
    ({"not_after": FAR}, "'9999-12-31 23:59' can't be used: a time within the next 100 years"),
    ({"time_limit": 0}, "0 can't be used: from 1 second to 30 days"),
    ({"time_limit": float("nan")}, "nan can't be used: from 1 second to 30 days"),
    ({"time_limit": 30 * 86400 + 1}, "2592001 can't be used: from 1 second to 30 days"),
    ({"soft_limit": 0}, "0 can't be used: from 1 second to less than the time limit, 7200 s"),
    ({"soft_limit": 60, "time_limit": 60}, "60 can't be used: from 1 second to less than the time limit, 60 s"),
    ({"max_attempts": 0}, "0 can't be used: a whole number from 1 to 100"),
    ({"max_attempts": 101}, "101 can't be used: a whole number from 1 to 100"),
    ({"ttl": -2}, "-2 can't be used: seconds, 0 for no longer than needed, or -1 for good"),
    ({"ttl": float("inf")}, "inf can't be used: seconds"),
    ({"ttl": float("nan")}, "nan can't be used: seconds"),
]


@pytest.mark.parametrize(("wish", "words"), BAD)
def test_what_can_not_be_is_refused_with_its_field(database: Database, wish: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as refused:
        order_task(database, "tea", **wish)
    assert str(refused.value).startswith(f"{next(iter(wish))}: {words}")
    assert not any(all_rows(database).values())


def test_what_is_not_said_is_no_limit(database: Database) -> None:
    """S1.5, S1.9: by default it may go now, five times."""
    order_task(database, "tea")
    task = task_row(database, 1)
    assert (task.not_before, task.not_after, task.soft_limit, task.ttl) == (None, None, None, None)
    assert (task.max_attempts, task.time_limit, task.queue, task.priority) == (5, 7200, "default", 0)
    assert (task.without_overlapping, task.open_key, task.write_last_exec) == (False, None, False)


def test_times_and_limits_are_kept_as_they_were_said(database: Database) -> None:
    until = NOW + timedelta(days=1, microseconds=1)
    order_task(database, "tea", not_before=NOW + MINUTE, not_after=until, soft_limit=30, time_limit=60.5, ttl=-1)
    task = task_row(database, 1)
    assert (task.not_before, task.not_after) == (NOW + MINUTE, until)
    assert (task.soft_limit, task.time_limit, task.ttl) == (30, 60.5, -1)
