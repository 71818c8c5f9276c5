"""Debian, live: it runs from the medium, with the packages that were chosen."""

import json
from collections.abc import Collection
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from isobuild.errors import InvalidOption
from isobuild.image import boot, custom, secrets
from isobuild.image.apt import ARCHITECTURE, Architecture, release_of, sources_for
from isobuild.image.burn import burn
from isobuild.image.custom import Customisation, menu
from isobuild.image.fields import CommaList, Mirror, Package, Suite, Unset
from isobuild.image.live import BASE, System
from isobuild.image.snapshot import Layer
from isobuild.image.squash import Compression
from isobuild.image.step import Place, Plan
from isobuild.recipes.base import Options, Recipe

TOO_OLD = ("bullseye",)  # not all of the base is in it


class DebianLiveOptions(Customisation, Options):
    """What may be chosen about a live system."""

    suite: Annotated[Suite | None, Unset] = Field(None, description="the release of Debian; by default this server's")
    mirror: Annotated[Mirror | None, Unset] = Field(None, description="the Debian mirror; by default this server's")
    architecture: Architecture = Field(
        ARCHITECTURE, description="the processors that it is for: amd64 is 64-bit PCs, by Intel, AMD and others"
    )
    packages: Annotated[tuple[Package, ...], CommaList] = Field(
        (), max_length=500, description="Debian packages to add, such as htop, nginx"
    )
    recommends: bool = Field(False, description="also add what the packages recommend")
    compression: Compression = Field("balanced", description="fast to make, small to load, or balanced between the two")

    @model_validator(mode="after")
    def _base_is_there(self) -> Self:
        if self.suite in TOO_OLD:
            raise InvalidOption(field="suite", given=self.suite, allowed="bookworm or a later release of Debian")
        if needed := sorted({*self.exclude} & {*BASE.split()}):
            raise InvalidOption(field="exclude", given=needed[0], allowed="packages that no live system needs")
        return self


class DebianLive(Recipe):
    """A system in layers (image/live), and boot records by GRUB, burnt by xorriso."""

    name: ClassVar[str] = "debian-live"
    title: ClassVar[str] = "Debian live: runs from the medium, with the packages you choose"
    version: ClassVar[int] = 2
    Options: ClassVar[type[Options]] = DebianLiveOptions

    def plan(self, options: DebianLiveOptions, place: Place) -> Plan:
        """Fetch, make the layers that there are not, boot records, burn."""
        system = self._system(options, place.apt)
        shared, _ = secrets.without(type(options), options.model_dump(mode="json"))  # a seal is for all to read
        seal = boot.seal(self.name, self.version, place.epoch, place.packages, json.dumps(shared))
        picture = menu.picture(options.background, place)
        contents = {**boot.contents(place, seal), **system.contents(place), **picture}
        return Plan(
            files=system.files(place) | boot.files(
                seal, *menu.entries(options.title, options.kernel_arguments, options.persistence),
                timeout=options.timeout, screen=menu.PICTURE if picture else "",
            ),
            steps=(
                *system.steps(place), *boot.records(place, menu.PICTURE_MODULES if picture else ()),
                burn(place, options.hostname, seal, contents, weight=1),
            ),
            proof=custom.proof(options),
            stages=system.stages(place), releases=system.needs_releases(place), packages=system.needed(place),
        )  # fmt: skip

    def layers(self, options: DebianLiveOptions, apt: str) -> tuple[Layer, ...]:
        """The base system, and what is chosen."""
        return self._system(options, apt).layers

    def check_packages(self, options: DebianLiveOptions, names: Collection[str]) -> None:
        """A wallpaper needs a desktop that shows it."""
        custom.check_packages(options, names)

    def sources(self, options: DebianLiveOptions, apt: str) -> str:
        """The host's own, or the release and mirror that were chosen; and the further repositories."""
        more = custom.sources(options)
        return "\n".join([self._debian(options, apt), *([more] if more else [])])

    def _debian(self, options: DebianLiveOptions, apt: str) -> str:
        return sources_for(apt, options.suite or release_of(apt), options.mirror)

    def _system(self, options: DebianLiveOptions, apt: str) -> System:
        return System(
            choices=options, suite=options.suite or release_of(apt), sources=self._debian(options, apt),
            packages=options.packages, recommends=options.recommends, compression=options.compression,
            architecture=options.architecture,
        )  # fmt: skip
