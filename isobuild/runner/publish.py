"""Publishing: what the steps have left goes into the store, and what is made about it lies beside it.

A file's `kind` says what it is; its name is the ISO's, with a suffix of the kind's own in the place of `.iso`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from isobuild.domain.tables import Build, Task
from isobuild.runner.log import Log
from isobuild.runner.workspace import Workspace
from isobuild.store.local import LocalStore, Stored

#: kinds of files beside the ISO, and how their names end
SUFFIXES = {"manifest": ".manifest"}
Published = dict[str, Stored]  # by kind; the ISO is "iso"


@dataclass(frozen=True)
class Publisher:
    """Puts the files of one build into the store; `tell` hears the part (0..1) that is done, and may raise."""

    store: LocalStore
    build: Build
    task: Task
    log: Log
    tell: Callable[[float], None]

    def publish(self, workspace: Workspace) -> Published:
        """The ISO and what is beside it. Raises NoArtifact, BadResult, NoRoom, HostFault, ReportRefused."""
        found = {}
        if manifest := workspace.open_manifest():
            with manifest:
                found["manifest"] = self.put("manifest", manifest)
        return {"iso": self._put_iso(workspace)} | found

    def put(self, kind: str, file: BinaryIO) -> Stored:
        """Put a file of this kind beside the ISO."""
        return self.store.put(self.build.id, file, f"{self.task.iso.removesuffix('.iso')}{SUFFIXES[kind]}")

    def _put_iso(self, workspace: Workspace) -> Stored:
        with workspace.open_iso() as iso:
            size = os.fstat(iso.fileno()).st_size
            stored = self.store.put(self.build.id, iso, self.task.iso, lambda done: self.tell(done / size))
        self.log.write("run", f"published {stored.name}, {stored.size} bytes, sha256 {stored.sha256}")
        return stored
