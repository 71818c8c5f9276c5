"""A recipe's answer: commands as values, and what they tell about progress. Nothing here runs anything."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from isobuild.image.snapshot import Package, Snapshot

LOGIN = r"login: *$"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a line of output tells: a fixed fraction `at` (0..1), or else the number in the pattern's group, of `of`."""

    pattern: str
    at: float | None = None
    of: float = 100.0

    def fraction(self, line: str) -> float | None:
        """The fraction (0..1) of the step that is done when this line appears; None if the line tells nothing."""
        if not (match := re.search(self.pattern, line)):
            return None
        return self.at if self.at is not None else clamp(float(match[1]) / self.of)


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a recipe, as a value."""

    name: str
    """What people see, such as "bootstrap"."""
    argv: tuple[str, ...]
    """The program and its arguments; never a shell string."""
    weight: float = 1.0
    """Its share of the whole, in seconds on an ordinary machine."""
    stdin: PurePath | None = None
    """A file that is fed to it; None: an empty input."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the build's environment. To take a variable away: `env -u NAME` in front of argv."""
    marks: tuple[Mark, ...] = ()
    """How its lines of output tell its progress; the first that matches counts."""
    leaves: str = ""
    """A folder below `out` whose files the runner takes: `packages`, or `stages`. They are below `in` afterwards."""

    def command(self) -> tuple[str, ...]:
        """What is to be run: argv, with `env` in front where the step adds to the environment."""
        added = (f"{name}={value}" for name, value in self.env.items())
        return ("env", *added, *self.argv) if self.env else self.argv

    def fraction(self, line: str) -> float | None:
        """How much of this step (0..1) is done when it prints `line`; None if the line does not tell."""
        told = (mark.fraction(line) for mark in self.marks)
        return next((fraction for fraction in told if fraction is not None), None)


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of an image that other builds can use: steps leave its files in `out/stages/NAME`.

    Where there is one with the same key it is not made again. Then, or once it is made, it is in `in/stages/NAME`.
    """

    name: str
    key: str
    """A digest of all that it is made of."""
    kept: bool = True
    """Whether others may have it; not if there is a secret in it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that the ISO boots: a machine that starts from it says so on its serial console, in time."""

    until: str = LOGIN
    """A regular expression; `^` and `$` are the ends of a line."""
    seconds: float = 400.0
    """How long each firmware may take, four to five times what it takes without KVM."""
    memory: int = 1024
    """The machine's, in MiB."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a build needs: small text files for its inputs folder (name -> text), and the steps, in order."""

    files: Mapping[str, str]
    steps: tuple[Step, ...]
    proof: Proof | None = None
    """How the ISO is proved to boot; None: nothing is known of it."""
    stages: tuple[Stage, ...] = ()
    """In their order: each may be made of those before it."""
    releases: bool = False
    """Whether the steps need the Release files of the snapshot, in `in/releases`."""
    packages: tuple[Package, ...] = ()
    """Those that the steps need in `in/packages`; what is not there before them a step leaves."""
    reads: Mapping[PurePath, tuple[int, int, int]] = field(default_factory=dict)
    """Files that the steps read where they lie, each as `upstream.identity` saw it: it must stay so."""
    more: float = 0.0
    """Seconds of further steps: once these are done, the recipe is asked again, with what they left in `in/stages`."""

    def percent(self, step_index: int, fraction: float) -> float:
        """How much of the whole (0..100) is done when this fraction (0..1) of that step is, by the steps' weights."""
        weights = [step.weight for step in self.steps]
        done = sum(weights[:step_index]) + weights[step_index] * clamp(fraction)
        return 100 * done / (sum(weights) + self.more)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a build happens."""

    inputs: PurePath
    """The plan's files and options.json; the build may only read them."""
    work: PurePath
    """Scratch; the build user's own. TMPDIR is below it."""
    out: PurePath
    """Where exactly one *.iso is to be left."""
    iso: str
    """The ISO's file name."""
    apt: str
    """The host's own Debian sources, as deb822 text (see `apt.read_host`)."""
    epoch: int
    """SOURCE_DATE_EPOCH of this build, in seconds since 1970 UTC."""
    site: PurePath | None = None
    """The site's folder, with scripts/ and recipes/; None if it has none."""
    snapshot: Snapshot | None = None
    """The packages that the recipe's layers come to; None if it has none."""
    made: frozenset[str] = frozenset()
    """The names of the stages that need not be made."""
    have: frozenset[str] = frozenset()
    """The SHA-256 of those packages of the plan that need not be fetched."""
    dependencies: tuple[Mapping[str, Any], ...] = ()
    """What the tasks that this one depends on have made, as in dependencies.json."""
    python: tuple[str, ...] = ("python3",)
    """What performs a recipe that is written in Python; the path of its recipe.json is added."""

    @property
    def packages(self) -> tuple[Package, ...]:
        """All packages that the recipe's layers come to."""
        return self.snapshot.packages if self.snapshot else ()


def clamp(fraction: float) -> float:
    """The fraction, held within 0..1."""
    return min(1.0, max(0.0, fraction))
