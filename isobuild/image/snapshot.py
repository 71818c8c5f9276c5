"""What archives of packages offered at a moment, and which packages are taken of it: values, made by archive.py."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import PurePath
from typing import Any


@dataclass(frozen=True, slots=True)
class Layer:
    """Packages that are wanted on top of those of the layers before."""

    name: str
    packages: tuple[str, ...]
    """Names, or apt's patterns such as `?essential`."""
    sources: str
    """Where they come from, as deb822 text."""
    recommends: bool = False
    preferences: str = ""
    """What goes before what, and what never comes (apt_preferences(5))."""
    logins: str = ""
    """How to log in to the archives (apt_auth.conf(5)): a secret."""
    provided: tuple[str, ...] = ()
    """What counts as there, such as "kmod (= 99)"."""
    remove: tuple[str, ...] = ()
    """Names of those that are there and go."""
    status: str = ""
    """A file below the inputs: dpkg's status of what is there already, where that is known only during the build."""
    asked: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The option that asks for a package, where that is not named in one itself."""


@dataclass(frozen=True, slots=True)
class Package:
    """One package file."""

    name: str
    version: str
    architecture: str
    file: str
    """Its file name, as apt has it."""
    uri: str
    size: int
    """Bytes."""
    sha256: str
    """In hexadecimal."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was there, and what is taken."""

    epoch: int
    """The date of the release, in seconds since 1970 UTC: SOURCE_DATE_EPOCH of what is made of it."""
    releases: tuple[PurePath, ...]
    """The Release files of the first layer's sources, as apt keeps them."""
    layers: Mapping[str, tuple[Package, ...]] = field(default_factory=dict)
    """By the layer's name; what it adds, without what the layers before it have."""
    current: bool = True
    """Whether the archives answered; if not, this is their last word."""

    @property
    def packages(self) -> tuple[Package, ...]:
        """All of them."""
        return tuple(package for layer in self.layers.values() for package in layer)


def digest(*facts: Any) -> str:
    """SHA-256, in hexadecimal, of values that JSON can hold, and of packages."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), default=_plain)
    return sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    return asdict(value) if isinstance(value, Package) else f"{value}"
