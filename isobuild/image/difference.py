"""What changed from one ISO to another: packages, files of the medium, files of the system."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from isobuild.image.contents import Contents, Entry, Extent, digest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """What is only in the second, only in the first, and otherwise in the second; by name, in order."""

    added: Mapping[str, T]
    removed: Mapping[str, T]
    changed: Mapping[str, tuple[T, T]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class Difference:
    """All that changed. Files of a system are the same if size, rights, owner and target are."""

    packages: Change[str]
    medium: Change["File"]
    system: Change[Entry]


@dataclass(frozen=True, slots=True)
class File:
    """A file of a medium; `sha256` is known where the sizes are equal."""

    size: int
    sha256: str = ""


def between(a: Contents, b: Contents) -> Difference:
    """What changed from `a` to `b`."""
    return Difference(
        compare(a.packages, b.packages),
        compare(_files(a.iso, a.files, b.files), _files(b.iso, b.files, a.files)),
        compare(a.system, b.system),
    )


def compare(a: Mapping[str, T], b: Mapping[str, T]) -> Change[T]:
    """What changed from one mapping to another."""
    return Change(
        {name: b[name] for name in sorted(b.keys() - a.keys())},
        {name: a[name] for name in sorted(a.keys() - b.keys())},
        {name: (a[name], b[name]) for name in sorted(a.keys() & b.keys()) if a[name] != b[name]},
    )


def _files(iso: Path, files: Mapping[str, Extent], others: Mapping[str, Extent]) -> dict[str, File]:
    """Those of a medium; read only where size does not tell them apart from another's."""
    return {path: File(each.size, digest(iso, each) if _is_like(each, others.get(path)) else "")
            for path, each in files.items()}  # fmt: skip


def _is_like(one: Extent, other: Extent | None) -> bool:
    return other is not None and one.size == other.size
