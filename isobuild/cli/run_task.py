"""One task now, out of turn, before one's eyes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING

import typer

from isobuild.cli.run import give_back_on_signals
from isobuild.errors import BadInput, UnknownRecipe
from isobuild.runner.interrupt import Interrupt

if TYPE_CHECKING:
    from isobuild.desk import Desk
    from isobuild.domain.taking import Flagged

INTERRUPTED = 130


def run_task(
    recipe: str, options: dict[str, object], *, name: str, queue: str | None, fresh: bool, boot_test: bool | None,
    user: str,
) -> None:  # fmt: skip
    """Build the next task of a recipe, or one that is ordered now if it has a name, in this process.

    Raises typer.Exit with 1 if that makes no ISO, and with 130 if a signal gave it back.
    """
    interrupt = Interrupt()
    give_back_on_signals(interrupt)
    from isobuild import site
    from isobuild.cli.follow import say_end
    from isobuild.cli.orders import open_desk

    desk = open_desk(user)
    site.prepare(desk.settings)
    task, build, token = _choose(desk, recipe, options, name, queue, fresh, boot_test)
    print(task, flush=True)
    if build is not None:
        runner = replace(site.runner(desk.settings), interrupt=interrupt)
        with shown(desk, task):
            runner.run(build, token)
    ready = say_end(desk.task(task))
    if not ready:
        raise typer.Exit(INTERRUPTED if interrupt.stopped else 1)


def _choose(
    desk: "Desk", recipe: str, options: dict[str, object], name: str, queue: str | None, fresh: bool,
    boot_test: bool | None,
) -> "Flagged":  # fmt: skip
    from isobuild.cli.uploads import bring
    from isobuild.domain import taking

    if name:
        wish = desk.wish(recipe, bring(desk, recipe, options), name=name, queue=queue, fresh=fresh, boot_test=boot_test)
        return desk.db.write(taking.order_ahead, wish, desk.settings.queues, desk.host, desk.now())
    if options or queue or boot_test is not None:
        allowed = "one: a recipe's options, --queue and --boot-test are for a task that is ordered now"
        raise BadInput(field="name", given=name, allowed=allowed)
    if recipe not in (known := desk.cookbook.names()):
        raise UnknownRecipe(field="recipe", given=recipe, allowed=", ".join(known))
    return desk.db.write(taking.take_ahead, recipe, desk.host, desk.user, desk.now())


@contextmanager
def shown(desk: "Desk", task: int) -> Iterator[None]:
    """Show the progress meanwhile; what was said last too."""
    from isobuild.cli.follow import watch

    over = Event()
    showing = Thread(target=watch, args=(desk, task), kwargs={"over": over.is_set}, daemon=True)
    showing.start()
    try:
        yield
    finally:
        over.set()
        showing.join()
