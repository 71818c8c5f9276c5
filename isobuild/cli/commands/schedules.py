"""Schedules: orders that come by themselves."""

from typing import Annotated

import typer

from isobuild.cli.commands.arguments import FREE, BootTest, Json, Queue

app = typer.Typer(no_args_is_help=True, help="Orders that come by themselves, by cron lines.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The schedule's name.")]


@app.command(context_settings=FREE)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name; its tasks are called NAME-YYYYMMDD-HHMM.")],
    cron: Annotated[str, typer.Argument(metavar="CRON", help="When: 'minute hour day month weekday', or @daily.")],
    recipe: Annotated[str, typer.Argument(help="The recipe; see 'isobuild recipes'.")],
    zone: Annotated[str, typer.Option(help="The time zone of the cron line, such as Asia/Jakarta.")] = "UTC",
    grace: Annotated[float, typer.Option(metavar="SECONDS", help="How late a missed fire still orders.")] = 86400.0,
    queue: Queue = "",
    priority: Annotated[int, typer.Option(help="Within the queue, higher goes first.")] = 0,
    without_overlapping: Annotated[
        bool, typer.Option("--without-overlapping", help="Only if no such order is open.")
    ] = False,
    tag: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A word about its tasks.")] = None,
    max_attempts: Annotated[int | None, typer.Option(help="Failed attempts after which a task is failed.")] = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds that a build may take.")] = None,
    soft_limit: Annotated[float | None, typer.Option(help="Seconds after which a build is asked to end.")] = None,
    ttl: Annotated[float | None, typer.Option(help="Seconds that each ISO is kept; -1: for good.")] = None,
    boot_test: BootTest = None,
    write_last_exec: Annotated[
        bool, typer.Option("--write-last-exec", help="Note when this order last succeeded.")
    ] = False,
    user: Annotated[str, typer.Option(help="Who orders.  [default: you]")] = "",
) -> None:
    """Order an ISO whenever a cron line fires. The recipe's own options follow: --packages nginx,htop."""
    from isobuild.cli import orders, schedules

    schedules.add(
        name, cron, recipe, orders.read_options(context.args), zone=zone, grace=grace, user=user, queue=queue or None,
        priority=priority, without_overlapping=without_overlapping, tags=orders.read_tags(tag or []),
        max_attempts=max_attempts, time_limit=time_limit, soft_limit=soft_limit, ttl=ttl,
        boot_test=boot_test, write_last_exec=write_last_exec,
    )  # fmt: skip


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the schedules."""
    from isobuild.cli import schedules

    schedules.list_all(json=json)


@app.command()
def show(name: Name, json: Json = False) -> None:
    """Show a schedule: its next five fires, and what came of the last ones."""
    from isobuild.cli import schedules

    schedules.show(name, json=json)


@app.command()
def pause(name: Name, reason: Annotated[str, typer.Option(help="Why, for whoever wonders.")] = "") -> None:
    """Let a schedule order nothing until it is resumed."""
    from isobuild.cli import schedules

    schedules.pause(name, reason)


@app.command()
def resume(name: Name) -> None:
    """Let a paused schedule order again; what it missed is not made up for."""
    from isobuild.cli import schedules

    schedules.resume(name)


@app.command()
def remove(name: Name) -> None:
    """Forget a schedule; its tasks stay."""
    from isobuild.cli import schedules

    schedules.remove(name)


@app.command()
def run(name: Name) -> None:
    """Order a schedule's task now, besides its fires; prints the task's number."""
    from isobuild.cli import schedules

    schedules.run(name)
