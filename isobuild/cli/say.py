"""How the command line prints: values as JSON or tables on stdout, words for people on stderr."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 160  # characters of a line where there is no terminal


def words(text: str) -> None:
    """A sentence for a person."""
    print(text, file=sys.stderr)


def value(shown: Any) -> None:
    """A value as JSON."""
    print(json.dumps(shown, indent=2, ensure_ascii=False))


def console(stderr: bool = False) -> "Console":
    """A Rich console that does not squeeze tables into 80 columns where nobody looks at a terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else WIDE, highlight=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows below their columns' names; what is too wide is folded, and nothing is cut off."""
    from rich.table import Column, Table
    from rich.text import Text

    drawn = Table(*(Column(name, overflow="fold") for name in columns), box=None, pad_edge=False, header_style="bold")
    for row in rows:
        drawn.add_row(*(Text("" if cell is None else str(cell), style=STYLES.get(str(cell), "")) for cell in row))
    console().print(drawn)


STYLES = {
    "ready": "green",
    "succeeded": "green",
    "ok": "green",
    "building": "cyan",
    "running": "cyan",
    "failed": "red",
    "timed_out": "red",
    "missing": "red",
    "canceled": "dim",
    "expired": "dim",
}


def size(count: int | None) -> str:
    """A number of bytes, for people."""
    if count is None:
        return ""
    if count < 100 << 10:
        return f"{count / (1 << 10):.1f} KiB" if count >= 1 << 10 else f"{count} B"
    return f"{count / (1 << 20):.1f} MiB" if count < 1 << 30 else f"{count / (1 << 30):.2f} GiB"


def moment(time: str | None) -> str:
    """A time of a listing, to the second."""
    return time[:19].replace("T", " ") if time else ""
