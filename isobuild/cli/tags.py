"""What a person notes about a task: tags, and that it is kept."""

from collections.abc import Mapping, Sequence

from isobuild.cli import say
from isobuild.cli.orders import open_desk


def tag(number: int, put: Mapping[str, str], drop: Sequence[str], *, json: bool) -> None:
    """Set tags, take others away, and print those that there are now."""
    desk = open_desk()
    if put or drop:
        desk.tag(number, put, drop)
    tags = desk.task(number)["tags"]
    if json:
        say.value(tags)
    else:
        for name, value in tags.items():
            print(f"{name}={value}" if value else name)


def pin(number: int, *, pinned: bool) -> None:
    """Keep a task whatever is pruned, or no longer."""
    open_desk().pin(number, pinned)
    kept = "is kept, whatever is pruned" if pinned else "is kept for as long as others"
    say.words(f"Task {number} {kept}.")
