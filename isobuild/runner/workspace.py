"""Where a build happens: `WORK/<build>/` with `in` (what the recipe gives), `work`, `tmp` and `out`.

`in` is the service's and the build may only read it; the rest is made by `run_as_user.sh` for the build user.
"""

import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from isobuild.errors import HostFault, NoArtifact
from isobuild.runner.door import Door


class Workspaces:
    """All workspaces of this host."""

    def __init__(self, root: Path, door: Door) -> None:
        self.root = root
        self.door = door

    def owned(self) -> Iterable[int]:
        """The builds that have a workspace here."""
        folders = self.root.iterdir() if self.root.is_dir() else ()
        return [int(folder.name) for folder in folders if folder.name.isdecimal()]

    def remove(self, build: int) -> None:
        """Remove a build's workspace, whoever owns the files in it; none is fine."""
        self.door.remove(self.root / str(build))

    def make(self, build: int, files: Mapping[str, str], environment: Mapping[str, str], options: Any) -> "Workspace":
        """Make a build's workspace, with what the build is given. Raises HostFault."""
        workspace = Workspace(self.root / str(build))
        try:
            workspace.inputs.mkdir(parents=True)
            for folder in (self.root, workspace.path):
                folder.chmod(0o711)
            for name, text in files.items():
                workspace.write(name, text)
            workspace.write("options.json", json.dumps(options, indent=2, ensure_ascii=False) + "\n")
            workspace.write("environment", "".join(f"{key}={value}\n" for key, value in environment.items()), 0o600)
        except OSError as error:
            raise HostFault(what=f"The workspace can't be made: {error}") from error
        return workspace


class Workspace:
    """One build's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.inputs = path / "in"
        self.work = path / "work"
        self.out = path / "out"

    @property
    def environment(self) -> Path:
        """The file with the build's environment, KEY=VALUE lines; its owner's alone, since the token is in it."""
        return self.inputs / "environment"

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        """Put a file among the inputs; one that starts with `#!` may be executed."""
        path = self.inputs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode)
        path.write_text(text)
        path.chmod(mode | 0o111 if text.startswith("#!") else mode)

    def open_iso(self) -> BinaryIO:
        """The one `*.iso` in `out`. Raises NoArtifact.

        What the build left is not trusted: a link out of the workspace is no ISO.
        """
        folder = os.open(self.out, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            found = [name for name in os.listdir(folder) if name.endswith(".iso")]  # noqa: PTH208 (of the open folder)
            opened = [_open_plain(folder, name) for name in found] if len(found) == 1 else []
        finally:
            os.close(folder)
        if not opened or opened[0] is None:
            raise NoArtifact(count=len(found), out=self.out)
        return os.fdopen(opened[0], "rb")


def _open_plain(folder: int, name: str) -> int | None:
    try:
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    facts = os.fstat(opened)
    if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1 and facts.st_size:
        return opened
    os.close(opened)
    return None
