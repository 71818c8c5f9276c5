"""What is kept: prune, pin, tag, export, import."""

from typing import Annotated

import typer

from isobuild.cli.commands.arguments import Json, TaskNumber

app = typer.Typer()


@app.command()
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False, json: Json = False
) -> None:
    """Let go of all that is kept no longer, as ticks do by and by: old ISOs, tasks, logs, history."""
    from isobuild.cli import prune as it

    it.prune(dry_run=dry_run, json=json)


@app.command()
def pin(number: TaskNumber) -> None:
    """Keep a task and its ISO, whatever is pruned."""
    from isobuild.cli import tags

    tags.pin(number, pinned=True)


@app.command()
def unpin(number: TaskNumber) -> None:
    """Keep a task and its ISO for as long as others."""
    from isobuild.cli import tags

    tags.pin(number, pinned=False)


@app.command()
def tag(
    number: TaskNumber,
    put: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Tags to set.")] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A tag to take away.")] = None,
    json: Json = False,
) -> None:
    """Set tags of a task, and take others away; prints those that it has then."""
    from isobuild.cli import orders, tags

    tags.tag(number, orders.read_tags(put or []), drop or [], json=json)


@app.command()
def export(
    what: Annotated[str, typer.Argument(metavar="[N|FILE]", help="A task; or where all rows go; -: stdout.")] = "-",
    form: Annotated[str, typer.Option("--format", help="Of a task's recipe file: toml or yaml.")] = "toml",
) -> None:
    """Print the recipe file of task N, to be shared and ordered from (order --file). Without a number: write all rows
    of the database as JSON lines into FILE, to be imported into another.
    """
    if what.isdecimal():
        from isobuild.cli import uploads

        uploads.export(int(what), form)
    else:
        from isobuild.cli import backup

        backup.export(what)


@app.command("import")
def import_rows(file: Annotated[str, typer.Argument(metavar="FILE", help="What was exported; -: stdin.")]) -> None:
    """Read what was exported into this database, which must be empty."""
    from isobuild.cli import backup

    backup.read(file)
