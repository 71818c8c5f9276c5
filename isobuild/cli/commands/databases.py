"""The database's schema."""

from typing import Annotated

import typer

from isobuild.cli.commands.arguments import Json

app = typer.Typer(no_args_is_help=True, help="The database's schema.")


@app.command("upgrade")
def db_upgrade(revision: Annotated[str, typer.Argument()] = "head") -> None:
    """Bring the schema up to this isobuild's (or to REVISION)."""
    from isobuild.cli import machine

    machine.db_upgrade(revision)


@app.command("downgrade")
def db_downgrade(revision: Annotated[str, typer.Argument(help="'base' for none at all.")]) -> None:
    """Take the schema back to REVISION."""
    from isobuild.cli import machine

    machine.db_downgrade(revision)


@app.command("current")
def db_current(json: Json = False) -> None:
    """Say at which revision the schema is."""
    from isobuild.cli import machine

    machine.db_current(json=json)
