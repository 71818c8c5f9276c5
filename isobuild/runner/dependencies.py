"""What the tasks that a task depends on have made, given to its build to read: `in/dependencies/<task>/`.

A dependency is a mapping: task, name, iso (the file in the store, or None), size, sha256, manifest (a file or None),
results. The store's own file must come to no harm, whatever the build does.
"""

import shutil
from collections.abc import Mapping, Sequence
from fcntl import ioctl
from pathlib import Path, PurePath
from typing import Any

FILES = ("iso", "manifest")
FICLONE = 0x40049409  # of linux/fs.h: a copy that shares the blocks until one of the two is written


def told(dependencies: Sequence[Mapping[str, Any]], inputs: PurePath) -> tuple[dict[str, Any], ...]:
    """The dependencies as dependencies.json tells them: the paths are those that the build has."""
    return tuple(
        {**each, **{kind: each[kind] and f"{_path(inputs, each, kind)}" for kind in FILES}} for each in dependencies
    )


def give(dependencies: Sequence[Mapping[str, Any]], inputs: Path, copied: bool) -> None:
    """Put their files below `inputs`: as links to the store's own, or copied. Raises OSError.

    Links are safe where another user builds: that one can't change what is the service's, and run_as_user.sh changes no
    owner and no mode below `inputs`, and removes nothing but names.
    """
    for each in dependencies:
        for kind in FILES:
            if each[kind]:
                path = Path(_path(inputs, each, kind))
                path.parent.mkdir(parents=True, exist_ok=True)
                (_copy if copied else _link)(Path(each[kind]), path)


def give_uploads(uploads: Sequence[Path], inputs: Path, copied: bool) -> None:
    """Put uploads into `inputs`/uploads in the same way. Raises OSError."""
    for source in uploads:
        path = inputs / "uploads" / source.name
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            (_copy if copied else _link)(source, path)


def _path(inputs: PurePath, each: Mapping[str, Any], kind: str) -> PurePath:
    return inputs / "dependencies" / str(each["task"]) / PurePath(each[kind]).name


def _link(source: Path, path: Path) -> None:
    try:
        path.hardlink_to(source)
    except FileExistsError:
        raise
    except OSError:  # on another file system, or linked too often
        _copy(source, path)


def _copy(source: Path, path: Path) -> None:
    with source.open("rb") as given, path.open("xb") as copy:
        try:
            ioctl(copy, FICLONE, given.fileno())
        except OSError:  # not by this file system
            shutil.copyfileobj(given, copy, 1 << 20)
    path.chmod(0o444)
