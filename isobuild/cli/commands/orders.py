"""What a person does: order, cancel, retry, remove, download."""

from typing import Annotated

import typer

from isobuild.cli.commands.arguments import FREE, TIME, BootTest, Json, Queue, TaskNumber
from isobuild.domain.states import AfterFailure

app = typer.Typer()


@app.command(context_settings=FREE)
def order(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(metavar="[RECIPE]", help="The recipe; see 'isobuild recipes'.")] = "",
    file: Annotated[str, typer.Option(metavar="FILE", help="A recipe file, TOML or YAML; what is said wins.")] = "",
    name: Annotated[str, typer.Option(help="The task's name; the ISO is called after it.")] = "",
    iso: Annotated[str, typer.Option(help="The ISO's file name.  [default: NAME.iso]")] = "",
    queue: Queue = "",
    priority: Annotated[int, typer.Option(help="Within the queue, higher goes first.")] = 0,
    at: Annotated[str, typer.Option(metavar="TIME", help=f"Not before then: {TIME}.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Cancel it if it has not begun by then.")] = "",
    after: Annotated[
        list[str] | None, typer.Option(metavar="TASK", help="Wait for this task, a number or a name of yours.")
    ] = None,
    on_dependency_failure: Annotated[
        AfterFailure, typer.Option(help="If a task that it waits for fails: fail too, run, or wait for its retry.")
    ] = AfterFailure.FAIL,
    without_overlapping: Annotated[
        bool, typer.Option("--without-overlapping", help="Only if no such order is open.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Build it even if the same was built before.")] = False,
    tag: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A word about it.")] = None,
    max_attempts: Annotated[int | None, typer.Option(help="Failed attempts after which it is failed.")] = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds that a build may take.")] = None,
    soft_limit: Annotated[float | None, typer.Option(help="Seconds after which a build is asked to end.")] = None,
    ttl: Annotated[float | None, typer.Option(help="Seconds that its ISO is kept; -1: for good.")] = None,
    boot_test: BootTest = None,
    write_last_exec: Annotated[
        bool, typer.Option("--write-last-exec", help="Note when this order last succeeded.")
    ] = False,
    like: Annotated[
        int | None, typer.Option(metavar="N", help="A task of yours: its secrets, where options say '(secret)'.")
    ] = None,
    user: Annotated[str, typer.Option(help="Who orders.  [default: you]")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Watch it until it has ended.")] = False,
    json: Json = False,
) -> None:
    """Order an ISO; prints its number. The recipe's options follow: --packages nginx,htop --wallpaper @wall.png."""
    from isobuild.cli import orders, times

    recipe, words = orders.part(recipe, context.args)
    orders.order(
        recipe, orders.read_options(words), name=name, iso=iso, queue=queue or None, priority=priority,
        not_before=times.read("at", at), not_after=times.read("until", until), after=orders.read_tasks(after or []),
        on_dependency_failure=on_dependency_failure, without_overlapping=without_overlapping, fresh=fresh,
        tags=orders.read_tags(tag or []), max_attempts=max_attempts, time_limit=time_limit, soft_limit=soft_limit,
        ttl=ttl, boot_test=boot_test, write_last_exec=write_last_exec, like=like, file=file, user=user,
        follow=follow, json=json,
    )  # fmt: skip


@app.command(context_settings=FREE)
def preview(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(metavar="[RECIPE]", help="The recipe; see 'isobuild recipes'.")] = "",
    file: Annotated[str, typer.Option(metavar="FILE", help="A recipe file, TOML or YAML; what is said wins.")] = "",
    json: Json = False,
) -> None:
    """Look what an order would come to: packages, download, the ISO's size, time. The recipe's own options follow."""
    from isobuild.cli import orders
    from isobuild.cli import preview as it

    words = context.args
    if recipe.startswith("--"):
        recipe, words = "", [recipe, *words]
    it.preview(recipe, orders.read_options(words), file=file, json=json)


@app.command("order-all")
def order_all(
    file: Annotated[str, typer.Argument(metavar="FILE", help="TOML, with an [[order]] table each; -: stdin.")],
    user: Annotated[str, typer.Option(help="Who orders.  [default: you]")] = "",
    json: Json = False,
) -> None:
    """Order several ISOs that may wait for each other, all or none; prints their numbers."""
    from isobuild.cli import orders

    orders.order_all(file, user=user, json=json)


@app.command()
def upload(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file for ISOs to be ordered; -: stdin.")],
    json: Json = False,
) -> None:
    """Bring a file; prints what options call it, upload:SHA256."""
    from isobuild.cli import uploads

    uploads.upload(file, json=json)


@app.command()
def cancel(number: TaskNumber) -> None:
    """Cancel a task that waits or is being built."""
    from isobuild.cli import orders

    orders.cancel(number)


@app.command("cancel-waiting")
def cancel_waiting(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Of which recipe.")],
    queue: Annotated[str, typer.Option(metavar="QUEUE", help="Only those in this queue.")] = "",
) -> None:
    """Cancel all tasks of a recipe that wait; prints their numbers. What is being built goes on."""
    from isobuild.cli import orders

    orders.cancel_waiting(recipe, queue)


@app.command()
def retry(number: TaskNumber) -> None:
    """Build a task again that failed, was canceled or has expired."""
    from isobuild.cli import orders

    orders.retry(number)


@app.command()
def rebuild(number: TaskNumber, json: Json = False) -> None:
    """Order what a task is once more, anew, with the newest packages; prints the new task's number."""
    from isobuild.cli import updates

    updates.rebuild(number, json=json)


@app.command()
def release(
    number: TaskNumber,
    at: Annotated[str, typer.Option(metavar="TIME", help=f"Not before then: {TIME}.")] = "",
) -> None:
    """Give a build in hand back: its task waits for its turn again, and loses no attempt."""
    from isobuild.cli import orders

    orders.release(number, at)


@app.command()
def remove(number: TaskNumber) -> None:
    """Forget a task, its builds and its ISO."""
    from isobuild.cli import orders

    orders.remove(number)


@app.command()
def download(
    number: TaskNumber,
    output: Annotated[str, typer.Option("--output", "-o", help="A file, a folder, or - for stdout.")] = ".",
    everything: Annotated[bool, typer.Option("--all", help="The files beside it too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Copy a ready ISO to here, and check it."""
    from isobuild.cli import download as it

    it.download(number, output, everything=everything, force=force)
