"""An ISO that exists, changed: packages come and go, everything else is chosen as for a system of one's own."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, ValidationInfo, WrapValidator, field_validator, model_validator

from isobuild.errors import HostFault, InvalidOption
from isobuild.image import contents, custom
from isobuild.image.apt import read_host, release_of, sources_for
from isobuild.image.custom import Customisation
from isobuild.image.fields import (
    CommaList,
    Hostname,
    Keyboard,
    Line,
    Locale,
    Mirror,
    Package,
    Suite,
    Timezone,
    Unset,
    Username,
    accept,
    holding,
    whole,
)
from isobuild.image.remaster import MORE, Change, Remastered, fit
from isobuild.image.snapshot import Layer
from isobuild.image.squash import Compression
from isobuild.image.step import Place, Plan
from isobuild.image.upstream import Identity, identity, sha256_of
from isobuild.recipes.base import Options, Recipe

FOLDER = "isos"
#: An empty text leaves what the ISO has.
AsItIs = WrapValidator(lambda value, check: "" if value in ("", None) else check(value))
Source = Annotated[
    str,
    accept(
        whole(r"upload:[0-9a-f]{64}|[A-Za-z0-9_][\w.+-]{0,99}"),
        f"an upload, or the name of a file in the site's folder {FOLDER}, without a path",
    ),
    holding("live-iso", "text-or-upload", FOLDER),
]
ONE = "it is needed: an upload, a file of the site's, or nothing and one task to come after, which has an ISO (--after)"


class RemasterOptions(Customisation, Options):
    """What may be chosen about a change of an ISO."""

    begins_bare: ClassVar[bool] = False

    source: Annotated[Source | None, Unset] = Field(
        None,
        description="the ISO: an upload, or a file of the site's; by default that of the task it comes after",
    )
    suite: Annotated[Suite | None, Unset] = Field(
        None, description="the release of Debian in the ISO; by default this server's"
    )
    mirror: Annotated[Mirror | None, Unset] = Field(None, description="the Debian mirror; by default this server's")
    packages: Annotated[tuple[Package, ...], CommaList] = Field(
        (), max_length=500, description="Debian packages to add, such as htop, nginx"
    )
    remove: Annotated[tuple[Package, ...], CommaList] = Field(
        (), max_length=500, description="packages to remove; what needs them goes too"
    )
    recommends: bool = Field(False, description="also add what the packages recommend")
    compression: Compression = Field("balanced", description="fast to make, small to load, or balanced between the two")

    hostname: Annotated[Hostname, AsItIs] = Field("", description="the name the machine gives itself; empty: as it is")
    title: Annotated[Line, AsItIs] = Field("", description="the first line of the boot menu; empty: as it is")
    timeout: int = Field(
        5, ge=0, le=3600, description="seconds that the boot menu waits", json_schema_extra={"group": "Boot"}
    )
    username: Annotated[Username, AsItIs] = Field(
        "",
        description="an account with the password 'live'; empty: those that are there",
        json_schema_extra={"group": "People"},
    )
    locale: Annotated[Locale, AsItIs] = Field(
        "",
        description="language and country, such as id_ID.UTF-8; empty: as it is",
        json_schema_extra={"group": "Region"},
    )
    timezone: Annotated[Timezone, AsItIs] = Field(
        "", description="time zone, such as Asia/Jakarta; empty: as it is", json_schema_extra={"group": "Region"}
    )
    keyboard: Annotated[Keyboard, AsItIs] = Field(
        "", description="keyboard layout, such as us or de; empty: as it is", json_schema_extra={"group": "Region"}
    )

    @field_validator("source")
    @classmethod
    def _exists(cls, name: str | None, info: ValidationInfo) -> str | None:
        site: Path | None = (info.context or {}).get("site")
        if name and site and not name.startswith("upload:") and name not in _files(site):
            raise ValueError(f"an upload, or a file in the site's folder {FOLDER}: {', '.join(_files(site)) or 'none'}")
        return name

    @model_validator(mode="after")
    def _fits(self) -> Self:
        both = sorted({*custom.packages(self), *self.packages} & {*self.remove})
        if both:
            raise InvalidOption(field="remove", given=both[0], allowed="a package that nothing here asks for")
        if self.desktop != "none" and not (self.users or self.username):
            raise InvalidOption(field="username", given="", allowed=f"an account, as the desktop is {self.desktop}")
        return self


class Remaster(Recipe):
    """An ISO gets further layers, and keeps its boot records (image/remaster)."""

    name: ClassVar[str] = "remaster"
    title: ClassVar[str] = "Remaster: an ISO that exists, with what you change in it"
    version: ClassVar[int] = 1
    Options: ClassVar[type[Options]] = RemasterOptions

    def plan(self, options: RemasterOptions, place: Place) -> Plan:
        """Look what is in the ISO; then, asked again, make the layers, and burn."""
        iso, sha256 = _source(options, place)
        made = Remastered(_change(options, place.apt), iso, sha256, place)
        return Plan(
            files=made.files(), steps=made.steps(), stages=made.stages, packages=made.needed,
            reads=_seen(iso),
            proof=replace(custom.proof(options), memory=2048), more=0.0 if made.is_known else MORE,
        )  # fmt: skip

    def layers(self, options: RemasterOptions, apt: str) -> tuple[Layer, ...]:
        """What is chosen, on top of what is in the ISO."""
        return (_change(options, apt).layer,)

    def base(self, options: RemasterOptions, site: Path | None) -> Path | None:
        """The ISO, if it is a file of the site's."""
        return next(iter(self.inputs(options, site).values()), None)

    def installed(self, options: RemasterOptions, base: Path) -> Mapping[str, str] | None:
        """What is in the ISO. Raises InvalidOption, with the words that a build would end with."""
        found = contents.base(base)
        if not found.status:
            return None
        change = _change(options, read_host())
        wrong = fit.unfit({"release": found.release}, found.status, change.fits)
        if wrong:
            field, _, why = wrong.partition(": ")
            raise InvalidOption(field=field, given=_given(options, field), allowed=why)
        return {change.layer.name: found.status}

    def sources(self, options: RemasterOptions, apt: str) -> str:
        """The host's own, or the release and mirror that were chosen; and the further repositories."""
        return _change(options, apt).layer.sources

    def inputs(self, options: RemasterOptions, site: Path | None) -> Mapping[str, Path]:
        """The ISO, if it is a file of the site's."""
        source = options.source
        named = site and source and not source.startswith("upload:")
        return {f"{source}": Path(site, FOLDER, f"{source}")} if site and named else {}


