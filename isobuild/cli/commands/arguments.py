"""Arguments that several commands have."""

from typing import Annotated

import typer

from isobuild.domain.numbers import LARGEST

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TaskNumber = Annotated[int, typer.Argument(metavar="TASK", min=1, max=LARGEST, help="The task's number.")]
BuildNumber = Annotated[int, typer.Argument(metavar="BUILD", min=1, max=LARGEST, help="The build's number.")]
TIME = "'2026-11-22 03:00' (this machine's time), with a zone, +90m, or seconds since 1970"
Queue = Annotated[str, typer.Option(help="The queue.  [default: default, or else the site's first]")]
FREE = {"allow_extra_args": True, "ignore_unknown_options": True}
BootTest = Annotated[
    bool | None, typer.Option("--boot-test/--no-boot-test", help="Boot the ISO, too.  [default: as the site says]")
]
