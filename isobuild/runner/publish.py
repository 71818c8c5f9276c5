"""Publishing: what the steps have left goes into the store, and what is made about it lies beside it.

A file's `kind` says what it is; its name is the ISO's, with a suffix of the kind's own in the place of `.iso`. The ISO
is read once: what is made of all its bytes hears them while they are copied.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import BinaryIO

import sh

from isobuild.domain.tables import Build, Task
from isobuild.errors import BadInput, HostFault
from isobuild.image import medium
from isobuild.runner.log import Log
from isobuild.runner.workspace import Workspace
from isobuild.store.local import LocalStore, Stored
from isobuild.trust import packages, provenance, sbom, sums, torrent, zsync
from isobuild.trust.beside import SUFFIXES, name_of
from isobuild.trust.keys import Key
from isobuild.trust.packages import Package
from isobuild.trust.provenance import Making

__all__ = ["SUFFIXES", "Published", "Publisher"]
Published = dict[str, Stored]  # by kind; the ISO is "iso"
Ear = Callable[[bytes], None]


@dataclass(frozen=True)
class Publisher:
    """Puts the files of one build into the store; `tell` hears the part (0..1) that is done, and may raise."""

    store: LocalStore
    build: Build
    task: Task
    log: Log
    tell: Callable[[float], None]
    making: Making | None = None  # None: it was made elsewhere, and that is not ours to tell of
    key: Key | None = None
    web_seed: str = ""  # the address of the folder where the ISO can be fetched too

    def publish(self, workspace: Workspace, more: Mapping[str, bytes] | None = None) -> Published:
        """The ISO and what is beside it, `more` by its kinds. Raises NoArtifact, BadResult, NoRoom, HostFault,
        ReportRefused.
        """
        manifest = workspace.open_manifest()
        with ExitStack() as opened:
            found = self._put_manifest(opened.enter_context(manifest)) if manifest else {}
            listed = packages.read(_text(manifest)) if manifest else None
            iso = opened.enter_context(workspace.open_iso())
            found = self.put_iso(iso, workspace.path) | found
            for kind, content in (more or {}).items():
                found |= self.put_bytes(kind, content)
        return self.seal(found | self.account(found, listed))

    def put_iso(self, iso: BinaryIO, scratch: Path | None = None) -> Published:
        """The ISO, and the zsync file and torrent that are made of its bytes; `scratch`: a folder for a moment."""
        before = os.fstat(iso.fileno())
        pieces = torrent.Pieces(torrent.piece_length(before.st_size))
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix=".publish-", dir=scratch)))
            blocks = self._begin_zsync(folder, iso)
            if blocks:
                stack.enter_context(blocks)
            stored = self.store.put(
                self.build.id, Heard(iso, pieces.feed), self.task.iso, lambda done: self.tell(done / before.st_size)
            )  # fmt: skip
            self.log.write("run", f"published {stored.name}, {stored.size} bytes, sha256 {stored.sha256}")
            found = {"iso": stored} | (self._end_zsync(blocks) if blocks else {})
        after = os.fstat(iso.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise HostFault(what=f"{self.task.iso} was changed by somebody while it was published.")
        seed = f"{self.web_seed}/{self.task.iso}" if self.web_seed else ""
        return found | self.put_bytes("torrent", torrent.write(stored.name, stored.size, pieces, seed))

    def account(self, found: Published, listed: Sequence[Package] | None) -> Published:
        """What is in the ISO and how it came to be; `listed`: what its manifest says, if there is one."""
        if self.making is None:
            return {}
        made: Published = {}
        resolved = self.making.packages
        joined = packages.join(packages.named(resolved) if listed is None else listed, resolved)
        iso, now = found["iso"], datetime.now(UTC)
        if listed is not None:
            label = _label(self.store.path(self.build.id, iso.name))
            made = self.put_bytes("sbom", sbom.write(iso.sha256, label, joined, self.making.epoch, self.making.tool))
        told = {each.name: each.sha256 for each in (found | made).values()}
        return made | self.put_bytes("provenance", provenance.write(self.making, told, joined, now))

    def seal(self, found: Published) -> Published:
        """The same files with their sums, and, where the site has a key, the signature of these. Raises HostFault."""
        text = sums.write({each.name: each.sha256 for each in found.values()})
        sealed = found | self.put_bytes("sums", text)
        return sealed | (self.put_bytes("signature", self.key.sign(text)) if self.key else {})

    def put(self, kind: str, file: BinaryIO) -> Stored:
        """Put a file of this kind beside the ISO."""
        return self.store.put(self.build.id, file, name_of(kind, self.task.iso))

    def put_bytes(self, kind: str, content: bytes) -> Published:
        """The same for what is not a file yet."""
        with TemporaryFile() as file:
            file.write(content)
            file.seek(0)
            return {kind: self.put(kind, file)}

    def _put_manifest(self, manifest: BinaryIO) -> Published:
        return {"manifest": self.put("manifest", manifest)}

    def _begin_zsync(self, folder: Path, iso: BinaryIO) -> zsync.Making | None:
        try:
            return zsync.Making(folder, self.task.iso, iso)
        except sh.CommandNotFound:
            self.log.write("run", "There is no zsync file: zsyncmake is not installed (apt-get install zsync).")
            return None

    def _end_zsync(self, made: zsync.Making) -> Published:
        if not made.end():
            self.log.write("run", f"There is no zsync file: {made.fault}")
            return {}
        with made.path.open("rb") as file:
            return {"zsync": self.put("zsync", file)}


class Heard:
    """An open file that somebody else hears while it is read."""

    def __init__(self, file: BinaryIO, ear: Ear) -> None:
        self._file = file
        self._ear = ear

    def fileno(self) -> int:
        """The file's."""
        return self._file.fileno()

    def read(self, size: int) -> bytes:
        """The next bytes, which are told."""
        data = self._file.read(size)
        self._ear(data)
        return data


def _text(manifest: BinaryIO) -> str:
    """All of it, which was found to be text; it is small."""
    manifest.seek(0)
    return manifest.read().decode()


def _label(iso: Path) -> str:
    """The label of the medium; empty if it has none, or is no medium that we know."""
    try:
        return medium.look(iso).label
    except BadInput:
        return ""
