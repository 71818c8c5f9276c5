"""Debian, live: it runs from the medium, with the packages that were chosen."""

from importlib import resources
from typing import Annotated, ClassVar

from pydantic import Field

from isobuild.image import boot
from isobuild.image.apt import release_of, sources_for
from isobuild.image.bootstrap import bootstrap, download, inside, tree, upload
from isobuild.image.burn import burn
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
)
from isobuild.image.squash import Compression, squash
from isobuild.image.step import Place, Plan
from isobuild.recipes.base import Options, Recipe

BASE = (
    "linux-image-amd64 live-boot live-config live-config-systemd systemd-sysv user-setup sudo dbus "
    "systemd-resolved tzdata keyboard-configuration console-setup zstd"
)
INITRD_LEVEL: dict[Compression, int] = {"fast": 1, "balanced": 9, "small": 19}
INSIDE = "/isobuild"


class DebianLiveOptions(Options):
    """What may be chosen about a live system."""

    suite: Annotated[Suite | None, Unset] = Field(None, description="the release of Debian; by default this server's")
    mirror: Annotated[Mirror | None, Unset] = Field(None, description="the Debian mirror; by default this server's")
    packages: Annotated[tuple[Package, ...], CommaList] = Field(
        (), max_length=500, description="Debian packages to add, such as htop, nginx"
    )
    recommends: bool = Field(False, description="also add what the packages recommend; desktops mostly want it")
    hostname: Hostname = Field("debian", description="the name the machine gives itself, as in its login prompt")
    username: Username = Field(
        "live", description="the person's account; its password is 'live', and sudo asks for none"
    )
    locale: Locale = Field("C.UTF-8", description="language and country, such as id_ID.UTF-8")
    timezone: Timezone = Field("Etc/UTC", description="time zone, such as Asia/Jakarta")
    keyboard: Keyboard = Field("us", description="keyboard layout, such as us or de")
    compression: Compression = Field("balanced", description="fast to make, small to load, or balanced between the two")
    title: Line = Field("Debian Live", description="the line of the boot menu")


class DebianLive(Recipe):
    """mmdebstrap makes the system, mksquashfs packs it, GRUB and xorriso make it boot."""

    name: ClassVar[str] = "debian-live"
    title: ClassVar[str] = "Debian live: runs from the medium, with the packages you choose"
    version: ClassVar[int] = 1
    Options: ClassVar[type[Options]] = DebianLiveOptions

    def plan(self, options: DebianLiveOptions, place: Place) -> Plan:
        """Bootstrap, squash, boot records, burn."""
        suite = options.suite or release_of(place.apt)
        sources = self.sources(options, place.apt)
        seal = boot.seal(self.name, self.version, place.iso, place.epoch, options.model_dump_json())
        files = {
            "debian.sources": sources,
            "setup": resources.files(__package__).joinpath("debian_live.sh").read_text(),
            **boot.files(seal, boot.Entry(options.title, "boot=live quiet")),
        }
        contents = {
            **boot.contents(place, seal),
            "/live/vmlinuz": place.work / "vmlinuz",
            "/live/initrd.img": place.work / "initrd.img",
            "/live/filesystem.squashfs": place.work / "filesystem.squashfs",
        }
        weight = 40 + 0.5 * len(options.packages)
        steps = (
            bootstrap(place, suite, _packages(options, sources), _hooks(options, place), options.recommends, weight),
            squash(place, tree(place), place.work / "filesystem.squashfs", options.compression),
            *boot.records(place),
            burn(place, options.hostname, seal, contents, weight=1),
        )
        return Plan(files, steps)

    def sources(self, options: DebianLiveOptions, apt: str) -> str:
        """The host's own, or the release and mirror that were chosen."""
        return sources_for(apt, options.suite or release_of(apt), options.mirror)


def _packages(options: DebianLiveOptions, sources: str) -> tuple[str, ...]:
    secure = ("ca-certificates",) if "https:" in sources else ()
    speaking = ("locales",) if options.locale != "C.UTF-8" else ()
    return tuple(dict.fromkeys([*BASE.split(), *secure, *speaking, *options.packages]))


def _hooks(options: DebianLiveOptions, place: Place) -> tuple[str, ...]:
    settings = {
        "NAME": options.hostname,
        "ACCOUNT": options.username,
        "LOCALE": options.locale,
        "TIMEZONE": options.timezone,
        "KEYBOARD": options.keyboard,
        "INITRD_LEVEL": INITRD_LEVEL[options.compression],
    }
    return (
        inside("mkdir", INSIDE),
        upload(place.inputs / "setup", f"{INSIDE}/setup"),
        inside("env", *(f"{name}={value}" for name, value in settings.items()), "sh", f"{INSIDE}/setup"),
        download(f"{INSIDE}/vmlinuz", place.work / "vmlinuz"),
        download(f"{INSIDE}/initrd.img", place.work / "initrd.img"),
        download(f"{INSIDE}/manifest", place.out / "manifest"),
        inside("rm", "-r", INSIDE),
    )
