"""What a person looks at: tasks, builds, logs, recipes."""

from pathlib import Path
from typing import Annotated

import typer

from isobuild.cli.commands.arguments import FREE, Json, TaskNumber
from isobuild.domain.numbers import LARGEST

app = typer.Typer()


@app.command()
def tasks(
    state: Annotated[str, typer.Option(help="Only those in this state.")] = "",
    user: Annotated[str, typer.Option(help="Only those of this user.")] = "",
    tag: Annotated[
        list[str] | None, typer.Option(metavar="NAME[=VALUE]", help="Only those with this tag, and this value of it.")
    ] = None,
    search: Annotated[
        str, typer.Option(metavar="TEXT", help="Only those with this in their name, ISO, recipe or options.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=10000, help="How many at most, the newest first.")] = 50,
    before: Annotated[
        int | None, typer.Option(min=1, max=LARGEST, help="Only those with a smaller number: the next page.")
    ] = None,
    json: Json = False,
) -> None:
    """List tasks."""
    from isobuild.cli import show

    show.tasks(state=state, user=user, tags=tag or [], search=search, limit=limit, before=before, json=json)


@app.command()
def task(number: TaskNumber, json: Json = False) -> None:
    """Show a task: what was ordered, how its ISO booted, what lies beside it, what its last build found and made."""
    from isobuild.cli import task as it

    it.task(number, json=json)


@app.command()
def updates(
    number: Annotated[
        int | None, typer.Argument(metavar="[TASK]", min=1, max=LARGEST, help="One task: each package.")
    ] = None,
    look: Annotated[bool, typer.Option("--look", help="Ask the archives first, now.")] = False,
    due: Annotated[bool, typer.Option("--due", help="Only ask for those that are due. The tick calls this.")] = False,
    json: Json = False,
) -> None:
    """List the ready ISOs of whose packages there are newer versions."""
    from isobuild.cli import updates as it

    if due:
        it.look_due()
        return
    if look:
        it.look_now()
    it.updates(number, json=json)


@app.command()
def stats(json: Json = False) -> None:
    """Show counts of tasks, how long builds take, and how often forecasts came true."""
    from isobuild.cli import show

    show.stats(json=json)


@app.command()
def history(number: TaskNumber, json: Json = False) -> None:
    """Show every change of state of a task and its builds: from, to, when, who, why."""
    from isobuild.cli import history as it

    it.history(number, json=json)


@app.command()
def limits(json: Json = False) -> None:
    """Show what is left of what the site allows: of its buckets, of your orders, of builds of a recipe."""
    from isobuild.cli import queues

    queues.limits(json=json)


@app.command()
def builds(
    task: Annotated[int | None, typer.Option(min=1, max=LARGEST, help="Only those of this task.")] = None,
    state: Annotated[str, typer.Option(help="Only those in this state.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10000, help="How many at most, the newest first.")] = 50,
    json: Json = False,
) -> None:
    """List builds."""
    from isobuild.cli import show

    show.builds(task=task, state=state, limit=limit, json=json)


@app.command()
def log(
    number: TaskNumber,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the build has ended.")] = False,
    build: Annotated[
        int | None, typer.Option(min=1, max=LARGEST, help="This build of it.  [default: the last one]")
    ] = None,
    stream: Annotated[str, typer.Option(help="Only this one: out, err or run (the runner's own words).")] = "",
    json: Json = False,
) -> None:
    """Print the log of a task's build."""
    from isobuild.cli import logs

    logs.log(number, follow=follow, build=build, stream=stream, json=json)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An ISO, of isobuild's or any other.")],
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The public key it is signed by.  [default: this site's]")
    ] = None,
    boot: Annotated[bool, typer.Option(help="Boot it too.")] = True,
    firmware: Annotated[
        list[str] | None, typer.Option(help="bios or uefi; may be given twice.  [default: both]")
    ] = None,
    until: Annotated[
        str, typer.Option(metavar="REGEX", help="What its serial console must show.  [default: a login prompt]")
    ] = "",
    limit: Annotated[
        float | None,
        typer.Option(min=1, max=86400, help="Seconds that each boot may take.  [default: 600; 1200 from 400 MiB on]"),
    ] = None,
    memory: Annotated[
        int | None,
        typer.Option(min=64, max=65536, help="MiB of the machine's memory.  [default: 1024; 2048 from 400 MiB on]"),
    ] = None,
    into: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep what the console said, and a picture of the screen.")
    ] = None,
    json: Json = False,
) -> None:
    """Look whether an ISO is whole, is what the files beside it say, and boots, by BIOS and by UEFI. The boot is
    followed on the serial console: of an ISO that says nothing there, as Debian's own live ISOs, it can't be told
    whether it came up (--no-boot leaves that out; --into keeps a picture of the screen).
    """
    from isobuild.cli import verify as it

    it.verify(
        file, key=key, boots=boot, firmwares=firmware or [], until=until, limit=limit, memory=memory, into=into,
        json=json,
    )  # fmt: skip


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="The number of a ready task, or an ISO.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other.")],
    json: Json = False,
) -> None:
    """Show what changed from one ISO to another: packages, files, sizes."""
    from isobuild.cli import diff as it

    it.diff(a, b, json=json)


@app.command()
def recipes(json: Json = False) -> None:
    """List the recipes."""
    from isobuild.cli import recipes as it

    it.recipes(json=json)


@app.command(context_settings=FREE)
def recipe(
    context: typer.Context, name: Annotated[str, typer.Argument(help="The recipe.")], json: Json = False
) -> None:
    """Show a recipe: its options, and the steps as they would run with those that you give."""
    from isobuild.cli import orders
    from isobuild.cli import recipes as it

    it.recipe(name, orders.read_options(context.args), json=json)
