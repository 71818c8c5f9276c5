"""Where a build happens: `WORK/<build>/` with `in` (what the recipe gives), `work`, `tmp` and `out`.

`in` is the service's and the build may only read it; the rest is made by `run_as_user.sh` for the build user.
"""

import json
import os
import pwd
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from isobuild.errors import HostFault, NoArtifact
from isobuild.image.secrets import Veil
from isobuild.runner import results
from isobuild.runner.dependencies import give, give_uploads, told
from isobuild.runner.door import Door
from isobuild.store.local import numbered, size_of

PUBLIC = 0o644
PRIVATE = 0o640  # run_as_user.sh gives what has this mode to the build user's group


class Workspaces:
    """All workspaces of this host."""

    def __init__(self, root: Path, door: Door) -> None:
        self.root = root
        self.door = door

    def owned(self) -> Iterable[int]:
        """The builds that have a workspace here."""
        return numbered(folder.name for folder in self.root.iterdir()) if self.root.is_dir() else ()

    def size(self, build: int) -> int:
        """The bytes of a build's workspace, as far as they can be seen."""
        return size_of(self.root / str(build))

    def remove(self, build: int) -> None:
        """Remove a build's workspace, whoever owns the files in it; none is fine. Raises HostFault."""
        self.door.remove(self.root / str(build))

    def begin(self, build: int) -> "Workspace":
        """The workspace of a build that begins, with nothing in it. Raises HostFault, if it was there before too."""
        workspace = Workspace(self.root / str(build))
        try:
            workspace.inputs.mkdir(parents=True)
        except OSError as error:
            raise HostFault(what=f"The workspace can't be made: {error}") from error
        return workspace

    def make(
        self,
        build: int,
        files: Mapping[str, str],
        environment: Mapping[str, str],
        options: Any,
        dependencies: Sequence[Mapping[str, Any]] = (),
        uploads: Sequence[Path] = (),
        veil: Veil | None = None,
    ) -> "Workspace":
        """Make a build's workspace, with what the build is given (`dependencies`: see there). Raises HostFault.

        The options, and those of the files that have a secret in them, are for the build user's eyes only.
        """
        workspace = Workspace(self.root / str(build))
        try:
            workspace.inputs.mkdir(parents=True, exist_ok=True)  # some of it may be there
            for name, text in files.items():
                workspace.write(name, text, PRIVATE if veil and veil.covers(text) else PUBLIC)
            workspace.write("options.json", _json(options), PRIVATE)
            workspace.write("dependencies.json", _json(told(dependencies, workspace.inputs)))
            copied = self.door.user(0) == pwd.getpwuid(os.geteuid()).pw_name
            give(dependencies, workspace.inputs, copied)
            give_uploads(uploads, workspace.inputs, copied)
            workspace.write("environment", "".join(f"{key}={value}\n" for key, value in environment.items()), 0o600)
            self._open(workspace)
        except OSError as error:
            raise HostFault(what=f"The workspace can't be made: {error}") from error
        return workspace

    def _open(self, workspace: "Workspace") -> None:
        for folder in (self.root, workspace.path):
            folder.chmod(0o711)
        workspace.open()


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

    def write(self, name: str, text: str, mode: int = PUBLIC) -> None:
        """Put a file among the inputs; one that starts with `#!` may be executed."""
        path = self.inputs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode)
        path.write_text(text)
        path.chmod(mode | (mode & 0o444) >> 2 if text.startswith("#!") else mode)

    def add(self, files: Mapping[str, str]) -> None:
        """Put more files among the inputs, once steps have run: none with a secret that was not there before.

        Raises HostFault.
        """
        try:
            for name, text in files.items():
                path = self.inputs / name
                if not path.exists() or path.read_text() != text:
                    self.write(name, text)
            self.open()
        except OSError as error:
            raise HostFault(what=f"The workspace can't be changed: {error}") from error

    def open(self) -> None:
        """Let everybody pass to the inputs."""
        for each in self.inputs.rglob("*"):
            if each.is_dir():
                each.chmod(0o755)

    def open_iso(self) -> BinaryIO:
        """The one `*.iso` in `out`. Raises NoArtifact."""
        found = results.find(self.out, ".iso")
        iso = _open_filled(self.out, found[0]) if len(found) == 1 else None
        if iso is None:
            raise NoArtifact(count=len(found), out=self.out)
        return iso

    def results(self) -> dict[str, Any]:
        """What the build says about its ISO in `out/results.json`; empty if it says nothing. Raises BadResult."""
        return results.read(self.out)

    def open_manifest(self) -> BinaryIO | None:
        """The `manifest` in `out`, if there is one. Raises BadResult."""
        return results.open_manifest(self.out)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _open_filled(folder: Path, name: str) -> BinaryIO | None:
    try:
        iso = results.open_plain(folder, name)
    except OSError:
        return None
    if os.fstat(iso.fileno()).st_size:
        return iso
    iso.close()
    return None
