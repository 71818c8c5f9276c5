"""Archives of packages, asked by the service: apt in a folder of its own for each set of sources.

    FOLDER/<hash of the sources>/lists/    what the archives said last, checked by their keys
    FOLDER/<hash of the sources>/said/     its Release files for good, a folder for each time that it was something new
    FOLDER/<hash of the sources>/taken/    which packages were taken of it: the answers to the last questions

Nothing is installed, and no package is fetched. A build gets the addresses, and needs not ask again.
"""

import fcntl
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from isobuild.errors import ArchiveAway, ArchiveRefused, Unresolved
from isobuild.image import apt, private
from isobuild.image.reasons import Reason, Reasons
from isobuild.image.refusals import refusal
from isobuild.image.said import Said
from isobuild.image.snapshot import Layer, Package, Snapshot, digest

TAKEN = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})")
#: minbase, as mmdebstrap understands it
ESSENTIAL = ("?essential", "?priority(required)", "apt")
ANSWERS = 200  # that are kept
AWAY = 60.0  # seconds in which an archive that did not answer is not asked again by who is in a hurry
UNUSED = 30 * 86400.0  # seconds after which what an archive said is let go


def take(
    layers: Sequence[Layer], folder: Path, now: datetime, max_age: float = 3600.0, patience: float | None = None,
    installed: Mapping[str, str | None] | None = None, locked: Snapshot | None = None,
) -> Snapshot:  # fmt: skip
    """What the layers come to. Archives are asked if their last word is older than `max_age` seconds.

    `patience`: the seconds in which one must have answered; one that was away lately is not asked again then.
    `installed`: dpkg's status of what is below a layer, by its name; None leaves it out, as that is not known yet. A
    layer that is not named there is taken as if nothing were.
    `locked`: what the layers came to before; they come to the same again, whatever the archives have now.
    Raises ArchiveAway if one does not answer and never did, ArchiveRefused if its answer is of no use, and Unresolved
    if there are no such packages.
    """
    _sweep(folder, now)
    found: dict[str, tuple[Package, ...]] = {}
    below: tuple[Package, ...] = ()
    archives = [Archive(layer.sources, folder, layer.logins, patience) for layer in layers]
    current = [archive.refresh(now, max_age) for archive in archives]
    for layer, archive in zip(layers, archives, strict=True):
        status = (installed or {}).get(layer.name, "")
        if status is None:
            continue
        found[layer.name] = locked.layers.get(layer.name, ()) if locked else archive.take(layer, below, status)
        below += found[layer.name]
    said = archives[0].said
    return Snapshot(locked.epoch if locked else said.epoch(), tuple(said.kept()), found, all(current))


def _sweep(folder: Path, now: datetime) -> None:
    """Forget the archives that nobody has asked anything for long."""
    for sources in folder.glob("*/sources.sources"):
        with suppress(OSError):
            if now.timestamp() - sources.stat().st_mtime > UNUSED:
                shutil.rmtree(sources.parent)


