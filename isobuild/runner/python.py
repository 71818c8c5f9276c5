"""The Python that performs recipes: an interpreter that the build user may start, and modules that it may read.

The service's own may lie where nobody else can look (root's home, a private virtual environment). So what a recipe
imports is copied into `PYTHON/<hash of it all>/`, once for all builds that import the same.
"""

import compileall
import os
import pwd
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from isobuild.errors import HostFault
from isobuild.recipes.base import Recipe, form
from isobuild.runner.modules import needed

KEEP = 31 * 86400  # seconds that an unused folder stays; no build may take as long
EVERYBODY_READS, EVERYBODY_RUNS = 0o4, 0o1


def command(root: Path, recipe: Recipe, user: str) -> tuple[str, ...]:
    """What performs the recipe as this user, for its Place; nothing if it is not written in Python.

    Makes a folder below `root` on the way. Raises HostFault.
    """
    if form(type(recipe)) != "run":
        return ()
    python = interpreter(user)
    try:
        return (python, "-I", "-B", "-u", f"{folder(root, needed(sys.modules[type(recipe).__module__]))}")
    except OSError as error:
        raise HostFault(what=f"What recipe {recipe.name} imports can't be copied: {error}.") from error


def interpreter(user: str) -> str:
    """A Python of this one's minor version that the user may run: this one, or Debian's. Raises HostFault."""
    own = Path(sys.executable).resolve()
    if user == pwd.getpwuid(os.geteuid()).pw_name or (
        _is_open(own, EVERYBODY_RUNS) and _is_open(Path(os.__file__), EVERYBODY_READS)
    ):
        return f"{own}"
    debians = Path("/usr/bin") / f"python3.{sys.version_info.minor}"
    if not _is_open(debians, EVERYBODY_RUNS):
        raise HostFault(what=f"{user} can't run {own}, and there is no {debians}: builds need it for this recipe.")
    return f"{debians}"


def folder(root: Path, modules: Mapping[str, Path]) -> Path:
    """The folder that holds these modules (path in it -> file), compiled; it appears whole or not at all."""
    contents = {target: modules[target].read_bytes() for target in sorted(modules)}
    digest = sha256(sys.version.encode())
    for target, content in contents.items():
        digest.update(f"\0{target}\0{len(content)}\0".encode() + content)
    path = root / digest.hexdigest()
    try:
        os.utime(path)
    except FileNotFoundError:
        root.mkdir(exist_ok=True)
        root.chmod(0o711)
        _forget_old(root)
        _make(path, contents)
    return path


def _make(path: Path, contents: Mapping[str, bytes]) -> None:
    with TemporaryDirectory(dir=path.parent, prefix=".") as scratch:
        whole = Path(scratch) / path.name
        for target, content in contents.items():
            (whole / target).parent.mkdir(parents=True, exist_ok=True)
            (whole / target).write_bytes(content)
        compileall.compile_dir(whole, quiet=2, stripdir=f"{whole}", prependdir=f"{path}")
        for each in (whole, *whole.rglob("*")):
            each.chmod(0o755 if each.is_dir() else 0o644)
            _sync(each)
        try:
            whole.rename(path)
        except OSError:
            if not path.is_dir():  # else another runner was sooner
                raise


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _forget_old(root: Path) -> None:
    for each in root.iterdir():
        with suppress(FileNotFoundError):  # another runner was sooner
            if each.stat().st_mtime < time.time() - KEEP:
                shutil.rmtree(each, ignore_errors=True)


def _is_open(path: Path, right: int) -> bool:
    """Whether everybody has that right on a file, and may pass to it."""
    try:
        return bool(path.stat().st_mode & right) and all(each.stat().st_mode & 0o1 for each in path.parents)
    except OSError:
        return False
