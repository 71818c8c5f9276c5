"""One task: what was ordered, how its ISO booted, what lies beside it, and what its last build found and made."""

from collections.abc import Mapping
from typing import Any

from isobuild.cli import say
from isobuild.cli.orders import open_desk
from isobuild.domain import proofs, updates
from isobuild.domain.states import BuildState
from isobuild.store.log import CONTROLS
from isobuild.web.words import called

#: what is shown in words of its own, or not at all
APART = ("options", "tags", "eta", "files", "download", "verified", "proof", "updates")


def task(number: int, *, json: bool) -> None:
    """Show it."""
    desk = open_desk()
    shown = desk.task(number)
    if json:
        say.value(shown)
        return
    say.table(("", ""), _facts(shown).items())
    _show_files(shown)
    if shown["build"] is not None:
        build = desk.build(number)
        _show_stages(build)
        _show_failure(build)
    say.words(_next(shown))


def _facts(task: Mapping[str, Any]) -> dict[str, Any]:
    facts = {key: value for key, value in task.items() if value not in (None, False, [], {}) and key not in APART}
    facts |= {f"tag {tag}": value for tag, value in task["tags"].items()}
    facts |= {"expected": _expected(task["eta"])} if task["eta"] else {}
    facts |= {"proof": proofs.mark(task["proof"])} if task["proof"] else {}
    facts |= {f"boot by {firmware}": _boot(task, firmware) for firmware in task["proof"] or {}}
    facts |= {"newer packages": _updates(task)} if task["updates"] else {}
    return facts | {f"option {key}": value for key, value in task["options"].items() if value not in (None, [], {}, "")}


def _boot(task: Mapping[str, Any], firmware: str) -> str:
    """What came of it, and in which files that is to be seen."""
    kinds = (f"boot-{firmware}", f"boot-{firmware}-log")
    kept = [file["name"] for file in task["files"] if file["kind"] in kinds]
    seen = f"; see {' and '.join(kept)}" if kept else ""
    return f"{proofs.words(task['proof'][firmware])}{seen}"


def _show_files(task: Mapping[str, Any]) -> None:
    """Its ISO, and what lies beside that."""
    if task["files"]:
        print()
        say.table(
            ("FILE", "SIZE", ""), ((file["name"], say.size(file["size"]), called(file)) for file in task["files"])
        )


def _show_stages(build: Mapping[str, Any]) -> None:
    """What a build found in the cache, and what it made."""
    told = build["stages"]
    if not told:
        return
    print()
    if told["reused"] or told["made"]:
        found = [(name, "made before", f"{seconds:g} s saved") for name, seconds in told["reused"].items()]
        made = [(name, "made now", f"in {seconds:g} s") for name, seconds in told["made"].items()]
        say.table(("STAGE", f"IN BUILD {build['id']}", ""), found + made)
    packages = told["packages"]
    print(f"Packages: {packages['cached']} were here, {packages['fetched']} were fetched. {told['saved']:g} s saved.")


def _show_failure(build: Mapping[str, Any]) -> None:
    """What a build said last, if it failed."""
    if build["state"] not in (BuildState.FAILED, BuildState.TIMED_OUT):
        return
    step = f", in step {build['step']}" if build["step"] else ""
    status = f", exit status {build['exit_status']}" if build["exit_status"] is not None else ""
    print(f"\nBuild {build['id']} {build['state'].replace('_', ' ')}{step}{status}")
    for line in (build["tail"] or "").splitlines():
        print(f"  {CONTROLS.sub('', line)}")


def _updates(task: Mapping[str, Any]) -> str:
    told = task["updates"]
    more = f"; see them: isobuild updates {task['id']}" if told["count"] else ""
    return f"{updates.words(told) or 'none'} (as of {say.moment(told['at'])} UTC{more})"


def _expected(eta: Mapping[str, str]) -> str:
    moments = (say.moment(eta[key]) for key in ("likely", "earliest", "latest"))
    return "{} UTC, most likely between {} and {}".format(*moments)


def _next(task: Mapping[str, Any]) -> str:
    number = task["id"]
    read = "" if task["build"] is None else f"Read why: isobuild log {number}. "
    return {
        "ready": f"Download it: isobuild download {number}{_beside(task)}{_newer(task)}",
        "building": f"Watch it: isobuild log {number} -f",
        "failed": f"{read}Try again: isobuild retry {number}",
        "canceled": f"Order it after all: isobuild retry {number}",
        "expired": f"Build it again: isobuild retry {number}",
    }.get(task["state"], f"It waits: {task['why']}. To give it up: isobuild cancel {number}")


def _beside(task: Mapping[str, Any]) -> str:
    return " (with what lies beside it: --all)" if len(task["files"]) > 1 else ""


def _newer(task: Mapping[str, Any]) -> str:
    return f". With newer packages: isobuild rebuild {task['id']}" if updates.mark(task["updates"]) else ""
