"""The commands. Each imports what it needs when it is called: `isobuild --help` and an idle tick are quick."""

from typing import Annotated, Any

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Builds custom Linux ISOs on request. Begin with: isobuild up",
    epilog="Exit codes: 0 done, 1 failed, 2 bad input, 3 refused by the present state, 4 not found, 130 interrupted.",
)
db_app = typer.Typer(no_args_is_help=True, help="The database's schema.")
app.add_typer(db_app, name="db")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TaskNumber = Annotated[int, typer.Argument(metavar="TASK", min=1, help="The task's number.")]
BuildNumber = Annotated[int, typer.Argument(metavar="BUILD", min=1, help="The build's number.")]
FREE = {"allow_extra_args": True, "ignore_unknown_options": True}


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


@app.command(context_settings=FREE)
def order(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(help="The recipe; see 'isobuild recipes'.")],
    name: Annotated[str, typer.Option(help="The task's name; the ISO is called after it.")] = "",
    iso: Annotated[str, typer.Option(help="The ISO's file name.  [default: NAME.iso]")] = "",
    queue: Annotated[str, typer.Option(help="The queue.")] = "default",
    priority: Annotated[int, typer.Option(help="Within the queue, higher goes first.")] = 0,
    time_limit: Annotated[float | None, typer.Option(help="Seconds that a build may take.")] = None,
    user: Annotated[str, typer.Option(help="Who orders.  [default: you]")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Watch it until it has ended.")] = False,
    json: Json = False,
) -> None:
    """Order an ISO; prints the task's number. The recipe's own options follow: --packages nginx,htop."""
    from isobuild.cli import orders

    chosen = orders.read_options(context.args)
    orders.order(
        recipe, chosen, name=name, iso=iso, queue=queue, priority=priority, time_limit=time_limit, user=user,
        follow=follow, json=json,
    )  # fmt: skip


@app.command()
def tasks(
    state: Annotated[str, typer.Option(help="Only those in this state.")] = "",
    user: Annotated[str, typer.Option(help="Only those of this user.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10000, help="How many at most, the newest first.")] = 50,
    before: Annotated[int | None, typer.Option(min=1, help="Only those with a smaller number: the next page.")] = None,
    json: Json = False,
) -> None:
    """List tasks."""
    from isobuild.cli import show

    show.tasks(state=state, user=user, limit=limit, before=before, json=json)


@app.command()
def task(number: TaskNumber, json: Json = False) -> None:
    """Show a task."""
    from isobuild.cli import show

    show.task(number, json=json)


@app.command()
def builds(
    task: Annotated[int | None, typer.Option(min=1, help="Only those of this task.")] = None,
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
    build: Annotated[int | None, typer.Option(min=1, help="This build of it.  [default: the last one]")] = None,
    stream: Annotated[str, typer.Option(help="Only this one: out, err or run (the runner's own words).")] = "",
    json: Json = False,
) -> None:
    """Print the log of a task's build."""
    from isobuild.cli import logs

    logs.log(number, follow=follow, build=build, stream=stream, json=json)


@app.command()
def cancel(number: TaskNumber) -> None:
    """Cancel a task that waits or is being built."""
    from isobuild.cli import orders

    orders.cancel(number)


@app.command()
def retry(number: TaskNumber) -> None:
    """Build a task again that failed, was canceled or has expired."""
    from isobuild.cli import orders

    orders.retry(number)


@app.command()
def remove(number: TaskNumber) -> None:
    """Forget a task, its builds and its ISO."""
    from isobuild.cli import orders

    orders.remove(number)


@app.command()
def download(
    number: TaskNumber,
    output: Annotated[str, typer.Option("--output", "-o", help="A file, a folder, or - for stdout.")] = ".",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Copy a ready ISO to here, and check it."""
    from isobuild.cli import download as it

    it.download(number, output, force=force)


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
def run(
    build: Annotated[int | None, typer.Argument(metavar="[BUILD]", min=1, help="The build's number.")] = None,
) -> None:
    """Carry a build. Launchers call this: with the token in ISOBUILD_TOKEN, or BUILD and token as a line on stdin."""
    from isobuild.cli import machine

    machine.run(build)


@app.command()
def check(json: Json = False) -> None:
    """Look whether this machine has all it takes, and say how to mend what is missing."""
    from isobuild.cli import check as it

    it.check(json=json)


@db_app.command("upgrade")
def db_upgrade(revision: Annotated[str, typer.Argument()] = "head") -> None:
    """Bring the schema up to this isobuild's (or to REVISION)."""
    from isobuild.cli import machine

    machine.db_upgrade(revision)


@db_app.command("downgrade")
def db_downgrade(revision: Annotated[str, typer.Argument(help="'base' for none at all.")]) -> None:
    """Take the schema back to REVISION."""
    from isobuild.cli import machine

    machine.db_downgrade(revision)


@db_app.command("current")
def db_current(json: Json = False) -> None:
    """Say at which revision the schema is."""
    from isobuild.cli import machine

    machine.db_current(json=json)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> Any:
    """Builds custom Linux ISOs on request. Begin with: isobuild up."""
    if version:
        from isobuild import __version__

        typer.echo(__version__)
        raise typer.Exit
