"""What a build is given of what others made, and what is taken of it for others: stages, packages, Release files.

Before the steps, what the cache has is linked below `in`. After a step, what it left below `out` is read with care (it
is the build user's), kept in the cache under the hash of its content, and linked below `in` likewise.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from errno import EDQUOT, ENOSPC
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from isobuild.errors import BadResult, DamagedPackage, HostFault
from isobuild.image.step import Place, Plan, Stage, Step
from isobuild.runner import results
from isobuild.runner.log import Log
from isobuild.runner.workspace import PRIVATE, Workspace
from isobuild.store.cache import Cache, Made, link

FULL = {ENOSPC, EDQUOT}
SHARED = 0o444
MILLISECONDS = "milliseconds"  # the file in which a stage says how long it took


@dataclass
class Supply:
    """The supply of one build. While it is entered, no other build makes the stages that this one makes."""

    cache: Cache
    workspace: Workspace
    log: Log
    wait: Callable[[], object]  # called while another build makes a stage; may raise
    reuses: bool = True  # stages that others made
    reused: dict[str, float] = field(default_factory=dict)  # stages, and the seconds that this saved
    made: dict[str, float] = field(default_factory=dict)  # stages, and the seconds that they took
    given: int = 0  # packages that were there
    fetched: int = 0  # and those that were not
    size: int = 0  # bytes of all that the ISO is made of: packages, and another ISO
    _turns: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self._prune()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._turns.close()
        self._prune()

    @property
    def told(self) -> dict[str, Any] | None:
        """What came of it, as the build's row has it; None if the recipe has neither stages nor packages."""
        if not (self.reused or self.made or self.given or self.fetched):
            return None
        packages = {"cached": self.given, "fetched": self.fetched}
        return {
            "reused": self.reused,
            "made": self.made,
            "packages": packages,
            "size": self.size,
            "saved": round(sum(self.reused.values()), 1),
        }

    def plan(self, ask: Callable[[Place], Plan], place: Place) -> Plan:
        """The plan that knows what need not be made, and not be fetched, which is below `in` then."""
        plan = ask(place)
        self.size = sum(each.size for each in place.packages) + sum(size for _, size, _ in plan.reads.values())
        stages = plan.stages
        place = replace(place, made=frozenset(stage.name for stage in stages if self._is_given(stage)))
        plan = ask(place)
        place = replace(place, have=frozenset(self._give_packages(plan)))
        if plan.releases and place.snapshot:
            for each in place.snapshot.releases:
                link(Path(each), self.workspace.inputs / "releases" / each.name)
        return ask(place)

    def take(self, plan: Plan, step: Step) -> None:
        """Take what a step left. Raises DamagedPackage, BadResult, HostFault."""
        try:
            if step.leaves == "packages":
                self._take_packages(plan)
            elif step.leaves == "stages":
                for stage in self._left(plan):
                    self._take_stage(stage)
        except OSError as error:
            raise HostFault(what=f"What step {step.name} left can't be kept: {error}") from error

    # stages

    def _is_given(self, stage: Stage) -> bool:
        """Whether the cache has it; else it is this build's to make."""
        if stage.name in {*self.reused, *self.made}:
            return True
        if not (stage.kept and self.reuses):
            return False
        if not self._give_stage(stage):
            self._turns.enter_context(self.cache.turn(stage.key, self.wait))
            return self._give_stage(stage)  # somebody else may just have made it
        return True

    def _give_stage(self, stage: Stage) -> bool:
        made = self.cache.find(stage.key)
        folder = self._folder(stage)
        if made is None or not all(self.cache.give(sha256, folder / name) for name, sha256 in made.files.items()):
            shutil.rmtree(folder, ignore_errors=True)
            return False
        self.reused[stage.name] = made.seconds
        self.cache.use(stage.key)
        self.log.write("run", f"stage {stage.name}: made before, {made.seconds:g} s saved")
        return True

    def _left(self, plan: Plan) -> Iterator[Stage]:
        there = results.find(self.workspace.out / "stages", "")
        known = {*self.reused, *self.made}
        return (stage for stage in plan.stages if stage.name in there and stage.name not in known)

    def _take_stage(self, stage: Stage) -> None:
        left, folder = self.workspace.out / "stages" / stage.name, self._folder(stage)
        names = [name for name in results.find(left, "") if name != MILLISECONDS]
        seconds = self._seconds(left)
        files = {name: self._take_file(left, name, folder / name, stage.kept) for name in names}
        self.made[stage.name] = seconds
        self.log.write("run", f"stage {stage.name}: made in {seconds:g} s")
        if stage.kept:
            self.cache.keep(stage.key, Made(stage.name, seconds, files))

    def _take_file(self, folder: Path, name: str, target: Path, kept: bool) -> str:
        with results.open_plain(folder, name) as file:
            found = self._keep(file) if kept else None
            if not (found and self.cache.give(found, target)):  # not to be kept, or another build has just pruned it
                _copy(file, target, SHARED if kept else PRIVATE)
        return found or ""

    def _keep(self, file: BinaryIO) -> str | None:
        """Its hash in the cache, which makes room for it on a full disk."""
        try:
            return self.cache.take(file)
        except OSError as error:
            if error.errno not in FULL:
                raise
            self.cache.prune(0)
            file.seek(0)
            return self.cache.take(file)

    def _prune(self) -> None:
        with suppress(OSError):
            self.cache.prune()

    def _seconds(self, folder: Path) -> float:
        with results.open_plain(folder, MILLISECONDS) as file:
            said = file.read(20).strip()
        if not said.isdigit():
            raise BadResult(name=MILLISECONDS, out=folder, why="it is not a number")
        return round(int(said) / 1000, 1)

    def _folder(self, stage: Stage) -> Path:
        return self.workspace.inputs / "stages" / stage.name

    # packages

    def _give_packages(self, plan: Plan) -> Iterator[str]:
        for package in plan.packages:
            file = self.workspace.inputs / "packages" / package.file
            before = file.exists()
            if self.cache.give(package.sha256, file):
                self.given += not before
                yield package.sha256

    def _take_packages(self, plan: Plan) -> None:
        left, folder = self.workspace.out / "packages", self.workspace.inputs / "packages"
        missing = {each.file: each for each in plan.packages if not (folder / each.file).exists()}
        for name in set(results.find(left, ".deb")) & set(missing):
            with results.open_plain(left, name) as file:
                found = self.cache.take(file, missing[name].sha256)
                if not found:
                    raise DamagedPackage(file=name)
                if not self.cache.give(found, folder / name):
                    _copy(file, folder / name, SHARED)
            self.fetched += 1
        shutil.rmtree(left, ignore_errors=True)  # as far as that may be: the workspace goes anyway


def _copy(file: BinaryIO, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    file.seek(0)
    target.unlink(missing_ok=True)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as copy:  # noqa: PTH123
        os.fchmod(copy.fileno(), mode)
        shutil.copyfileobj(file, copy, 1 << 20)
