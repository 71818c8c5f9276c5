"""What anybody may see of orders: their options without what is secret in them."""

import json
from collections.abc import Callable, Iterator, Sequence

from isobuild.domain.listing import Shown
from isobuild.recipes import Cookbook

Look = Callable[..., Sequence[Shown]]  # before=: tasks before this number, the newest first; `limit` of them at most


def hide(cookbook: Cookbook, tasks: Sequence[Shown]) -> list[Shown]:
    """Tasks as anybody may see them."""
    veil = cookbook.hiding()
    return [task | {"options": veil(task["recipe"], task["options"])} for task in tasks]


def hide_order(cookbook: Cookbook, schedule: Shown) -> Shown:
    """A schedule as anybody may see it."""
    order = schedule["order"]
    options = cookbook.hiding()(order["recipe"], order["options"])
    return schedule | {"order": order | {"options": options}}


def search(cookbook: Cookbook, look: Look, text: str, before: int | None, limit: int) -> list[Shown]:
    """Tasks that have a text somewhere, but not in a secret only: nobody may guess those by searching."""
    found: list[Shown] = []
    while len(found) < limit:
        some = look(before=before)
        found += _telling(cookbook, some, text)
        if len(some) < limit:
            break
        before = some[-1]["id"]
    return found[:limit]


def _telling(cookbook: Cookbook, tasks: Sequence[Shown], text: str) -> Iterator[Shown]:
    for task, seen in zip(tasks, hide(cookbook, tasks), strict=True):
        if seen["options"] == task["options"] or not text or _tells(seen, text.casefold()):
            yield seen


def _tells(task: Shown, text: str) -> bool:
    told = (task["name"], task["iso"], task["recipe"], json.dumps(task["options"], ensure_ascii=False))
    return any(text in each.casefold() for each in told)
