"""Building a task's ISO again, of the same packages and with nothing else taken from the cache, to see whether it comes
out the same.
"""

import json as notation
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import typer

from isobuild.cli import diff, say
from isobuild.cli.run import give_back_on_signals
from isobuild.cli.run_task import INTERRUPTED, shown
from isobuild.errors import BadInput, CannotRemove, NotFound
from isobuild.runner.interrupt import Interrupt

if TYPE_CHECKING:
    from isobuild.desk import Desk
    from isobuild.image.snapshot import Snapshot

LONGEST = 64  # characters of a task's name


def reproduce(number: int, *, keep: bool, json: bool, user: str) -> None:
    """Build it again in this process, and compare. Raises typer.Exit(1) if it is not the same, or comes to nothing."""
    interrupt = Interrupt()
    give_back_on_signals(interrupt)
    from isobuild.cli.orders import open_desk

    desk = open_desk(user)
    first = desk.file(number)
    again = _build(desk, number, interrupt)
    if again["state"] != "ready":
        say.words(f"It could not be built again: {again['error'] or again['state']}. See: isobuild log {again['id']}")
        raise typer.Exit(INTERRUPTED if interrupt.stopped else 1)
    same = again["sha256"] == first.sha256
    _tell(number, again, same, json)
    if same and not keep:
        with suppress(CannotRemove, NotFound):
            desk.remove(again["id"])
    if not same:
        raise typer.Exit(1)


def _build(desk: "Desk", number: int, interrupt: Interrupt) -> dict[str, Any]:
    """The task that was ordered like this one and built; as it stands then."""
    from isobuild import site
    from isobuild.domain import taking

    like = desk.task(number)
    name = _free_name(desk, like["name"])
    needs = {"after": like["after"]} if like["after"] else {}
    wish = desk.wish(like["recipe"], like["options"], name=name, fresh=True, boot_test=False, like=number, **needs)
    site.prepare(desk.settings)
    task, build, token = desk.db.write(taking.order_ahead, wish, desk.settings.queues, desk.host, desk.now())
    if build is not None:
        runner = replace(site.runner(desk.settings), interrupt=interrupt, reuses=False, locked=_locked(desk, number))
        with shown(desk, task):
            runner.run(build, token)
    return desk.task(task)


def _locked(desk: "Desk", number: int) -> "Snapshot | None":
    """The packages that the task was made of, as its provenance tells; None if it tells of none."""
    from isobuild.image.snapshot import Package, Snapshot
    from isobuild.trust import provenance
    from isobuild.trust.beside import name_of

    try:
        file = desk.file(number, name_of("provenance", desk.file(number).name))
        told = notation.loads(desk.store.path(file.build_id, file.file).read_text())
        layers = provenance.fetched(told)
        found = {name: tuple(Package(**asdict(each)) for each in layer) for name, layer in layers.items()}
        return Snapshot(provenance.epoch_in(told), (), found) if found else None
    except (NotFound, OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _free_name(desk: "Desk", name: str) -> str:
    """A name like the first one's that no task of this person has."""
    for count in range(1, 1000):
        ending = f"-again{count if count > 1 else ''}"
        found = f"{name[: LONGEST - len(ending)]}{ending}"
        if not any(task["name"] == found for task in desk.tasks(user=desk.user, search=found)):
            return found
    raise BadInput(field="TASK", given=name, allowed="a task of which fewer repetitions are kept: remove some")


def _tell(number: int, again: dict[str, Any], same: bool, json: bool) -> None:
    if same:
        told = {"identical": True, "sha256": again["sha256"], "task": again["id"]}
        say.value(told) if json else print(f"identical: built again, the ISO has the same SHA-256, {again['sha256']}")
        return
    if not json:
        print(f"not identical: the second ISO is task {again['id']}'s. What differs:\n")
    diff.diff(str(number), str(again["id"]), json=json)
