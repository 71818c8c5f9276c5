"""Before the first step: a build's workspace, with all that it is given, and the plan that goes with it."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, Self

from isobuild.config import Settings
from isobuild.domain.hosts import Host
from isobuild.domain.tables import Build, Task
from isobuild.errors import BadResult, HostFault
from isobuild.image import apt, archive, upstream
from isobuild.image.secrets import Veil, values
from isobuild.image.snapshot import Snapshot
from isobuild.image.step import Place, Plan, Step
from isobuild.image.upstream import Identity
from isobuild.recipes import Cookbook
from isobuild.recipes.base import Recipe
from isobuild.recipes.options import named_uploads
from isobuild.runner import dependencies, python
from isobuild.runner.log import Log
from isobuild.runner.making import making
from isobuild.runner.supply import Supply
from isobuild.runner.workspace import Workspace, Workspaces
from isobuild.store.cache import Cache
from isobuild.store.local import LocalStore
from isobuild.store.uploads import Uploads
from isobuild.trust.provenance import Making

LARGEST = 64 << 20  # bytes of dpkg's status; that of a large desktop has 5 MiB
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
#: what the tasks that it depends on have made: facts about each, and its files by kind (build, name)
Needs = Sequence[tuple[dict[str, Any], dict[str, tuple[int, str] | None]]]


@dataclass
class Prepared:
    """A build that can begin. While it is entered, no other build makes the same stages."""

    plan: Plan
    workspace: Workspace
    making: Making
    supply: Supply
    ask: Callable[[], tuple[Plan, Making]]

    def __enter__(self) -> Self:
        self.supply.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.supply.__exit__(kind, error, at)

    def take(self, step: Step) -> None:
        """Take what a step left for others. Raises HostFault if a file that it read is not what it was."""
        self._hold({path: _identity(path) for path in self.plan.reads})
        self.supply.take(self.plan, step)

    def go_on(self) -> Plan:
        """What comes next, now that all that the plan says is done. Raises BadInput, BuildFailed."""
        plan, making = self.ask()
        self._hold(plan.reads)
        self.plan, self.making = plan, making
        self.workspace.add(plan.files)
        return plan

    def _hold(self, reads: Mapping[PurePath, Identity | None]) -> None:
        """Hold the files that the steps read against what they were."""
        for path, was in self.plan.reads.items():
            if reads.get(path) != was:
                raise HostFault(what=f"{path.name} was changed by somebody while an ISO was made of it.")


@dataclass(frozen=True)
class Preparation:
    """What it takes to prepare builds. `wait` is called while another build makes what this one needs; it may raise."""

    settings: Settings
    host: Host
    workspaces: Workspaces
    store: LocalStore
    cookbook: Cookbook
    log: Log
    wait: Callable[[], object]
    reuses: bool = True
    locked: Snapshot | None = None  # the packages of an earlier build, which are taken again

    def prepare(self, build: Build, task: Task, token: str, needs: Needs) -> Prepared:
        """Raises BadInput, BuildFailed, NotFound."""
        recipe = self.cookbook.find(task.recipe)
        self.log.veil = Veil(values(recipe.Options, task.options))
        options = self.cookbook.parse(task.recipe, task.options)
        place = self._place(build, task, recipe, options, self._files(needs))
        supply = Supply(self._cache(), self.workspaces.begin(build.id), self.log, self.wait, self.reuses)

        def ask(place: Place) -> tuple[Plan, Making]:
            plan = supply.plan(lambda each: recipe.plan(options, each), place)
            return plan, making(build, task, recipe, options, place, self.host.instance, self.settings.home)

        def again() -> tuple[Plan, Making]:
            return ask(replace(place, snapshot=self._snapshot(recipe, options, place.apt, Path(place.inputs), inf)))

        try:
            plan, made = ask(place)
            environment = contract(build, task, token, place, self.settings.slots)
            workspace = self.workspaces.make(
                build.id, plan.files, environment, task.options, self._files(needs), self._uploads(recipe, task),
                self.log.veil,
            )  # fmt: skip
        except BaseException:
            supply.__exit__(None, None, None)
            raise
        return Prepared(plan, workspace, made, supply, again)

    def _place(self, build: Build, task: Task, recipe: Recipe, options: Any, needs: Sequence[dict[str, Any]]) -> Place:
        path, sources = self.workspaces.root / str(build.id), apt.read_host()
        snapshot = self._snapshot(recipe, options, sources, path / "in")
        return Place(
            inputs=path / "in", work=path / "work", out=path / "out", iso=task.iso, apt=sources,
            epoch=snapshot.epoch if snapshot and snapshot.epoch else int(task.created_at.timestamp()),
            site=self.settings.home, snapshot=snapshot,
            python=python.command(self.settings.home / "python", recipe, self.workspaces.door.user(build.slot)),
            dependencies=dependencies.told(needs, path / "in"),
        )  # fmt: skip

    def _snapshot(
        self, recipe: Recipe, options: Any, sources: str, inputs: Path, max_age: float = 3600.0
    ) -> Snapshot | None:
        layers = recipe.layers(options, sources)
        if not layers:
            return None
        installed = {layer.name: _read(inputs / layer.status) for layer in layers if layer.status}
        snapshot = archive.take(
            layers, self.settings.archives, datetime.now(UTC), max_age, installed=installed, locked=self.locked
        )
        if not snapshot.current:
            self.log.write("run", "The archives do not answer: what they said last is used.")
        return snapshot

    def _files(self, needs: Needs) -> list[dict[str, Any]]:
        """The needs with their files as they lie in the store. Raises NotFound."""
        return [
            {**each, **{kind: file and self.store.path(*file) for kind, file in files.items()}} for each, files in needs
        ]

    def _uploads(self, recipe: Recipe, task: Task) -> list[Path]:
        """What people brought for it. Raises HostFault if one is not here."""
        uploads = Uploads(self.settings.uploads, self.settings.upload_size)
        return [uploads.path(upload) for _, upload in named_uploads(recipe.Options, task.options)]

    def _cache(self) -> Cache:
        return Cache(self.settings.cache, self.settings.cache_size)


def _identity(path: PurePath) -> Identity | None:
    try:
        return upstream.identity(f"{path}")
    except OSError:
        return None


def _read(file: Path) -> str | None:
    """What a build has left for us to read. Raises BadResult if that is too much."""
    if not file.exists():
        return None
    if file.stat().st_size > LARGEST:
        raise BadResult(name=file.name, out=file.parent, why=f"it is larger than {LARGEST >> 20} MiB")
    return file.read_text(errors="replace")


def contract(build: Build, task: Task, token: str, place: Place, slots: int) -> dict[str, str]:
    """The environment that every script may rely on; docs/contract.md explains it."""
    return {
        "ISOBUILD_BUILD": str(build.id),
        "ISOBUILD_TASK": str(task.id),
        "ISOBUILD_NAME": task.name,
        "ISOBUILD_RECIPE": task.recipe,
        "ISOBUILD_ATTEMPT": str(build.attempt),
        "ISOBUILD_ISO": task.iso,
        "ISOBUILD_IN": str(place.inputs),
        "ISOBUILD_WORK": str(place.work),
        "ISOBUILD_OUT": str(place.out),
        "ISOBUILD_OPTIONS": str(Path(place.inputs) / "options.json"),
        "ISOBUILD_DEPENDENCIES": str(Path(place.inputs) / "dependencies.json"),
        "ISOBUILD_TOKEN": token,
        "ISOBUILD_SLOTS": str(max(1, slots)),
        "SOURCE_DATE_EPOCH": str(place.epoch),
        **{name: os.environ[name] for name in PROXIES if name in os.environ},
    }
