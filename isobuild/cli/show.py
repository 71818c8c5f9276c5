"""Listings."""

from typing import Any

from isobuild import site
from isobuild.cli import say
from isobuild.config import load
from isobuild.domain import listing
from isobuild.domain.states import BuildState, TaskState
from isobuild.errors import BadInput


def tasks(*, state: str, user: str, limit: int, before: int | None, json: bool) -> None:
    """Tasks, the newest first."""
    chosen = _state(TaskState, state)
    settings = load()
    with site.database(settings).read() as session:
        found = listing.list_tasks(
            session, settings.queues, state=chosen, user=user or None, before=before, limit=limit
        )
    if json:
        say.value(found)
        return
    rows = [
        (t["id"], t["name"], t["recipe"], t["user"], t["state"], where(t), say.moment(t["created_at"])) for t in found
    ]
    say.table(("TASK", "NAME", "RECIPE", "USER", "STATE", "", "ORDERED (UTC)"), rows)
    if not found:
        say.words("No task. Order one: isobuild order tiny --name first (see 'isobuild recipes')")
    elif len(found) == limit:
        say.words(f"Older ones: isobuild tasks --before {found[-1]['id']}")


def where(task: dict[str, Any]) -> str:
    """Where a task stands, in a few words."""
    if task["state"] == "building":
        stopping = "stopping, " if task["stopping"] else ""
        return f"{stopping}{task['percent']:.0f}% {task['step'] or ''}".strip()
    if task["state"] == "pending" and task["not_before"]:
        tried = f"attempt {task['attempts'] + 1} of {task['max_attempts']} " if task["attempts"] else ""
        return f"{tried}not before {say.moment(task['not_before'])}"
    if task["state"] == "pending" and task["before"] is not None:
        return listing.place(task["before"])
    if task["state"] == "failed":
        return task["cause"] or ""
    return say.size(task["size"])


def task(number: int, *, json: bool) -> None:
    """One task."""
    settings = load()
    with site.database(settings).read() as session:
        shown = listing.show_task(session, number, settings.queues)
    if json:
        say.value(shown)
        return
    facts = {key: value for key, value in shown.items() if value not in (None, False) and key != "options"}
    facts |= {f"option {key}": value for key, value in shown["options"].items() if value not in (None, [], "")}
    say.table(("", ""), facts.items())
    say.words(_next(shown))


def _next(task: dict[str, Any]) -> str:
    number = task["id"]
    return {
        "ready": f"Download it: isobuild download {number}",
        "building": f"Watch it: isobuild log {number} -f",
        "failed": f"Read why: isobuild log {number}; then try again: isobuild retry {number}",
        "canceled": f"Order it after all: isobuild retry {number}",
        "expired": f"Build it again: isobuild retry {number}",
    }.get(task["state"], f"It {where(task) or 'waits'}. To give it up: isobuild cancel {number}")


def builds(*, task: int | None, state: str, limit: int, json: bool) -> None:
    """Builds, the newest first."""
    chosen = _state(BuildState, state)
    with site.database(load()).read() as session:
        found = listing.list_builds(session, task=task, state=chosen, limit=limit)
    if json:
        say.value(found)
        return
    rows = [
        (b["id"], b["task_id"], b["attempt"], b["state"], f"{b['percent']:.0f}%", b["step"], b["cause"],
         say.moment(b["started_at"]), say.moment(b["finished_at"]))
        for b in found
    ]  # fmt: skip
    say.table(("BUILD", "TASK", "ATTEMPT", "STATE", "DONE", "STEP", "CAUSE", "STARTED (UTC)", "FINISHED (UTC)"), rows)
    if not found:
        say.words("No build. The next tick makes one when a task waits.")


def _state(kind: Any, given: str) -> Any:
    if not given:
        return None
    try:
        return kind(given)
    except ValueError:
        raise BadInput(field="state", given=given, allowed=", ".join(kind)) from None
