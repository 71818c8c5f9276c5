"""Looking up what an order comes to before it is queued: its packages, or which option is wrong, and why."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isobuild.errors import (
    ArchiveAway,
    ArchiveRefused,
    BadInput,
    CannotAsk,
    CannotInstall,
    HostFault,
    InvalidOption,
    IsobuildError,
    Unresolved,
)
from isobuild.image import apt
from isobuild.recipes import Cookbook

if TYPE_CHECKING:
    from isobuild.image.reasons import Reason
    from isobuild.image.snapshot import Layer, Snapshot

PATIENCE = 10.0  # seconds that archives have to answer, while somebody waits
RECENT = 3600.0  # seconds for which an answer holds


@dataclass(frozen=True, slots=True)
class Resolver:
    """Asks archives of packages as builds of this site do; `folder` keeps what they said."""

    cookbook: Cookbook
    folder: Path

    def check(self, recipe: str, options: Mapping[str, Any], now: datetime) -> None:
        """Raise InvalidOption for what can't be had. What can't be told now is left to the build."""
        with suppress(ArchiveAway, HostFault, OSError):
            self.snapshot(recipe, options, now)

    def snapshot(
        self, recipe: str, options: Mapping[str, Any], now: datetime, patience: float | None = PATIENCE
    ) -> "Snapshot | None":
        """What the options (as JSON holds them) come to; None if the recipe is made of no packages, or of what is
        known only while it is built.

        Raises InvalidOption, ArchiveAway, ArchiveRefused, Unresolved if that is no option's fault, and HostFault.
        """
        from isobuild.image import archive  # not for who only looks at tasks

        layers = self.layers(recipe, options)
        try:
            installed = self._installed(recipe, options) if any(layer.status for layer in layers) else {}
            if installed is None:
                self._check_names(layers, now, patience)
                return None
            snapshot = archive.take(layers, self.folder, now, RECENT, patience, installed) if layers else None
        except Unresolved as error:
            raise _cannot_install(error, layers, options) from None
        except (ArchiveAway, ArchiveRefused) as error:
            raise _cannot_ask(error, options) or error from None
        if snapshot:
            self._check_packages(recipe, options, snapshot)
        return snapshot

    def _check_packages(self, recipe: str, options: Mapping[str, Any], found: "Snapshot") -> None:
        """Raise InvalidOption for what needs others than these."""
        names = {each.name for each in found.packages}
        self.cookbook.find(recipe).check_packages(self.cookbook.parse(recipe, options), names)

    def _installed(self, recipe: str, options: Mapping[str, Any]) -> Mapping[str, str] | None:
        """dpkg's status of what the layers come on top of; None if it can't be known now. Raises InvalidOption."""
        base = self.base(recipe, options)
        try:
            return self.cookbook.find(recipe).installed(self.cookbook.parse(recipe, options), base) if base else None
        except InvalidOption:
            raise
        except (BadInput, HostFault, OSError):  # a build can tell more
            return None

    def base(self, recipe: str, options: Mapping[str, Any]) -> Path | None:
        """The ISO that it is made of, as far as that is known. Raises BadInput, HostFault."""
        chosen = self.cookbook.parse(recipe, options)
        return self.cookbook.find(recipe).base(chosen, self.cookbook.site)

    def _check_names(self, layers: "Sequence[Layer]", now: datetime, patience: float | None) -> None:
        """What does not exist is known now, whatever is there already."""
        from isobuild.image import archive

        for layer in layers:
            if layer.packages:
                found = archive.Archive(layer.sources, self.folder, layer.logins, patience)
                found.refresh(now, RECENT)
                if reasons := found.missing(layer):
                    raise Unresolved(what=" ".join(map(str, reasons)), reasons=reasons)

    def layers(self, recipe: str, options: Mapping[str, Any]) -> "Sequence[Layer]":
        """What is needed of archives. Raises BadInput, HostFault."""
        chosen, found = self.cookbook.parse(recipe, options), self.cookbook.find(recipe)
        try:
            return found.layers(chosen, apt.read_host())
        except IsobuildError:
            raise
        except Exception as error:  # a recipe that others wrote may fail in any way
            raise HostFault(what=f"Recipe {recipe} is broken: {type(error).__name__}: {error}") from error


def _cannot_install(error: Unresolved, layers: "Sequence[Layer]", options: Mapping[str, Any]) -> IsobuildError:
    reasons: Sequence[Reason] = error.facts.get("reasons", ())
    if not reasons:
        return error
    first, *others = reasons
    asked = {name: option for layer in layers for name, option in layer.asked.items()}
    field = first.option or _field(first.package, asked, options)
    words = str(first).partition(": ")[2]
    return CannotInstall(field=field, given=first.package, allowed=" ".join([words, *map(str, others)]))


def _field(package: str, asked: Mapping[str, str], options: Mapping[str, Any]) -> str:
    """The option that a package was asked for by."""
    listed = [name for name, value in options.items() if isinstance(value, (list, tuple)) and package in value]
    if "packages" in listed:
        return "packages"
    fallback = next((name for name in ("suite", "packages") if name in options), "options")
    alone = [name for name, value in options.items() if value == package]
    return [*listed, *([asked[package]] if package in asked else []), *alone, fallback][0]


def _cannot_ask(error: ArchiveAway | ArchiveRefused, options: Mapping[str, Any]) -> CannotAsk | None:
    """Which option names the archive that is wrong; None if none does. A mirror may be away, as Debian's own may."""
    refused = error.facts.get("refused", error)
    said = error.facts.get("said", "")
    uri, part = refused.facts.get("uri", ""), refused.facts.get("part", "uri")
    for place, each in enumerate(options.get("repositories") or ()):
        named = str(each.get("uri", "")) if isinstance(each, Mapping) else ""
        if named and (_same(named, uri) or f"Failed to fetch {named.rstrip('/')}/" in said):
            why = refused.facts["why"] if uri else "it does not answer. Try again later, or without it."
            return CannotAsk(field=f"repositories.{place}.{part}", given=named, allowed=why)
    mirror = str(options.get("mirror") or "")
    if mirror and _same(mirror, uri):
        return CannotAsk(field="mirror", given=mirror, allowed=refused.facts["why"])
    return None


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")
