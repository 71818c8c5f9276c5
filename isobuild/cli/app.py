"""The command line's commands, put together."""

from typing import Annotated, Any

import typer

from isobuild.cli.commands import databases, keeping, looks, machines, orders, queues, schedules

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Builds custom Linux ISOs on request. Begin with: isobuild up",
    epilog="Exit codes: 0 done, 1 failed, 2 bad input, 3 refused by the present state, 4 not found, 130 interrupted.",
)
for part in (machines, orders, looks, keeping):
    app.add_typer(part.app)
app.add_typer(queues.app, name="queue")
app.add_typer(schedules.app, name="schedule")
app.add_typer(databases.app, name="db")


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> Any:
    """Builds custom Linux ISOs on request. Begin with: isobuild up."""
    if version:
        from isobuild import __version__

        typer.echo(__version__)
        raise typer.Exit
