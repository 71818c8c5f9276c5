"""A live Debian system, as layers: each is a squashfs, and a stage that other builds can use.

    kernel, base    mmdebstrap's smallest system with a kernel and live-boot; the modules apart
    packages        what the chosen packages change in that
    custom          what all other choices change

live-boot stacks them in the order of their names. `make.sh` makes them, in a room of its own (room.py).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import PurePath

from isobuild.image import custom, fetch
from isobuild.image.apt import ARCHITECTURE, Architecture
from isobuild.image.archive import ESSENTIAL
from isobuild.image.custom import Customisation
from isobuild.image.room import enter
from isobuild.image.snapshot import Layer, Package, Snapshot, digest
from isobuild.image.squash import OPTIONS, Compression
from isobuild.image.step import Place, Stage, Step

BASE = (
    f"linux-image-{ARCHITECTURE} live-boot live-config live-config-systemd systemd-sysv user-setup sudo dbus "
    "systemd-resolved tzdata keyboard-configuration console-setup zstd"
)
FILES = {"base": ("10-kernel", "20-base"), "packages": ("30-packages",), "custom": ("40-custom",)}
INITRD_LEVEL: dict[Compression, int] = {"fast": 1, "balanced": 9, "small": 19}
#: seconds on an ordinary machine, to show progress by
SECONDS = {"base": 20.0, "packages": 5.0, "custom": 1.0}
#: /usr is merged before anything is unpacked: what would do it afterwards brings all of Perl
MERGED = "Package: usrmerge\nPin: release *\nPin-Priority: -1\n"
#: where such are among the packages, the kernel's modules are there when they are installed
MODULES = re.compile(rf"^linux-(image|headers|modules)-|\bdkms\b|-modules-.*-{ARCHITECTURE}$")
PROGRAMS = {"make": "make.sh", "room": "room.sh", "give": "give.sh", "layer": "layer.py"}


@dataclass(frozen=True)
class System:
    """A system that was ordered: of this release, from these sources (deb822 text), with these choices."""

    choices: Customisation
    suite: str
    sources: str
    packages: tuple[str, ...]
    recommends: bool
    compression: Compression
    architecture: Architecture = ARCHITECTURE

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """What is needed of the archives. The base is Debian's alone, and so the same for many."""
        secure = ("ca-certificates",) if "https:" in self.sources else ()
        chosen = dict.fromkeys([*custom.packages(self.choices), *self.packages])
        added = tuple(name for name in chosen if name not in BASE.split())
        more = custom.sources(self.choices)
        return (
            Layer("base", (*ESSENTIAL, *BASE.split(), *secure), self.sources, preferences=MERGED),
            Layer(
                "packages", added, f"{self.sources}\n{more}" if more else self.sources, self.recommends,
                custom.preferences(self.choices), custom.logins(self.choices), asked=custom.asked(self.choices),
            ),
        )  # fmt: skip

    def files(self, place: Place) -> dict[str, str]:
        """Texts for the inputs folder."""
        found = self._snapshot(place)
        chosen = found.layers.get("packages", ())
        asked = set(self.layers[1].packages)
        return {
            **self._programs,
            **self._custom,
            **fetch.files(place, self.needed(place), custom.logins(self.choices)),
            "debian.sources": self.sources,
            "dpkg.cfg": "".join(f"{option}\n" for option in custom.dpkg_options(self.choices)),
            "base.list": "".join(f"{each.file} {each.size} {each.sha256}\n" for each in found.layers.get("base", ())),
            "packages.list": "".join(f"{each.file}\n" for each in chosen),
            "automatic.list": "".join(f"{each.name}\n" for each in chosen if each.name not in asked),
        }

    def stages(self, place: Place) -> tuple[Stage, ...]:
        """What can be shared, each made of those before it."""
        return tuple(self._stages(self._snapshot(place)))

    def needed(self, place: Place) -> tuple[Package, ...]:
        """The packages that are to be installed."""
        found = self._snapshot(place)
        return tuple(package for stage in self._missing(place) for package in found.layers.get(stage.name, ()))

    def needs_releases(self, place: Place) -> bool:
        """Whether the archives' Release files are needed: mmdebstrap does."""
        return "base" not in place.made

    def steps(self, place: Place) -> tuple[Step, ...]:
        """The steps that make what is missing, and leave the manifest."""
        missing = self._missing(place)
        argv = enter("sh", f"{place.inputs / 'make'}", f"{place.inputs}", f"{place.work}", f"{place.out}")
        weight = sum(SECONDS[stage.name] for stage in missing)
        return (
            *fetch.fetch(place, self.needed(place), bool(custom.logins(self.choices))),
            *((Step("system", argv, weight, env=self._environment(place), leaves="stages"),) if missing else ()),
            Step(
                "manifest", ("cp", f"{stage_folder(place, 'custom') / 'manifest'}", f"{place.out / 'manifest'}"), 0.01
            ),
        )

    def contents(self, place: Place) -> dict[str, PurePath]:
        """Where an ISO is to have it: path in the ISO -> file."""
        names = [stage.name for stage in self.stages(place)]
        kernel = stage_folder(place, "packages" if "packages" in names else "base")
        layers = {file: stage_folder(place, name) / f"{file}.squashfs" for name in names for file in FILES[name]}
        return {
            **{f"/live/{file}.squashfs": path for file, path in layers.items()},
            "/live/vmlinuz": kernel / "vmlinuz",
            "/live/initrd.img": kernel / "initrd.img",
            "/live/filesystem.packages": stage_folder(place, "custom") / "manifest",
        }

    def _snapshot(self, place: Place) -> Snapshot:
        return place.snapshot or Snapshot(place.epoch, ())

    def _missing(self, place: Place) -> list[Stage]:
        return [stage for stage in self.stages(place) if stage.name not in place.made]

    def _stages(self, snapshot: Snapshot) -> Iterator[Stage]:
        _, packages = self.layers
        stripped = custom.dpkg_options(self.choices)
        key = digest(
            self._programs, self.sources, stripped, snapshot.epoch, self.compression, snapshot.layers.get("base")
        )
        yield Stage("base", key)
        if packages.packages:
            key = digest(key, packages.packages, snapshot.layers.get("packages"))
            yield Stage("packages", key)
        secret = custom.has_secret(self.choices)
        yield Stage(
            "custom", "" if secret else digest(key, self._custom, custom.uploads(self.choices)), kept=not secret
        )

    @cached_property
    def _programs(self) -> dict[str, str]:
        here = resources.files(__package__)
        return {name: here.joinpath(file).read_text() for name, file in PROGRAMS.items()}

    @cached_property
    def _custom(self) -> dict[str, str]:
        return custom.files(self.choices)

    def _environment(self, place: Place) -> Mapping[str, str]:
        found = self._snapshot(place)
        chosen = found.layers.get("packages", ())
        kernel = any(MODULES.search(each.name) for each in chosen)
        return {
            "MAKE": " ".join(stage.name for stage in self._missing(place)),
            "SUITE": self.suite,
            "ARCHITECTURE": self.architecture,
            "BASE": ",".join(name for name in self.layers[0].packages if not name.startswith("?")),
            "KERNEL": "yes" if kernel else "",
            "COMPRESSION": " ".join(OPTIONS[self.compression]),
            "INITRD_LEVEL": f"{INITRD_LEVEL[self.compression]}",
            "NEED": f"{room(found.packages)}",
            "SOURCE_DATE_EPOCH": f"{place.epoch}",
        }


def stage_folder(place: Place, name: str) -> PurePath:
    """Where a stage is once it is made."""
    return place.inputs / "stages" / name


def room(packages: Sequence[Package]) -> int:
    """The MiB that a system of these packages takes while it is made: unpacked they are four to five times as large."""
    return 300 + 6 * sum(each.size for each in packages) // (1 << 20)
