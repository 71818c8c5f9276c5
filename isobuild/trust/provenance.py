"""How an ISO came to be: an in-toto statement, https://in-toto.io/Statement/v1, whose predicate is SLSA's provenance,
https://slsa.dev/provenance/v1.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from isobuild.trust.packages import PURL, Fetched, Package, Resolved, public

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:isobuild:recipe:v1"  # docs/trust.md explains it


@dataclass(frozen=True, slots=True)
class Material:
    """A thing other than a package that went into an ISO."""

    name: str
    sha256: str
    uri: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What is told about the making of an ISO. `options` have no secret in them; times are aware."""

    recipe: str
    version: int
    """Of the recipe."""
    options: Mapping[str, Any]
    epoch: int
    """SOURCE_DATE_EPOCH."""
    installation: str
    """The UUID of the isobuild that made it."""
    isobuild: str
    """Its version."""
    build: int
    started: datetime
    layers: Mapping[str, Sequence[Resolved]] = field(default_factory=dict)
    """The packages that were resolved for each, in their order."""
    materials: Sequence[Material] = ()

    @property
    def packages(self) -> list[Resolved]:
        """Those of all layers."""
        return [package for layer in self.layers.values() for package in layer]

    @property
    def tool(self) -> str:
        """What made it, as SPDX names tools."""
        return f"isobuild-{self.isobuild}"


def write(making: Making, files: Mapping[str, str], packages: Sequence[Package], finished: datetime) -> bytes:
    """The statement. `files`: name -> SHA-256, the ISO first, then what was made about it; `packages`: in it."""
    (name, sha256), *others = files.items()
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": sha256}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": _definition(making, packages),
            "runDetails": _run(making, [_resource(*each) for each in others], finished),
        },
    }
    return json.dumps(statement, indent=1, ensure_ascii=False).encode() + b"\n"


def digest_in(statement: Any) -> str:
    """The SHA-256 of the ISO that a statement is about. Raises LookupError, TypeError for what is no such statement."""
    if statement["_type"] != STATEMENT or statement["predicateType"] != PREDICATE:
        raise LookupError("predicateType")
    (subject,) = statement["subject"]
    return str(subject["digest"]["sha256"])


def epoch_in(statement: Any) -> int:
    """The SOURCE_DATE_EPOCH of the build. Raises LookupError, TypeError, ValueError."""
    return int(statement["predicate"]["buildDefinition"]["internalParameters"]["sourceDateEpoch"])


def fetched(statement: Any) -> dict[str, tuple[Fetched, ...]]:
    """The packages that were resolved for the build, by their layer. Raises LookupError, TypeError, ValueError."""
    found: dict[str, tuple[Fetched, ...]] = {}
    for each in statement["predicate"]["buildDefinition"]["resolvedDependencies"]:
        if layer := each.get("annotations", {}).get("layer"):
            found[layer] = (*found.get(layer, ()), _fetched(each))
    return found


def _fetched(resource: Mapping[str, Any]) -> Fetched:
    name, _, rest = resource["uri"].removeprefix(PURL).partition("@")
    version, _, architecture = rest.partition("?arch=")
    return Fetched(
        name=unquote(name), version=unquote(version), architecture=unquote(architecture), file=resource["name"],
        uri=resource["downloadLocation"], size=int(resource["annotations"]["size"]),
        sha256=resource["digest"]["sha256"],
    )  # fmt: skip


def _definition(making: Making, packages: Sequence[Package]) -> dict[str, Any]:
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {"recipe": making.recipe, "options": making.options},
        "internalParameters": {"recipeVersion": making.version, "sourceDateEpoch": making.epoch},
        "resolvedDependencies": [
            *(_resolved(layer, each) for layer, listed in making.layers.items() for each in listed),
            *({"uri": each.purl} for each in packages if not each.sha256),
            *map(_material, making.materials),
        ],
    }


def _run(making: Making, byproducts: list[dict[str, Any]], finished: datetime) -> dict[str, Any]:
    builder = f"urn:uuid:{making.installation}"
    return {
        "builder": {"id": builder, "version": {"isobuild": making.isobuild}},
        "metadata": {
            "invocationId": f"{builder}#build-{making.build}",
            "startedOn": _time(making.started),
            "finishedOn": _time(finished),
        },
        "byproducts": byproducts,
    }


def _resolved(layer: str, package: Resolved) -> dict[str, Any]:
    return {
        **_resource(package.file, package.sha256),
        "uri": Package(package.name, package.version, package.architecture).purl,
        "downloadLocation": public(package.uri),
        "annotations": {"layer": layer, "size": package.size},
    }


def _material(material: Material) -> dict[str, Any]:
    return _resource(material.name, material.sha256) | ({"uri": material.uri} if material.uri else {})


def _resource(name: str, sha256: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256}}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
