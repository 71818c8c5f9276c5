"""What a machine calls, and who runs one: up, tick, work, run, report, check."""

from pathlib import Path
from typing import Annotated

import typer

from isobuild.cli.commands.arguments import FREE, BootTest, BuildNumber, Json, Queue, TaskNumber

app = typer.Typer()


@app.command()
def up(
    port: Annotated[int | None, typer.Option(help="The port of the page; 0: any free one.")] = None,
    bind: Annotated[str | None, typer.Option(help="The loopback address of the page.")] = None,
    first: Annotated[str | None, typer.Option(metavar="RECIPE", help="Order one if nothing was ordered yet.")] = None,
    until_empty: Annotated[bool, typer.Option(help="End once nothing is left to build.")] = False,
) -> None:
    """Serve the page and tick: everything in one process."""
    from isobuild.cli import up as it

    it.up(port=port, bind=bind, first=first, until_empty=until_empty)


@app.command()
def tick(json: Json = False) -> None:
    """Apply the state machine once, as a crontab does each minute."""
    from isobuild.cli import machine

    machine.tick(json=json)


@app.command()
def work(
    queue: Annotated[str, typer.Option(metavar="NAMES", help="Only these queues, in this order.  [default: all]")] = "",
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End once there is nothing left that it may build now.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="The same, but not before every task of its queues has come to its end.")
    ] = False,
    max_builds: Annotated[int | None, typer.Option(min=1, help="End after so many builds.")] = None,
    max_memory: Annotated[
        int | None, typer.Option(metavar="MIB", min=1, help="End after a build if it uses more memory.")
    ] = None,
    sleep: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="The pause when there is nothing to do.")] = 1,
    attempts: Annotated[
        int | None, typer.Option(min=1, max=100, help="Failed attempts after which what it builds is failed.")
    ] = None,
) -> None:
    """Build what is ordered, one after the other, as a loop for supervisord or systemd."""
    from isobuild.cli import work as it

    it.work(
        queues=queue, until_empty=until_empty, wait=wait, max_builds=max_builds, max_memory=max_memory, sleep=sleep,
        attempts=attempts,
    )  # fmt: skip


@app.command("run-task", context_settings=FREE)
def run_task(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(help="The recipe; see 'isobuild recipes'.")],
    name: Annotated[str, typer.Option(help="Order a task of this name first, and build that.")] = "",
    queue: Queue = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Build it even if the same was built before.")] = False,
    boot_test: BootTest = None,
    user: Annotated[str, typer.Option(help="Who orders.  [default: you]")] = "",
) -> None:
    """Build the next task of a recipe now, out of turn, in this terminal. With --name, the recipe's options follow."""
    from isobuild.cli import orders
    from isobuild.cli import run_task as it

    it.run_task(
        recipe, orders.read_options(context.args), name=name, queue=queue or None, fresh=fresh, boot_test=boot_test,
        user=user,
    )  # fmt: skip


@app.command()
def reproduce(
    task: TaskNumber,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the second ISO's task even if it is the same.")] = False,
    json: Json = False,
    user: Annotated[str, typer.Option(help="Who orders.  [default: you]")] = "",
) -> None:
    """Build a task's ISO again, now and from its packages, and say whether it is identical, or what differs."""
    from isobuild.cli import reproduce as it

    it.reproduce(task, keep=keep, json=json, user=user)


@app.command()
def runners(
    everyone: Annotated[bool, typer.Option("--all", help="Those that have ended, and the lost, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10000, help="How many at most, the newest first.")] = 50,
    json: Json = False,
) -> None:
    """List runners: loops, and those of single builds."""
    from isobuild.cli import show

    show.runners(everyone=everyone, limit=limit, json=json)


@app.command()
def run(
    build: Annotated[int | None, typer.Argument(metavar="[BUILD]", min=1, help="The build's number.")] = None,
) -> None:
    """Carry a build. Launchers call this: with the token in ISOBUILD_TOKEN, or BUILD and token as a line on stdin."""
    from isobuild.cli import run as it

    it.run(build)


@app.command()
def report(
    build: BuildNumber,
    what: Annotated[str, typer.Argument(metavar="WHAT", help="progress, done or failed.")],
    details: Annotated[
        list[str] | None, typer.Argument(help="PERCENT [STEP] of progress; FILE.iso of done; MESSAGE of failed.")
    ] = None,
    cause: Annotated[str, typer.Option(help="Of failed: request, upstream or host.")] = "host",
    token_file: Annotated[
        str, typer.Option(help="The file with the build's token.  [default: the variable ISOBUILD_TOKEN]")
    ] = "",
) -> None:
    """Report on a build that ends later or elsewhere than its script."""
    from isobuild.cli import report as it

    it.report(build, what, details or [], cause=cause, token_file=token_file)


@app.command()
def cache(
    prune: Annotated[bool, typer.Option("--prune", help="Let go of what is more than 'cache_size'.")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Let go of everything.")] = False,
    json: Json = False,
) -> None:
    """Show what this host keeps for other builds: packages, and stages of images."""
    from isobuild.cli import cache as it

    if prune or empty:
        it.prune(everything=empty, json=json)
    else:
        it.show(json=json)


@app.command()
def check(json: Json = False) -> None:
    """Look whether this machine has all it takes, and say how to mend what is missing."""
    from isobuild.cli import check as it

    it.check(json=json)


@app.command()
def key(
    name: Annotated[
        str, typer.Option(metavar="TEXT", help="Whose key it is to be, when it is made.  [default: isobuild on HOST]")
    ] = "",
    take: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Take a secret key that you have already.")
    ] = None,
    export: Annotated[bool, typer.Option("--export", help="Print the public key.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the public key there.")
    ] = None,
    json: Json = False,
) -> None:
    """Make the key that signs this site's ISOs, once, and show it. Without one they are not signed."""
    from isobuild.cli import key as it

    it.key(name=name, take=take, export=export, output=output, json=json)


@app.command()
def hooks() -> None:
    """Call the site's hooks for the tasks that came to their end. The tick calls this."""
    from isobuild.cli import hooks as it

    it.call_due()