class Archive:
    """The archives that some sources (deb822 text) name, in a folder that is kept."""

    def __init__(self, sources: str, folder: Path, logins: str = "", patience: float | None = None) -> None:
        self.sources = sources
        self.logins = logins
        self.patience = patience
        self.folder = folder / digest(sources, logins)[:32]
        self.said = Said(self.folder)

    def refresh(self, now: datetime, max_age: float) -> bool:
        """Ask the archives, if that is due; whether their last word is recent then. Raises ArchiveAway,
        ArchiveRefused.
        """
        if self._is_fresh("asked", now, max_age):
            return True
        with self.alone():
            if self._is_fresh("asked", now, max_age):  # somebody else did, while we waited
                return True
            try:
                self._update(now)
            except (ArchiveAway, ArchiveRefused):
                if len(self.said.releases()) >= len(
                    set(apt.archives(self.sources))
                ):  # who was killed did not keep them
                    self.said.keep()
                if not self.said.kept():
                    raise
                return False
            self.said.keep()
            self._note("asked", now)
            return True

    def _update(self, now: datetime) -> None:
        hurry: tuple[str, ...] = ()
        if self.patience is not None:
            if self._is_fresh("away", now, AWAY):
                said = (self.folder / "away").read_text()
                raise ArchiveAway(what=private.complaints(said) or "it did not answer a moment ago.", said=said)
            hurry = ("-o", "Acquire::Retries=0", "-o", f"Acquire::http::Timeout={self.patience:.0f}")
        try:
            strict = ("-q", "-o", "APT::Update::Error-Mode=any")
            private.run(self.folder, "apt-get", *strict, *hurry, "update", limit=self.patience)
        except ArchiveAway as error:
            refused = refusal(error.facts["said"], self.sources)
            if refused and refused.facts["given"]:
                raise refused from None
            self._note("away", now, error.facts["said"])
            if refused:
                raise ArchiveAway(what=f"{refused}", said=error.facts["said"], refused=refused) from None
            raise

    def _is_fresh(self, note: str, now: datetime, max_age: float) -> bool:
        try:
            return 0 <= now.timestamp() - (self.folder / note).stat().st_mtime < max_age
        except OSError:
            return False

    def _note(self, note: str, now: datetime, text: str = "") -> None:
        (self.folder / note).write_text(text)
        os.utime(self.folder / note, (now.timestamp(), now.timestamp()))

    def take(self, layer: Layer, below: Sequence[Package] = (), status: str = "") -> tuple[Package, ...]:
        """The packages that a layer adds to those below, or to what dpkg's status says. Raises Unresolved."""
        if (below or status) and not layer.packages and not layer.remove:
            return ()
        asked = [layer.packages, layer.recommends, layer.preferences, layer.provided, layer.remove]
        key = digest(asked, below, status, self.said.state())
        kept = self.folder / "taken" / key
        try:
            answer = json.loads(kept.read_text())
            found = tuple(Package(**each) for each in answer["packages"])
            reasons = tuple(Reason(**each) for each in answer["reasons"])
        except (OSError, ValueError, TypeError, KeyError):
            with self.alone():
                found, reasons = self._answer(layer, status or self._installed(below))
                told = {"packages": [asdict(each) for each in found], "reasons": [asdict(each) for each in reasons]}
                replace_text(kept, json.dumps(told))
                for old in sorted(kept.parent.iterdir(), key=lambda each: each.stat().st_mtime)[:-ANSWERS]:
                    old.unlink()
        if reasons:
            raise Unresolved(what=" ".join(map(str, reasons)), reasons=reasons)
        return found

    def _answer(self, layer: Layer, status: str) -> tuple[tuple[Package, ...], tuple[Reason, ...]]:
        """The packages, or why they can't be had. Raises Unresolved if that can't be told."""
        try:
            return self._take(layer, status), ()
        except Unresolved as error:
            if layer.remove and self._stays(replace(layer, remove=()), status):
                names = ", ".join(layer.remove)
                raise Unresolved(what=f"{names} can't be removed: the rest of the system needs it.") from None
            reasons = self._reasons(layer, status).explain(error.facts["said"])
            if not reasons:
                raise
            return (), reasons

    def _stays(self, layer: Layer, status: str) -> bool:
        """Whether the packages can be had if nothing goes."""
        with suppress(Unresolved):
            self._take(layer, status)
            return True
        return False

    def missing(self, layer: Layer) -> tuple[Reason, ...]:
        """Which of a layer's packages there are none of, whatever else is there."""
        with self.alone():
            try:
                self._take(layer, "")
            except Unresolved as error:
                return self._reasons(layer, "").names(error.facts["said"])
        return ()

    def _reasons(self, layer: Layer, status: str) -> Reasons:
        return Reasons(layer, " or ".join(apt.suites(self.sources)), partial(self.ask, layer=layer, status=status))

    def ask(self, *argv: str, layer: Layer | None = None, status: str = "") -> str:
        """What one of apt's programs prints, with this dpkg status. Raises Unresolved, with what it complained of."""
        (self.folder / "status").write_text(status + _provided(layer.provided if layer else ()))
        (self.folder / "preferences").write_text(layer.preferences if layer else "")
        recommends = f"APT::Install-Recommends={str(bool(layer and layer.recommends)).lower()}"
        return private.run(self.folder, argv[0], "-o", recommends, *argv[1:])

    def _take(self, layer: Layer, status: str) -> tuple[Package, ...]:
        going = [f"{name}-" for name in layer.remove] if status else []
        asked = (*layer.packages, *going)
        said = self.ask("apt-get", "-q", "-y", "--print-uris", "install", *asked, layer=layer, status=status)
        return tuple(_package(match) for match in TAKEN.finditer(said))

    def _installed(self, packages: Sequence[Package]) -> str:
        """dpkg's status, if these were installed."""
        if not packages:
            return ""
        kept = self.folder / "taken" / f"{digest(packages, self.said.state())}.status"
        with suppress(OSError):
            return kept.read_text()
        names = (f"{package.name}:{package.architecture}={package.version}" for package in packages)
        stanzas = self.ask("apt-cache", "show", *names).split("\n\n")
        status = "".join(f"{stanza.strip()}\nStatus: install ok installed\n\n" for stanza in stanzas if stanza.strip())
        replace_text(kept, status)
        return status

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time: apt's files are common to all."""
        for name in ("lists/partial", "cache/archives/partial", "taken"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            self._lock(lock.fileno())
            (self.folder / "sources.sources").write_text(self.sources)  # by whose time others see when it was used
            (self.folder / "apt.conf").write_text(private.settings(self.folder))
            logins = self.folder / "logins"
            logins.touch(0o600)
            logins.write_text(self.logins)
            try:
                yield
            finally:
                logins.unlink(missing_ok=True)

    def _lock(self, file: int) -> None:
        """Raises ArchiveAway if somebody else keeps it for longer than `patience`."""
        if self.patience is None:
            return fcntl.flock(file, fcntl.LOCK_EX)
        over = time.monotonic() + self.patience
        while True:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > over:
                    raise ArchiveAway(what="a build has been asking it for long.", said="") from None
                time.sleep(0.05)


def replace_text(file: Path, text: str) -> None:
    """Write a file that others read meanwhile."""
    part = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
    part.write_text(text)
    part.replace(file)


def _package(match: "re.Match[str]") -> Package:
    name, version, rest = match["file"].split("_", 2)
    facts: Mapping[str, Any] = match.groupdict() | {"size": int(match["size"])}
    return Package(name=name, version=unquote(version), architecture=rest.removesuffix(".deb"), **facts)


def _provided(names: Sequence[str]) -> str:
    if not names:
        return ""
    fields = {
        "Package": "provided",
        "Status": "install ok installed",
        "Architecture": "all",
        "Version": "1",
        "Maintainer": "nobody <nobody@example.org>",
        "Provides": ", ".join(names),
        "Description": "what this image does without",
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items()) + "\n"
