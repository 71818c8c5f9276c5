"""What a person does with tasks: order, cancel, retry, remove."""

import os
import pwd
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from isobuild import nudge, site
from isobuild.cli import say, times
from isobuild.config import load
from isobuild.desk import Desk
from isobuild.domain.listing import Shown
from isobuild.domain.numbers import number_or_name
from isobuild.domain.states import OPEN, TaskState
from isobuild.domain.wishes import Wish
from isobuild.errors import BadInput


def read_options(words: Sequence[str]) -> dict[str, object]:
    """`--packages nginx,htop --size=3 --quiet` as {"packages": "nginx,htop", "size": "3", "quiet": "true"}.

    `--set size=3` is `--size 3`. An option given twice becomes a list. Raises BadInput for what is not an option.
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
        if name == "set":
            name, _, value = value.partition("=")
        name = name.replace("-", "_")
        seen = options.get(name)
        options[name] = value if seen is None else [*(seen if isinstance(seen, list) else [seen]), value]
    return options


def part(recipe: str, words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The recipe and its options; without a recipe, as with --file, what stands in its place is the first option."""
    return ("", [recipe, *words]) if recipe.startswith("--") else (recipe, words)


def read_tasks(words: Sequence[str]) -> list[int | str]:
    """Tasks by their numbers or names."""
    return [number_or_name(word) for word in words]


def read_tags(words: Sequence[str]) -> dict[str, str]:
    """`team=kde` as {"team": "kde"}; a word alone has an empty value."""
    pairs = (word.partition("=") for word in words)
    return {tag: value for tag, _, value in pairs}


def me() -> str:
    """The name of the user whose process this is."""
    return pwd.getpwuid(os.getuid()).pw_name


def order(
    recipe: str, options: dict[str, object], *, name: str, user: str, follow: bool, json: bool, file: str = "",
    **wish: Unpack[Wish],
) -> None:  # fmt: skip
    """Order an ISO, and wake the daemon if there is one."""
    from isobuild.cli import uploads

    desk = open_desk(user)
    if file:
        task = uploads.order_from(file, desk, recipe, options, name, wish)
    else:
        task = desk.order(recipe, uploads.bring(desk, recipe, options), name=name, **wish)
    number = task["id"]
    if json:
        say.value(task)
    else:
        print(number, flush=True)
    if task["state"] in OPEN and not nudge.send(desk.settings.nudges):
        say.words("No daemon listens here: the next tick takes it up. If nothing ticks yet, start 'isobuild up'.")
    if follow:
        from isobuild.cli.follow import follow_task

        follow_task(desk, number)
    elif not json:
        say.words(_ordered(task))


def _ordered(task: Shown) -> str:
    number = task["id"]
    if task["follows"]:
        return f"The same is on its way: {task['iso']} (task {number}) will be ready with task {task['follows']}."
    return {
        "ready": f"The same was built before: {task['iso']} is ready. Download it: isobuild download {number}",
        "failed": f"Task {number} is failed. {task['error']} (--fresh builds it all the same)",
    }.get(task["state"], f"Ordered: {task['iso']} is task {number}. Watch it: isobuild log {number} -f")


def open_desk(user: str = "") -> Desk:
    """The desk of this machine's site, in the name of `user`, or else of who calls."""
    settings = load()
    return site.desk(settings, site.database(settings), user or me())


def order_all(file: str, *, user: str, json: bool) -> None:
    """Order what a file says, all or nothing."""
    from isobuild import slip

    desk = open_desk(user)
    slips = [slip.read(entry, f"order {place}") for place, entry in enumerate(_entries(file), 1)]
    added = slip.order_all(slips, desk)
    if json:
        say.value(added)
    else:
        print(*(task["id"] for task in added), sep="\n")


def _entries(file: str) -> list[Any]:
    from isobuild import recipe_files

    allowed = "a TOML or YAML file of orders ([[order]]), each with a name and a recipe (see docs/orders.md)"
    try:
        text = Path(file).read_text() if file != "-" else sys.stdin.read()
        yaml = recipe_files.form_of(file) == "yaml"
        found = (recipe_files.parse(text, "yaml") if yaml else tomllib.loads(text)).get("order")
    except (OSError, ValueError) as error:
        raise BadInput(field="FILE", given=file, allowed=f"{allowed} ({error})") from error
    if not isinstance(found, list) or not found:
        raise BadInput(field="FILE", given=file, allowed=allowed)
    return found


def cancel(number: int) -> None:
    """Cancel a task."""
    if open_desk().cancel(number) is TaskState.BUILDING:
        say.words(f"Task {number} is being built: its build stops within seconds. See: isobuild task {number}")
    else:
        say.words(f"Task {number} is canceled. To order it after all: isobuild retry {number}")


def cancel_waiting(recipe: str, queue: str) -> None:
    """Cancel what waits of a recipe."""
    canceled = open_desk().cancel_waiting(recipe, queue or None)
    where = f" in queue {queue}" if queue else ""
    counted = f"{len(canceled)} {'task is' if len(canceled) == 1 else 'tasks are'}" if canceled else "No task was"
    print(*canceled, sep="\n", end="\n" if canceled else "")
    say.words(f"{counted} canceled of recipe {recipe}{where}. What is being built goes on.")


def retry(number: int) -> None:
    """Let a task be built again."""
    desk = open_desk()
    desk.retry(number)
    task = desk.task(number)
    if task["state"] == TaskState.BLOCKED:
        say.words(f"Task {number} waits again: {task['why']}. Watch it: isobuild log {number} -f")
    else:
        say.words(f"Task {number} waits for its turn again. Watch it: isobuild log {number} -f")


def release(number: int, at: str) -> None:
    """Give a build back."""
    if open_desk().release(number, times.read("at", at)) is TaskState.BUILDING:
        say.words(f"Task {number} is being built: its build stops within seconds, and waits for its turn again.")
    else:
        say.words(f"Task {number} waits for its turn again.")


def remove(number: int) -> None:
    """Forget a task."""
    open_desk().remove(number)
    say.words(f"Task {number} is gone; its files go with the next tick.")
