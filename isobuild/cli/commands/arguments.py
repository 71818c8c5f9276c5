"""Arguments that several commands have."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TaskNumber = Annotated[int, typer.Argument(metavar="TASK", min=1, help="The task's number.")]
BuildNumber = Annotated[int, typer.Argument(metavar="BUILD", min=1, help="The build's number.")]
TIME = "'2026-11-22 03:00' (this machine's time), with a zone, +90m, or seconds since 1970"
FREE = {"allow_extra_args": True, "ignore_unknown_options": True}