def _change(options: RemasterOptions, apt: str) -> Change:
    suite = options.suite or release_of(apt)
    return Change(
        choices=options, suite=suite, sources=sources_for(apt, suite, options.mirror), packages=options.packages,
        remove=options.remove, recommends=options.recommends, compression=options.compression,
    )  # fmt: skip


def _source(options: RemasterOptions, place: Place) -> tuple[PurePath, str]:
    """The ISO, and its SHA-256. Raises InvalidOption, HostFault."""
    source = options.source or ""
    if source.startswith("upload:"):
        digest = source.removeprefix("upload:")
        return place.inputs / "uploads" / digest, digest
    if source:
        return _of_site(place.site, source)
    found = [each for each in place.dependencies if each["iso"]]
    if len(found) != 1:
        given = ", ".join(f"{each['task']}" for each in found) or None
        raise InvalidOption(field="source", given=given, allowed=ONE)
    return PurePath(found[0]["iso"]), str(found[0]["sha256"])


def _seen(iso: PurePath) -> Mapping[PurePath, Identity]:
    """The ISO as it is now; nothing as long as it is not laid where it will be read."""
    try:
        return {iso: identity(f"{iso}")}
    except OSError:
        return {}


def _given(options: RemasterOptions, field: str) -> str | None:
    given = getattr(options, field)
    return ", ".join(given) if isinstance(given, tuple) else given


def _of_site(site: PurePath | None, name: str) -> tuple[PurePath, str]:
    if site is None:
        raise HostFault(what=f"This site has no folder of its own, so it has no {FOLDER}.")
    file = Path(site / FOLDER / name)
    try:
        return file, _digest(file, *identity(file))
    except OSError as error:
        raise HostFault(what=f"The ISO {name} of this site can't be read: {error.strerror}.") from error


@lru_cache(maxsize=8)
def _digest(file: Path, *_facts: Any) -> str:
    """The SHA-256 of a file that is read again only if it is another."""
    return sha256_of(file)


def _files(site: Path) -> list[str]:
    return sorted(path.name for path in (site / FOLDER).glob("[!.]*") if path.is_file())
