"""What a person does with tasks: order, cancel, retry, remove."""

import os
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from isobuild import nudge, site
from isobuild.cli import say
from isobuild.config import Settings, load
from isobuild.domain import listing, tasks
from isobuild.domain.states import TaskState
from isobuild.domain.tasks import Order
from isobuild.errors import BadInput


def read_options(words: Sequence[str]) -> dict[str, object]:
    """`--packages nginx,htop --size=3 --quiet` as {"packages": "nginx,htop", "size": "3", "quiet": "true"}.

    An option given twice becomes a list. Raises BadInput for what is not an option.
    """
    options: dict[str, object] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise BadInput(field="options", given=word, allowed="a recipe's options look like --NAME VALUE")
        name, equals, value = word[2:].partition("=")
        if not equals:
            value = rest.pop(0) if rest and not rest[0].startswith("--") else "true"
        name = name.replace("-", "_")
        seen = options.get(name)
        options[name] = value if seen is None else [*(seen if isinstance(seen, list) else [seen]), value]
    return options


def me() -> str:
    """The name of the user whose process this is."""
    return pwd.getpwuid(os.getuid()).pw_name


def order(
    recipe: str,
    options: dict[str, object],
    *,
    name: str,
    iso: str = "",
    queue: str = "default",
    priority: int = 0,
    time_limit: float | None = None,
    user: str = "",
    follow: bool = False,
    json: bool = False,
) -> None:
    """Order an ISO, and wake the daemon if there is one."""
    settings = load()
    if time_limit is not None and not 1 <= time_limit <= 30 * 86400:
        raise BadInput(field="time-limit", given=time_limit, allowed="from 1 second to 30 days of them")
    wish = make_wish(settings, recipe, options, name=name, user=user or me(), iso=iso, queue=queue, priority=priority)
    if time_limit is not None:
        wish = replace(wish, time_limit=time_limit)
    db = site.database(settings)
    task = db.write(tasks.order, wish, settings.queues, datetime.now(UTC))
    heard = nudge.send(settings.nudges)
    if json:
        with db.read() as session:
            say.value(listing.show_task(session, task.id, settings.queues))
    else:
        print(task.id, flush=True)
    if not heard:
        say.words("Nothing ticks here yet: start 'isobuild up', or call 'isobuild tick' (see crontab.example).")
    if follow:
        from isobuild.cli.follow import follow_task

        follow_task(settings, db, task.id)
    elif not json:
        say.words(f"Ordered: {task.iso} is task {task.id}. Watch it: isobuild log {task.id} -f")


def make_wish(settings: Settings, recipe: str, options: Mapping[str, object], **chosen: Any) -> Order:
    """An order of a recipe, its options checked, with the site's limits. Raises BadInput."""
    cookbook = site.cookbook(settings)
    return Order(
        recipe=recipe, options=cookbook.dump(cookbook.parse(recipe, options)), max_attempts=settings.max_attempts,
        retry_delay=settings.retry_delay, time_limit=settings.time_limit, **chosen,
    )  # fmt: skip


def cancel(number: int) -> None:
    """Cancel a task."""
    settings, left = _change(tasks.cancel, number, datetime.now(UTC))
    if left is TaskState.BUILDING:
        say.words(f"Task {number} is being built: its build stops within seconds. See: isobuild task {number}")
    else:
        say.words(f"Task {number} is canceled. To order it after all: isobuild retry {number}")
    nudge.send(settings.nudges)


def retry(number: int) -> None:
    """Let a task be built again."""
    settings, _ = _change(tasks.retry, number)
    nudge.send(settings.nudges)
    say.words(f"Task {number} waits for its turn again. Watch it: isobuild log {number} -f")


def remove(number: int) -> None:
    """Forget a task."""
    settings, _ = _change(tasks.remove, number)
    nudge.send(settings.nudges)
    say.words(f"Task {number} is gone; its files go with the next tick.")


def _change(work: object, number: int, *facts: object) -> tuple[Settings, object]:
    settings = load()
    return settings, site.database(settings).write(work, number, *facts)  # type: ignore[arg-type]
