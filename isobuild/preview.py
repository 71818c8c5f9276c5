"""A look ahead at an order: its packages, what there is to download, how large its ISO will be, how long it takes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from isobuild import intake
from isobuild.desk import Desk
from isobuild.domain import forecast, sizes, wishes
from isobuild.domain.listing import Shown
from isobuild.domain.sizes import Interval
from isobuild.errors import ArchiveAway
from isobuild.image import apt
from isobuild.image.leaves import shape
from isobuild.image.snapshot import Package, Snapshot
from isobuild.image.step import Place
from isobuild.recipes import Cookbook
from isobuild.resolve import Resolver
from isobuild.store.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

UNASKED = "this site looks up no packages before it builds (its setting 'resolve')"
BUILD = PurePosixPath("/BUILD")


@dataclass(frozen=True, slots=True)
class Contents:
    """What the ISO is made of, as far as it is known."""

    snapshot: Snapshot | None
    missing: "Sequence[Package]" = ()
    """The packages that are to be downloaded."""
    reused: tuple[str, ...] = ()
    """The stages that need not be made."""
    base: int = 0
    """Bytes of the ISO that it is made of, if it is made of one."""
    why: str = ""
    """Why no more is known."""


def look(desk: Desk, recipe: str, options: Mapping[str, object], *, like: int | None = None) -> Shown:
    """What such an order would come to, as Previews.show has it. Raises BadInput, which names the field."""
    with desk.db.read() as session:
        earlier = intake.earlier(session, like, recipe, desk.user)
    chosen = intake.choose(desk.cookbook, desk.uploads, recipe, options, earlier)
    previews = Previews(desk.cookbook, Cache(desk.settings.cache, desk.settings.cache_size), desk.resolver)
    contents = previews.contents(recipe, chosen, desk.now())  # asks archives: no database waits for it
    with desk.db.read() as session:
        return previews.show(session, recipe, chosen, contents)


@dataclass(frozen=True, slots=True)
class Previews:
    """Looks ahead, by what archives offer and what this host has kept of earlier builds."""

    cookbook: Cookbook
    cache: Cache
    resolver: Resolver | None

    def contents(self, recipe: str, options: Mapping[str, Any], now: datetime) -> Contents:
        """What its packages come to. Raises InvalidOption if they can't be had, HostFault if the recipe is broken."""
        if self.resolver is None:
            return Contents(None, why=UNASKED)
        try:
            snapshot = self.resolver.snapshot(recipe, options, now)
        except ArchiveAway as error:
            return Contents(None, why=f"{error}")
        if snapshot is None:
            return Contents(None)
        base = self.resolver.base(recipe, options)
        return self._look(recipe, options, snapshot, base.stat().st_size if base else 0)

    def _look(self, recipe: str, options: Mapping[str, Any], snapshot: Snapshot, base: int) -> Contents:
        """What a build would have to fetch and to make; all of it if the recipe can't tell now."""
        place = Place(
            inputs=BUILD / "in", work=BUILD / "work", out=BUILD / "out", iso="preview.iso", apt=apt.read_host(),
            epoch=snapshot.epoch, site=self.cookbook.site, snapshot=snapshot,
        )  # fmt: skip
        found, chosen = self.cookbook.find(recipe), self.cookbook.parse(recipe, options)
        try:
            stages = found.plan(chosen, place).stages
            made = [stage.name for stage in stages if stage.kept and self.cache.find(stage.key)]
            needed = found.plan(chosen, replace(place, made=frozenset(made))).packages
        except Exception:  # it may need what only a build has; its order is told of what is wrong with it
            made, needed = [], snapshot.packages
        missing = [each for each in needed if not self.cache.has(each.sha256)]
        return Contents(snapshot, missing, tuple(made), base)

    def show(self, session: Session, recipe: str, options: Mapping[str, Any], contents: Contents) -> Shown:
        """It in numbers: sizes in bytes, times in seconds; None where nothing is known."""
        model = self.cookbook.find(recipe).Options
        packages = contents.snapshot.packages if contents.snapshot else ()
        weight = sum(each.size for each in packages)
        known = not contents.why
        past = sizes.made(session, recipe)
        size = sizes.estimate(past, options, weight, choices(model), contents.base) if known else None
        forecasts = forecast.Past(session)
        took = forecasts.like(recipe, wishes.weight(options)) if forecasts.of(recipe) else []
        return {
            "recipe": recipe,
            "packages": len(packages) if contents.snapshot else None,
            "packages_size": weight if contents.snapshot else None,
            "download": sum(each.size for each in contents.missing) if contents.snapshot else None,
            "reused": list(contents.reused),
            "size": size and _whole(size),
            "time": (found := sizes.around(took)) and _whole(found),
            "current": contents.snapshot.current if contents.snapshot else None,
            "why": contents.why or None,
        }


def choices(model: "type[BaseModel]") -> list[str]:
    """The options that have few values: yes or no, or one of some."""
    whole = shape(model)
    found = {name: inner.branches() for name in whole.names() if (inner := whole.inner(name))}
    return [
        name
        for name, branches in found.items()
        if any("enum" in each.facts or each.facts.get("type") == "boolean" for each in branches)
    ]


def _whole(interval: Interval) -> Shown:
    return {name: round(value) for name, value in asdict(interval).items()}
