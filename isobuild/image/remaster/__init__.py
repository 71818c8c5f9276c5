"""An ISO that exists, changed: its live system gets layers on top, and it is burnt again with its own boot records.

    medium      what is in it: look.py looks, and fit.py whether the order goes with that
    packages    what the packages that come and go change in its system
    custom      what all other choices change

The first is a stage of the first plan; the others know what is in the ISO, and come with a second one. remaster.sh
makes them, menus.py changes the boot menus, compose.py tells what is new on the ISO. All of these stand alone: a build
user runs them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import PurePath

from isobuild.image import custom, fetch
from isobuild.image.apt import RELEASES
from isobuild.image.burn import PROGRESS
from isobuild.image.custom import Customisation
from isobuild.image.live import INITRD_LEVEL, room, stage_folder
from isobuild.image.room import enter
from isobuild.image.snapshot import Layer, Package, digest
from isobuild.image.squash import OPTIONS, Compression
from isobuild.image.step import Place, Stage, Step

STATUS = "stages/medium/status"
LOOK = {"look": "look.py", "fit": "fit.py"}
CHANGE = {"remaster": "remaster.sh", "menus": "menus.py", "compose": "compose.py"}
SHARED = {"room": "room.sh", "layer": "layer.py"}
PYTHON = ("/usr/bin/python3", "-I")
#: seconds on an ordinary machine, to show progress by
SECONDS = {"medium": 1.0, "packages": 8.0, "custom": 4.0}
MORE = 15.0


@dataclass(frozen=True)
class Change:
    """How an ISO is to be changed; `sources` (deb822 text) are Debian's, of that suite."""

    choices: Customisation
    suite: str
    sources: str
    packages: tuple[str, ...]
    remove: tuple[str, ...]
    recommends: bool
    compression: Compression

    @cached_property
    def layer(self) -> Layer:
        """What is needed of the archives."""
        chosen = dict.fromkeys([*custom.packages(self.choices), *self.packages])
        more = custom.sources(self.choices)
        return Layer(
            "packages", tuple(chosen), f"{self.sources}\n{more}" if more else self.sources, self.recommends,
            custom.preferences(self.choices), custom.logins(self.choices), asked=custom.asked(self.choices),
            remove=self.remove, status=STATUS,
        )  # fmt: skip

    @property
    def fits(self) -> dict[str, object]:
        """What fit.py holds against what is in the ISO."""
        return {"suite": self.suite, "releases": RELEASES, "remove": self.remove}


