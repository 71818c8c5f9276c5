"""A recipe's answer: commands as values, and what they tell about progress. Nothing here runs anything."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any


@dataclass(frozen=True, slots=True)
class Mark:
    """What a line of output tells: a fixed fraction `at` (0..1), or else the percentage in the pattern's group."""

    pattern: str
    at: float | None = None

    def fraction(self, line: str) -> float | None:
        """The fraction (0..1) of the step that is done when this line appears; None if the line tells nothing."""
        if not (match := re.search(self.pattern, line)):
            return None
        return self.at if self.at is not None else clamp(float(match[1]) / 100)


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

    def command(self) -> tuple[str, ...]:
        """What is to be run: argv, with `env` in front where the step adds to the environment."""
        added = (f"{name}={value}" for name, value in self.env.items())
        return ("env", *added, *self.argv) if self.env else self.argv

    def fraction(self, line: str) -> float | None:
        """How much of this step (0..1) is done when it prints `line`; None if the line does not tell."""
        told = (mark.fraction(line) for mark in self.marks)
        return next((fraction for fraction in told if fraction is not None), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a build needs: small text files for its inputs folder (name -> text), and the steps, in order."""

    files: Mapping[str, str]
    steps: tuple[Step, ...]

    def percent(self, step_index: int, fraction: float) -> float:
        """How much of the whole (0..100) is done when this fraction (0..1) of that step is, by the steps' weights."""
        weights = [step.weight for step in self.steps]
        done = sum(weights[:step_index]) + weights[step_index] * clamp(fraction)
        return 100 * done / sum(weights)


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
    dependencies: tuple[Mapping[str, Any], ...] = ()
    """What the tasks that this one depends on have made, as in dependencies.json."""
    python: tuple[str, ...] = ("python3",)
    """What performs a recipe that is written in Python; the path of its recipe.json is added."""


def clamp(fraction: float) -> float:
    """The fraction, held within 0..1."""
    return min(1.0, max(0.0, fraction))
