"""The software bill of materials: which packages are in an ISO, as SPDX 2.3, https://spdx.github.io/spdx-spec/v2.3/.

The same ISO and manifest give the same bytes: it holds no file name, and no time but the build's SOURCE_DATE_EPOCH.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from isobuild.trust.packages import Package

IMAGE = "SPDXRef-Image"
UNKNOWN = "NOASSERTION"


def write(sha256: str, label: str, packages: Sequence[Package], epoch: int, tool: str) -> bytes:
    """The document about the ISO of this digest. `label`: the medium's; `tool`: such as "isobuild-0.2.0"."""
    shown = {f"SPDXRef-Package-{number}": package for number, package in enumerate(packages, 1)}
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": label or "image",
        "documentNamespace": f"urn:isobuild:image:sha256:{sha256}",
        "creationInfo": {"created": stamp(epoch), "creators": [f"Tool: {tool}"]},
        "documentDescribes": [IMAGE],
        "packages": [_image(sha256, label), *(_package(ref, each) for ref, each in shown.items())],
        "relationships": [
            _relation("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE), *(_relation(IMAGE, "CONTAINS", ref) for ref in shown),
        ],
    }  # fmt: skip
    return json.dumps(document, indent=1).encode() + b"\n"


def digest_in(document: Any) -> str | None:
    """The SHA-256 of the ISO that a document describes. Raises LookupError, TypeError for what is no such document."""
    if not str(document["spdxVersion"]).startswith("SPDX-2"):
        raise LookupError("spdxVersion")
    described = set(document.get("documentDescribes", [])) | {
        relation["relatedSpdxElement"]
        for relation in document.get("relationships", [])
        if relation["relationshipType"] == "DESCRIBES"
    }
    for package in document["packages"]:
        if package["SPDXID"] in described:
            return next((each["checksumValue"] for each in package["checksums"] if each["algorithm"] == "SHA256"), None)
    return None


def stamp(epoch: int) -> str:
    """Seconds since 1970 as SPDX wants them."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _image(sha256: str, label: str) -> dict[str, Any]:
    return {
        "SPDXID": IMAGE, "name": label or "image", "downloadLocation": UNKNOWN, "filesAnalyzed": False,
        "primaryPackagePurpose": "OPERATING-SYSTEM", "checksums": [_checksum(sha256)],
    }  # fmt: skip


def _package(ref: str, package: Package) -> dict[str, Any]:
    purl = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": package.purl}
    facts = {
        "SPDXID": ref, "name": package.name, "versionInfo": package.version,
        "downloadLocation": package.uri or UNKNOWN, "filesAnalyzed": False, "externalRefs": [purl],
    }  # fmt: skip
    return facts | ({"checksums": [_checksum(package.sha256)]} if package.sha256 else {})


def _checksum(sha256: str) -> dict[str, str]:
    return {"algorithm": "SHA256", "checksumValue": sha256}


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
