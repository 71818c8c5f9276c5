"""Building an ISO again: the order of a task once more, anew, under a name that tells when."""

import re
from datetime import datetime
from typing import Any

from isobuild.desk import Desk
from isobuild.domain import updates
from isobuild.domain.listing import Shown
from isobuild.errors import NameTaken

WHEN = re.compile(r"-\d{8}(-\d{4})?(-\d+)?$")  # as schedules and rebuilds call their tasks
LONGEST = 64  # characters of a name
KEPT = (
    "queue", "priority", "after", "on_dependency_failure", "without_overlapping", "tags", "max_attempts", "time_limit",
    "soft_limit", "ttl", "boot_test",
)  # fmt: skip


def rebuild(desk: Desk, number: int) -> Shown:
    """Order what a task is anew; the new task. Raises NotFound, BadInput, Refused.

    Its secrets are taken over if the task is the user's own.
    """
    task = desk.task(number)
    wish: dict[str, Any] = {name: task[name] for name in KEPT} | {"fresh": True, "like": number}
    for place in range(1, 100):
        try:
            return desk.order(task["recipe"], task["options"], name=_name(task["name"], desk.now(), place), **wish)
        except NameTaken as error:
            taken = error
    raise taken


def stale(desk: Desk) -> list[Shown]:
    """The ready tasks that have updates, the newest first."""
    with desk.db.read() as session:
        numbers = updates.stale(session)
    return [desk.task(number) for number in numbers]


def show_updates(desk: Desk, number: int) -> dict[str, Any] | None:
    """The updates of a task, each package of them; None if nobody has looked. Raises NotFound."""
    with desk.db.read() as session:
        return updates.show(session, number)


def _name(name: str, now: datetime, place: int) -> str:
    suffix = f"-{now:%Y%m%d}" + (f"-{place}" if place > 1 else "")
    return WHEN.sub("", name)[: LONGEST - len(suffix)] + suffix
