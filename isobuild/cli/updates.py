"""Newer versions of what ready ISOs have: looking for them, listing them, building again with them."""

import fcntl
import os
from datetime import UTC, datetime, timedelta
from typing import Any

from isobuild import rebuild as orders
from isobuild import site
from isobuild.cli import say
from isobuild.cli.orders import open_desk
from isobuild.config import load
from isobuild.domain import updates as found
from isobuild.errors import NotFound

AT_NIGHT = 10  # how nice it is to others then


def updates(number: int | None, *, json: bool) -> None:
    """The ready tasks that have updates; or those of one."""
    desk = open_desk()
    if number is not None:
        _show(number, orders.show_updates(desk, number), json=json)
        return
    tasks = orders.stale(desk)
    if json:
        say.value(tasks)
        return
    rows = [(t["id"], t["name"], t["recipe"], found.mark(t["updates"]), say.moment(t["updates"]["at"])) for t in tasks]
    say.table(("TASK", "NAME", "RECIPE", "NEWER", "LOOKED FOR (UTC)"), rows)
    if tasks:
        say.words("Each package: isobuild updates TASK. Build one again: isobuild rebuild TASK")
    else:
        say.words("No ready ISO is known to have older packages than there are. Look now: isobuild updates --look")


def _show(number: int, shown: dict[str, Any] | None, *, json: bool) -> None:
    if json:
        say.value(shown)
        return
    if shown is None:
        hint = "Either it is not ready, or nobody has looked: isobuild updates --look"
        raise NotFound(what="word on newer packages of task", given=number, hint=hint)
    rows = [(p["name"], p["old"], p["new"], "security" if p["security"] else "") for p in shown["packages"]]
    say.table(("PACKAGE", "IN THE ISO", "NEWER", ""), rows)
    say.words(found.words(shown) or "Nothing newer.")


def rebuild(number: int, *, json: bool) -> None:
    """Order a task again."""
    task = orders.rebuild(open_desk(), number)
    if json:
        say.value(task)
        return
    print(task["id"])
    say.words(f"Ordered: {task['iso']} is task {task['id']}. Watch it: isobuild log {task['id']} -f")


def look_now() -> None:
    """Look at every ready ISO of this host."""
    _look(datetime.now(UTC))


def look_due() -> None:
    """Look at those that nobody has looked at since half a period, unless another process does so."""
    settings = load()
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "updates.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        os.nice(AT_NIGHT)
        _look(datetime.now(UTC) - timedelta(hours=settings.updates_hours / 2))


def _look(before: datetime) -> None:
    settings = load()
    count = sum(1 for _ in site.stale(settings, site.database(settings)).look(before, lambda: datetime.now(UTC)))
    say.words(f"Looked at {count} ready ISO{'' if count == 1 else 's'}.")
