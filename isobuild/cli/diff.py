"""What changed from one ISO to another, for people and programs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from isobuild import site
from isobuild.cli import say
from isobuild.config import load
from isobuild.domain import artifacts
from isobuild.errors import BadInput
from isobuild.image import contents
from isobuild.image.contents import Contents, Entry
from isobuild.image.difference import Change, Difference, File, between
from isobuild.trust import packages
from isobuild.trust.beside import name_of

T = TypeVar("T")
MOST = 40  # lines of a kind that people are shown


@dataclass(frozen=True)
class Side:
    """One of the two ISOs: its name for people, the task it is of, if it is one's, and what is in it."""

    name: str
    task: int | None
    contents: Contents

    def told(self) -> dict[str, Any]:
        """It as JSON."""
        inside = self.contents
        return {"file": str(inside.iso), "task": self.task, "label": inside.label, "size": inside.size}


def diff(a: str, b: str, *, json: bool) -> None:
    """Compare two ISOs. Raises NotFound, NotReady, BadInput, HostFault."""
    one, other = _side(a, "A"), _side(b, "B")
    found = between(one.contents, other.contents)
    if json:
        say.value({"a": one.told(), "b": other.told(), **asdict(found)})
    else:
        for line in _lines(one, other, found):
            print(line)


def _side(given: str, field: str) -> Side:
    if not given.isdecimal():
        return Side(given, None, _read(Path(given), field))
    settings = load()
    with site.database(settings).read() as session:
        iso = artifacts.find(session, int(given))
    path = site.store(settings).path(iso.build_id, iso.file)
    return Side(f"{iso.name} of task {given}", int(given), _read(path, field))


def _read(path: Path, field: str) -> Contents:
    try:
        found = contents.read(path)
    except BadInput as error:
        raise BadInput(**error.facts | {"field": field}) from None
    return found if found.packages else replace(found, packages=_listed(path))


def _listed(iso: Path) -> dict[str, str]:
    """The packages that the manifest beside an ISO lists, if there is one."""
    manifest = iso.with_name(name_of("manifest", iso.name))
    text = manifest.read_text(errors="replace") if manifest.is_file() else ""
    return {each.name: each.version for each in packages.read(text)}


def _lines(a: Side, b: Side, found: Difference) -> Iterator[str]:
    grown = b.contents.size - a.contents.size
    yield f"{a.name}, {say.size(a.contents.size)} → {b.name}, {say.size(b.contents.size)} ({_signed(grown)})"
    if not (found.packages or found.medium or found.system):
        yield "The same packages, and the same files."
    yield from _change("Packages", found.packages, lambda version: f" {version}", lambda old, new: f" {old} → {new}")
    yield from _change("Files of the medium", found.medium, lambda file: f"  {_size(file.size)}", _rewritten)
    yield from _change("Files of the system", found.system, lambda entry: f"  {_size(entry.size)}", _altered)


def _change(
    what: str, change: Change[T], alone: Callable[[T], str], both: Callable[[T, T], str]
) -> Iterator[str]:  # fmt: skip
    if not change:
        return
    counts = {"added": len(change.added), "removed": len(change.removed), "changed": len(change.changed)}
    yield f"\n{what}: {', '.join(f'{count} {how}' for how, count in counts.items() if count)}"
    yield from _some(f"  + {name}{alone(value)}" for name, value in _items(change.added))
    yield from _some(f"  - {name}{alone(value)}" for name, value in _items(change.removed))
    yield from _some(f"  ~ {name}{both(*values)}" for name, values in _items(change.changed))


def _items(named: Mapping[str, T]) -> Iterator[tuple[str, T]]:
    """Names as a terminal can take them: they come out of an ISO that anybody may have made."""
    return (("".join(char if char.isprintable() else "?" for char in name), value) for name, value in named.items())


def _some(lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    yield from listed[:MOST]
    if len(listed) > MOST:
        yield f"    … and {len(listed) - MOST} more; --json has them all"


def _rewritten(old: File, new: File) -> str:
    return f"  {_size(old.size)}, other bytes" if old.size == new.size else f"  {_size(old.size)} → {_size(new.size)}"


def _altered(old: Entry, new: Entry) -> str:
    facts = (
        (_size(old.size), _size(new.size)), (old.mode, new.mode), (old.owner, new.owner), (old.target, new.target),
    )  # fmt: skip
    return "  " + ", ".join(f"{was} → {now}" for was, now in facts if was != now)


def _size(count: int) -> str:
    return f"{count} B" if count < 1 << 20 else say.size(count)


def _signed(count: int) -> str:
    return f"{'-' if count < 0 else '+'}{_size(abs(count))}"
