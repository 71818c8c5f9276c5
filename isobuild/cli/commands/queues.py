"""Queues: which there are, and which are paused."""

from typing import Annotated

import typer

from isobuild.cli.commands.arguments import Json

app = typer.Typer(no_args_is_help=True, help="The queues, and which of them are paused.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The queue's name.")]


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the queues, in the order in which they are served."""
    from isobuild.cli import queues

    queues.list_all(json=json)


@app.command()
def pause(
    name: Name, reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; whoever waits will read it.")] = ""
) -> None:
    """Let nothing go from a queue until it is resumed; builds in hand go on."""
    from isobuild.cli import queues

    queues.pause(name, reason)


@app.command()
def resume(name: Name) -> None:
    """Let tasks go from a paused queue again."""
    from isobuild.cli import queues

    queues.resume(name)
