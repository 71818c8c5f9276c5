"""The provenance, held against the rules for fields of in-toto's Statement v1 and SLSA's provenance v1."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import pytest

from isobuild.trust import provenance
from isobuild.trust.packages import Fetched, Package, join
from isobuild.trust.provenance import Making, Material

STARTED = datetime(2026, 11, 21, 8, 43, tzinfo=timezone(timedelta(hours=2)))
BASH = Fetched("bash", "5", "amd64", "bash_5_amd64.deb", "http://ann:x@deb.example.org/b.deb", 7, "ab" * 32)
#: addresses are written so that all of a name and a version comes back
ODD = Fetched("libstdc++6", "2:1.0~rc1+b2", "amd64", "odd.deb", "http://deb.example.org/odd.deb", 9, "cd" * 32)
MAKING = Making(
    recipe="tea", version=3, options={"hostname": "lab", "password": "(secret)", "größe": None}, epoch=1795243387,
    installation="101ed027-74f3-4537-ad7d-4987dfd70615", isobuild="9.9.9", build=7, started=STARTED,
    layers={"base": [BASH], "packages": [ODD]},
    materials=(Material("recipe tea", "33" * 32), Material("task 3: base", "44" * 32)),
)  # fmt: skip
FILES = {"tea.iso": "11" * 32, "tea.spdx.json": "22" * 32}
PACKAGES = join([Package("bash", "5"), Package("nano", "7")], MAKING.packages)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def statement(**changes: Any) -> dict[str, Any]:
    written = provenance.write(MAKING, FILES, PACKAGES, datetime(2026, 11, 21, 6, 44, tzinfo=UTC))
    return json.loads(written) | changes  # type: ignore[no-any-return]


def check_resource(resource: dict[str, Any]) -> None:
    """ResourceDescriptor: one of uri, digest, content is there; no field that it has not."""
    known = {"name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations"}
    assert set(resource) <= known
    assert {"uri", "digest", "content"} & set(resource)
    if "uri" in resource:
        assert urlsplit(resource["uri"]).scheme
    for algorithm, value in resource.get("digest", {}).items():
        assert algorithm == "sha256"
        assert re.fullmatch(r"[0-9a-f]{64}", value)


def test_the_statement() -> None:
    told = statement()
    assert set(told) == {"_type", "subject", "predicateType", "predicate"}
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    assert told["predicateType"] == "https://slsa.dev/provenance/v1"
    assert told["subject"] == [{"name": "tea.iso", "digest": {"sha256": "11" * 32}}]


def test_the_build_definition() -> None:
    told = statement()["predicate"]
    assert set(told) == {"buildDefinition", "runDetails"}
    definition = told["buildDefinition"]
    known = {"buildType", "externalParameters", "internalParameters", "resolvedDependencies"}
    assert set(definition) <= known
    assert urlsplit(definition["buildType"]).scheme
    assert definition["externalParameters"] == {"recipe": "tea", "options": MAKING.options}
    assert definition["internalParameters"] == {"recipeVersion": 3, "sourceDateEpoch": 1795243387}
    for resource in definition["resolvedDependencies"]:
        check_resource(resource)
    assert [each.get("name", each.get("uri")) for each in definition["resolvedDependencies"]] == [
        "bash_5_amd64.deb", "odd.deb", "pkg:deb/debian/nano@7", "recipe tea", "task 3: base",
    ]  # fmt: skip


def test_the_run() -> None:
    run = statement()["predicate"]["runDetails"]
    assert set(run) <= {"builder", "metadata", "byproducts"}
    assert run["builder"] == {"id": f"urn:uuid:{MAKING.installation}", "version": {"isobuild": "9.9.9"}}
    assert set(run["metadata"]) == {"invocationId", "startedOn", "finishedOn"}
    assert TIMESTAMP.fullmatch(run["metadata"]["finishedOn"])
    assert run["metadata"]["startedOn"] == "2026-11-21T06:43:00Z"
    assert run["byproducts"] == [{"name": "tea.spdx.json", "digest": {"sha256": "22" * 32}}]


def test_it_says_of_which_iso_it_is() -> None:
    assert provenance.digest_in(statement()) == "11" * 32


@pytest.mark.parametrize(
    "told", [{}, None, statement(predicateType="https://slsa.dev/provenance/v0.2"), statement(subject=[{}])]
)
def test_what_is_no_such_statement(told: object) -> None:
    with pytest.raises((LookupError, TypeError)):
        provenance.digest_in(told)


def test_what_was_fetched_is_told_again() -> None:
    """Each of its layer, in their order; and no password."""
    told = statement()
    bash = replace(BASH, uri="http://deb.example.org/b.deb")
    assert provenance.fetched(told) == {"base": (bash,), "packages": (ODD,)}
    assert provenance.epoch_in(told) == MAKING.epoch
