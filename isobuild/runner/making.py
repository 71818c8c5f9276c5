"""What a runner knows about the making of an ISO, before its first step: told in the ISO's provenance."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from isobuild.domain.tables import Build, Task
from isobuild.errors import HostFault
from isobuild.image.leaves import UPLOAD
from isobuild.image.step import Place
from isobuild.image.upstream import sha256_of
from isobuild.recipes.base import Recipe, hidden
from isobuild.recipes.options import named_uploads
from isobuild.trust.provenance import Making, Material
from isobuild.version import VERSION


def making(
    build: Build, task: Task, recipe: Recipe, options: BaseModel, place: Place, installation: str, site: Path
) -> Making:
    """All but the files themselves. Raises HostFault if something that goes into the ISO can't be read."""
    return Making(
        recipe=task.recipe, version=recipe.version, options=hidden(recipe.Options, task.options), epoch=place.epoch,
        installation=installation, isobuild=VERSION, build=build.id, started=build.started_at or build.created_at,
        layers=place.snapshot.layers if place.snapshot else {},
        materials=(
            *_sources(recipe, options, site), *_isos(place.dependencies), *_uploads(recipe.Options, task.options),
        ),
    )  # fmt: skip


def _sources(recipe: Recipe, options: BaseModel, site: Path) -> Iterator[Material]:
    """The recipe's own files: its module, unless isobuild brings it, and its inputs."""
    kind = type(recipe)
    files = {} if kind.__module__.startswith("isobuild.") else {f"recipe {recipe.name}": Path(inspect.getfile(kind))}
    files |= recipe.inputs(options, site)
    for name, path in files.items():
        try:
            yield Material(name, sha256_of(path))
        except OSError as error:
            raise HostFault(what=f"{name} can't be read: {error}") from error


def _isos(dependencies: Sequence[Mapping[str, Any]]) -> Iterator[Material]:
    for each in dependencies:
        if each["sha256"]:
            yield Material(f"task {each['task']}: {each['name']}", each["sha256"])


def _uploads(model: type[BaseModel], options: Mapping[str, Any]) -> Iterator[Material]:
    for field, upload in named_uploads(model, options):
        yield Material(f"upload {field}", upload.removeprefix(UPLOAD))
