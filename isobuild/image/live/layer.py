"""Makes the upper folder of an overlay a layer that any overlay can be stacked of:

    python3 layer.py UPPER LOWER...

In a user namespace the kernel notes in `user.overlay.*` what a booting system looks for in `trusted.overlay.*`
(https://docs.kernel.org/filesystems/overlayfs.html): such notes go, and a folder that hid the one below as a whole
(`opaque`) gets a whiteout, a character device 0/0, for each name that it hid.

It needs nothing but Python: a build user runs it.
"""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

NOTE = "user.overlay."


def settle(upper: Path, lowers: list[Path]) -> int:
    """Settle the folder; how many folders in it were opaque."""
    opaque = 0
    for top, _, names in walk(upper):
        if is_opaque(top):
            opaque += 1
            hide(top, [lower / top.relative_to(upper) for lower in lowers])
        for path in (top, *(top / name for name in names)):
            forget(path)
    return opaque


def walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """As os.walk, with links to folders among the files only."""
    for top, folders, files in os.walk(folder):
        linked = [name for name in folders if Path(top, name).is_symlink()]
        yield Path(top), folders, [*files, *linked]


def is_opaque(folder: Path) -> bool:
    """Whether the folder hides the one below as a whole."""
    return f"{NOTE}opaque" in notes(folder) and os.getxattr(folder, f"{NOTE}opaque") == b"y"


def hide(folder: Path, below: list[Path]) -> None:
    """Put a whiteout for each name that is below, and not in the folder itself."""
    for name in sorted({path.name for each in below if each.is_dir() for path in each.iterdir()}):
        if not os.path.lexists(folder / name):
            os.mknod(folder / name, stat.S_IFCHR, os.makedev(0, 0))


def forget(path: Path) -> None:
    """Remove the kernel's notes."""
    for note in notes(path):
        os.removexattr(path, note, follow_symlinks=False)


def notes(path: Path) -> list[str]:
    """The kernel's notes at a path."""
    return [name for name in os.listxattr(path, follow_symlinks=False) if name.startswith(NOTE)]


if __name__ == "__main__":
    settle(Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]])
