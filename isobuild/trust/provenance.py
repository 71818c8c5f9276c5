"""How an ISO came to be: an in-toto statement, https://in-toto.io/Statement/v1, whose predicate is SLSA's provenance,
https://slsa.dev/provenance/v1.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from isobuild.trust.packages import PURL, Package, Resolved

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
    packages: Sequence[Resolved] = ()
    """What was resolved before the build."""
    materials: Sequence[Material] = ()

    @property
    def tool(self) -> str:
        """What made it, as SPDX names tools."""
        return f"isobuild-{self.isobuild}"


def write(making: Making, files: Mapping[str, str], packages: Sequence[Package], finished: datetime) -> bytes:
    """The statement. `files`: name -> SHA-256, the ISO first, then what was made about it."""
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


def fetched(statement: Any) -> list[Package]:
    """The packages that were resolved for the build, and came of archives. Raises LookupError, TypeError."""
    listed = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    return [_package(each["uri"]) for each in listed if each.get("uri", "").startswith(PURL) and "digest" in each]


def _package(purl: str) -> Package:
    """The package of an address that it has given itself."""
    name, _, rest = purl.removeprefix(PURL).partition("@")
    version, _, architecture = rest.partition("?arch=")
    return Package(unquote(name), unquote(version), unquote(architecture))


def _definition(making: Making, packages: Sequence[Package]) -> dict[str, Any]:
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {"recipe": making.recipe, "options": making.options},
        "internalParameters": {"recipeVersion": making.version, "sourceDateEpoch": making.epoch},
        "resolvedDependencies": [*map(_dependency, packages), *map(_material, making.materials)],
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


def _dependency(package: Package) -> dict[str, Any]:
    found = {"uri": package.purl, "digest": {"sha256": package.sha256}, "downloadLocation": package.uri}
    return {key: value for key, value in found.items() if value and value != {"sha256": ""}}


def _material(material: Material) -> dict[str, Any]:
    return _resource(material.name, material.sha256) | ({"uri": material.uri} if material.uri else {})


def _resource(name: str, sha256: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256}}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
