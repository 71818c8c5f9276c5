"""Listings."""

from collections.abc import Sequence
from typing import Any

from isobuild.cli import say
from isobuild.cli.orders import open_desk
from isobuild.domain import proofs, updates
from isobuild.domain.states import BuildState, TaskState
from isobuild.errors import BadInput
from isobuild.store.log import CONTROLS

#: what a table shows in lines of its own, or not at all
APART = ("options", "tags", "eta", "files", "download", "verified", "proof", "updates")


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


def task(number: int, *, json: bool) -> None:
    """One task."""
    desk = open_desk()
    shown = desk.task(number)
    if json:
        say.value(shown)
        return
    facts = {key: value for key, value in shown.items() if value not in (None, False, [], {}) and key not in APART}
    facts |= {f"tag {tag}": value for tag, value in shown["tags"].items()}
    facts |= {"expected": _expected(shown["eta"])} if shown["eta"] else {}
    facts |= {f"boot by {name}": proofs.words(told) for name, told in (shown["proof"] or {}).items()}
    facts |= {"newer packages": _updates(shown)} if shown["updates"] else {}
    facts |= {f"option {key}": value for key, value in shown["options"].items() if value not in (None, [], "")}
    say.table(("", ""), facts.items())
    if shown["build"] is not None:
        _show_failure(desk.build(number))
    say.words(_next(shown))


def _show_failure(build: dict[str, Any]) -> None:
    """What the last build of a task said last, if it failed."""
    if build["state"] not in (BuildState.FAILED, BuildState.TIMED_OUT):
        return
    step = f", in step {build['step']}" if build["step"] else ""
    status = f", exit status {build['exit_status']}" if build["exit_status"] is not None else ""
    print(f"\nBuild {build['id']} {build['state'].replace('_', ' ')}{step}{status}")
    for line in (build["tail"] or "").splitlines():
        print(f"  {CONTROLS.sub('', line)}")


def _updates(task: dict[str, Any]) -> str:
    told = task["updates"]
    found = told["why"] or updates.mark(told) or "none"
    more = f"; see them: isobuild updates {task['id']}" if told["count"] else ""
    return f"{found} (looked for at {say.moment(told['at'])} UTC{more})"


def _expected(eta: dict[str, str]) -> str:
    moments = (say.moment(eta[key]) for key in ("likely", "earliest", "latest"))
    return "{} UTC, most likely between {} and {}".format(*moments)


def _next(task: dict[str, Any]) -> str:
    number = task["id"]
    read = "" if task["build"] is None else f"Read why: isobuild log {number}. "
    return {
        "ready": f"Download it: isobuild download {number}" + _newer(task),
        "building": f"Watch it: isobuild log {number} -f",
        "failed": f"{read}Try again: isobuild retry {number}",
        "canceled": f"Order it after all: isobuild retry {number}",
        "expired": f"Build it again: isobuild retry {number}",
    }.get(task["state"], f"It waits: {task['why']}. To give it up: isobuild cancel {number}")


def _newer(task: dict[str, Any]) -> str:
    return f". With newer packages: isobuild rebuild {task['id']}" if updates.mark(task["updates"]) else ""


def builds(*, task: int | None, state: str, limit: int, json: bool) -> None:
    """Builds, the newest first."""
    chosen = _state(BuildState, state)
    found = open_desk().builds(task=task, state=chosen, limit=limit)
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
