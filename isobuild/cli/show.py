"""Listings."""

from collections.abc import Sequence
from typing import Any

from isobuild.cli import say
from isobuild.cli.orders import open_desk
from isobuild.domain import proofs, updates
from isobuild.domain.states import BuildState, TaskState
from isobuild.errors import BadInput
from isobuild.web.words import took


def tasks(
    *, state: str, user: str, tags: Sequence[str], search: str, limit: int, before: int | None, json: bool
) -> None:
    """Tasks, the newest first."""
    found = open_desk().tasks(
        state=_state(TaskState, state), user=user or None, tags=_tags(tags), search=search, before=before, limit=limit
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


def _tags(words: Sequence[str]) -> dict[str, str | None]:
    """`team=kde` as that value, `release` as any."""
    pairs = (word.partition("=") for word in words)
    return {tag: value if equals else None for tag, equals, value in pairs}


def where(task: dict[str, Any]) -> str:
    """Where a task stands, in a few words."""
    if task["state"] == "building":
        stopping = "stopping, " if task["stopping"] else ""
        return f"{stopping}{task['percent']:.0f}% {task['step'] or ''}".strip()
    if task["why"]:
        return str(task["why"])
    if task["state"] == "failed":
        return task["cause"] or ""
    words = (say.size(task["size"]), proofs.mark(task["proof"]), updates.mark(task["updates"]))
    return ", ".join(said for said in words if said)


def builds(*, task: int | None, state: str, limit: int, json: bool) -> None:
    """Builds, the newest first."""
    chosen = _state(BuildState, state)
    found = open_desk().builds(task=task, state=chosen, limit=limit)
    if json:
        say.value(found)
        return
    rows = [
        (b["id"], b["task_id"], b["attempt"], b["state"], f"{b['percent']:.0f}%", b["step"], b["cause"],
         say.moment(b["started_at"]), took(b), _saved(b))
        for b in found
    ]  # fmt: skip
    say.table(("BUILD", "TASK", "ATTEMPT", "STATE", "DONE", "STEP", "CAUSE", "STARTED (UTC)", "TOOK", "SAVED"), rows)
    if not found:
        say.words("No build. The next tick makes one when a task waits.")


def _saved(build: dict[str, Any]) -> str:
    """What it need not make, as others had: in seconds."""
    told = build["stages"]
    return f"{told['saved']:g} s" if told and told["saved"] else ""


def runners(*, everyone: bool, limit: int, json: bool) -> None:
    """Runners, the newest first."""
    desk = open_desk()
    found = desk.runners(everyone=everyone, limit=limit)
    if json:
        say.value(found)
        return
    rows = [
        (r["id"], r["kind"], r["host"], r["pid"], r["state"], r["build"], say.size(r["memory"]),
         say.moment(r["started_at"]), say.moment(r["finished_at"]))
        for r in found
    ]  # fmt: skip
    say.table(("RUNNER", "KIND", "HOST", "PROCESS", "STATE", "BUILD", "MEMORY", "SINCE (UTC)", "UNTIL (UTC)"), rows)
    if not found:
        starts = "the tick starts one for each build" if desk.settings.launch else "start a loop: isobuild work"
        say.words(f"No runner; {starts}.")


def _state(kind: Any, given: str) -> Any:
    if not given:
        return None
    try:
        return kind(given)
    except ValueError:
        raise BadInput(field="state", given=given, allowed=", ".join(kind)) from None


def stats(*, json: bool) -> None:
    """What the site has come to."""
    shown = open_desk().stats()
    if json:
        say.value(shown)
        return
    say.table(("TASKS", ""), ((state, count) for state, count in shown["tasks"].items() if count))
    rows = [(recipe, *spread.values()) for recipe, spread in shown["recipes"].items()]
    say.table(("RECIPE", "BUILDS", "SHORTEST (s)", "MEDIAN (s)", "LONGEST (s)"), rows)
    told = shown["forecasts"]
    kept = f"{told['kept'] / told['told']:.0%} of {told['told']}" if told["told"] else "none yet"
    say.words(f"Forecasts that came true: {kept} ({told['meant']:.0%} are meant to).")
