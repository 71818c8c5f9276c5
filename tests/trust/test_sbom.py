"""The bill of materials, held against SPDX's own validator."""

import json
from pathlib import Path

import pytest
from spdx_tools.spdx.model.package import ExternalPackageRefCategory
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from isobuild.trust import sbom
from isobuild.trust.packages import Package

SHA256 = "5a" * 32
PACKAGES = (
    Package("bash", "5.2.15-2+b7", "amd64", "ab" * 32, "http://deb.example.org/pool/b/bash_5.2.15-2+b7_amd64.deb"),
    Package("libstdc++6", "1:12.2.0~rc1-14+deb12u1"),
)


def written(label: str = "TEA", packages: tuple[Package, ...] = PACKAGES) -> bytes:
    return sbom.write(SHA256, label, packages, 1795243387, "isobuild-9.9.9")


@pytest.mark.parametrize("label", ["TEA", ""])
@pytest.mark.parametrize("packages", [PACKAGES, ()])
def test_the_official_validator_finds_no_fault(tmp_path: Path, label: str, packages: tuple[Package, ...]) -> None:
    (tmp_path / "tea.spdx.json").write_bytes(written(label, packages))
    document = parse_file(f"{tmp_path}/tea.spdx.json")
    assert validate_full_spdx_document(document, "SPDX-2.3") == []
    assert len(document.packages) == len(packages) + 1
    purls = [each.locator for package in document.packages for each in package.external_references]
    assert purls == [package.purl for package in packages]
    kinds = {each.category for package in document.packages for each in package.external_references}
    assert kinds <= {ExternalPackageRefCategory.PACKAGE_MANAGER}


def test_the_validator_would_find_one(tmp_path: Path) -> None:
    broken = json.loads(written())
    broken["packages"][1]["checksums"][0]["checksumValue"] = "short"
    broken["documentNamespace"] = "no address"
    (tmp_path / "tea.spdx.json").write_text(json.dumps(broken))
    assert len(validate_full_spdx_document(parse_file(f"{tmp_path}/tea.spdx.json"), "SPDX-2.3")) >= 2


def test_the_same_iso_gives_the_same_bytes() -> None:
    assert written() == written()
    assert b"2026-11-21T06:43:07Z" in written()


def test_it_says_of_which_iso_it_is() -> None:
    document = json.loads(written())
    assert sbom.digest_in(document) == SHA256
    del document["documentDescribes"]  # as SPDX 2.3 prefers it: the relationship says the same
    assert sbom.digest_in(document) == SHA256


@pytest.mark.parametrize("document", [{}, [], None, {"spdxVersion": "SPDX-3.0"}, {"spdxVersion": "SPDX-2.3"}])
def test_what_is_no_such_document(document: object) -> None:
    with pytest.raises((LookupError, TypeError)):
        sbom.digest_in(document)