@dataclass(frozen=True)
class Remastered:
    """A change of one ISO: of this file, with this SHA-256."""

    change: Change
    iso: PurePath
    sha256: str
    place: Place

    @property
    def is_known(self) -> bool:
        """Whether what is in the ISO is known, and so which packages are needed."""
        return self._found is not None

    def files(self) -> dict[str, str]:
        """Texts for the inputs folder. Those with a secret are there from the first plan on."""
        choices, found = self.change.choices, self._found or ()
        return {
            **self._programs,
            **custom.files(choices),
            **fetch.files(self.place, self.needed, custom.logins(choices)),
            "fit.json": _json(self.change.fits),
            "menu.json": _json(self._menu),
            "dpkg.cfg": "".join(f"{option}\n" for option in custom.dpkg_options(choices)),
            "packages.list": "".join(f"{each.file}\n" for each in found),
            "automatic.list": "".join(
                f"{each.name}\n" for each in found if each.name not in self.change.layer.packages
            ),
        }

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """What can be shared, as far as it is known."""
        return tuple(self._stages())

    @cached_property
    def needed(self) -> tuple[Package, ...]:
        """The packages that are to be installed."""
        missing = any(stage.name == "packages" for stage in self._missing)
        return self._found or () if missing else ()

    def steps(self) -> tuple[Step, ...]:
        """The steps that make what is missing."""
        return tuple(self._changing() if self.is_known else self._looking())

    def _looking(self) -> Iterator[Step]:
        place = self.place
        if "medium" not in place.made:
            argv = (*PYTHON, f"{place.inputs / 'look'}", f"{self.iso}", f"{place.out}")
            yield Step("medium", argv, SECONDS["medium"], leaves="stages")
        yield Step("medium", (*PYTHON, f"{place.inputs / 'fit'}", f"{place.inputs}"), 0.1)

    def _changing(self) -> Iterator[Step]:
        place = self.place
        yield from fetch.fetch(place, self.needed, bool(custom.logins(self.change.choices)))
        if self._missing:
            folders = (f"{place.inputs}", f"{place.work}", f"{place.out}", f"{self.iso}")
            argv = enter("sh", f"{place.inputs / 'remaster'}", *folders)
            weight = sum(SECONDS[stage.name] for stage in self._missing)
            yield Step("system", argv, weight, env=self._environment, leaves="stages")
        yield Step(
            "manifest", ("cp", f"{stage_folder(place, 'custom') / 'manifest'}", f"{place.out / 'manifest'}"), 0.01
        )
        for name in ("menus", "compose"):
            yield Step(name, (*PYTHON, f"{place.inputs / name}", f"{place.inputs}", f"{place.work}"), 0.2)
        yield self._burn()

    def _burn(self) -> Step:
        """All that there was, and what is new; the boot records as they were."""
        argv = (
            *("xorriso", "-indev", f"stdio:{self.iso}", "-outdev", f"stdio:{self.place.out / self.place.iso}"),
            *("-overwrite", "on", "-boot_image", "any", "replay", "-options_from_file", f"{self.place.work / 'burn'}"),
            *("-volume_date", "all_file_dates", f"={self.place.epoch}", "-commit"),
        )
        return Step("burn", argv, 2, env={"SOURCE_DATE_EPOCH": f"{self.place.epoch}"}, marks=(PROGRESS,))

    def _stages(self) -> Iterator[Stage]:
        change = self.change
        key = digest(self._programs["look"], self.sha256)
        yield Stage("medium", key)
        if self._found is None:
            return
        key = digest(
            key, self._programs, custom.dpkg_options(change.choices), self.place.epoch, change.compression
        )  # fmt: skip
        if self._found or change.remove:
            key = digest(key, change.layer.packages, change.remove, self._found)
            yield Stage("packages", key)
        secret = custom.has_secret(change.choices)
        facts = (custom.files(change.choices), custom.uploads(change.choices))
        yield Stage("custom", "" if secret else digest(key, *facts), kept=not secret)

    @property
    def _found(self) -> tuple[Package, ...] | None:
        return self.place.snapshot.layers.get("packages") if self.place.snapshot else None

    @property
    def _missing(self) -> list[Stage]:
        return [stage for stage in self.stages if stage.name not in {"medium", *self.place.made}]

    @property
    def _menu(self) -> dict[str, object]:
        choices = self.change.choices
        return {
            "title": choices.title,
            "timeout": choices.timeout,
            "arguments": [*choices.kernel_arguments, *(["persistence"] if choices.persistence else [])],
            "background": (choices.background or "").removeprefix("upload:"),
        }

    @cached_property
    def _programs(self) -> dict[str, str]:
        here, live = resources.files(__package__), resources.files("isobuild.image.live")
        own = {name: here.joinpath(file).read_text() for name, file in (LOOK | CHANGE).items()}
        return own | {name: live.joinpath(file).read_text() for name, file in SHARED.items()}

    @property
    def _environment(self) -> dict[str, str]:
        change = self.change
        return {
            "MAKE": " ".join(stage.name for stage in self._missing),
            "REMOVE": " ".join(f"{name}-" for name in change.remove),
            "COMPRESSION": " ".join(OPTIONS[change.compression]),
            "INITRD_LEVEL": f"{INITRD_LEVEL[change.compression]}",
            "NEED": f"{room(self._found or ())}",
            "SOURCE_DATE_EPOCH": f"{self.place.epoch}",
        }


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
