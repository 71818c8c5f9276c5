"""Debian, live: it runs from the medium, with the packages that were chosen."""

from typing import Annotated, ClassVar

from pydantic import Field

from isobuild.image import boot, custom
from isobuild.image.apt import release_of, sources_for
from isobuild.image.burn import burn
from isobuild.image.custom import Customisation, menu
from isobuild.image.fields import CommaList, Mirror, Package, Suite, Unset
from isobuild.image.live import System
from isobuild.image.snapshot import Layer
from isobuild.image.squash import Compression
from isobuild.image.step import Place, Plan
from isobuild.recipes.base import Options, Recipe


class DebianLiveOptions(Customisation, Options):
    """What may be chosen about a live system."""

    suite: Annotated[Suite | None, Unset] = Field(None, description="the release of Debian; by default this server's")
    mirror: Annotated[Mirror | None, Unset] = Field(None, description="the Debian mirror; by default this server's")
    packages: Annotated[tuple[Package, ...], CommaList] = Field(
        (), max_length=500, description="Debian packages to add, such as htop, nginx"
    )
    recommends: bool = Field(False, description="also add what the packages recommend")
    compression: Compression = Field("balanced", description="fast to make, small to load, or balanced between the two")


class DebianLive(Recipe):
    """A system in layers (image/live), and boot records by GRUB, burnt by xorriso."""

    name: ClassVar[str] = "debian-live"
    title: ClassVar[str] = "Debian live: runs from the medium, with the packages you choose"
    version: ClassVar[int] = 2
    Options: ClassVar[type[Options]] = DebianLiveOptions

    def plan(self, options: DebianLiveOptions, place: Place) -> Plan:
        """Fetch, make the layers that there are not, boot records, burn."""
        system = self._system(options, place.apt)
        seal = boot.seal(self.name, self.version, place.epoch, place.packages, options.model_dump_json())
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
            stages=system.stages(place), lists=system.needs_lists(place), packages=system.needed(place),
        )  # fmt: skip

    def layers(self, options: DebianLiveOptions, apt: str) -> tuple[Layer, ...]:
        """The base system, and what is chosen."""
        return self._system(options, apt).layers

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
        )  # fmt: skip
