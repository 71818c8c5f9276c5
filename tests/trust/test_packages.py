"""Manifests, and what is known of their packages."""

import pytest

from isobuild.image import snapshot
from isobuild.trust import packages
from isobuild.trust.packages import Package


def test_a_manifest_with_and_without_architectures() -> None:
    text = "nano 7.2-1\nbash 5.2.15-2+b7 amd64\nlibc6:i386 2.36-9 i386\nnano 7.2-1\n"
    text += "\nno\nfar too many words\nbell \x07\n"
    assert packages.read(text) == [
        Package("bash", "5.2.15-2+b7", "amd64"),
        Package("libc6", "2.36-9", "i386"),
        Package("nano", "7.2-1"),
    ]


@pytest.mark.parametrize(
    ("package", "purl"),
    [
        (Package("bash", "5.2.15-2+b7", "amd64"), "pkg:deb/debian/bash@5.2.15-2%2Bb7?arch=amd64"),
        (Package("libstdc++6", "1:12.2~rc1-3"), "pkg:deb/debian/libstdc%2B%2B6@1:12.2~rc1-3"),
    ],
)
def test_package_urls(package: Package, purl: str) -> None:
    assert package.purl == purl


def resolved(version: str = "1", architecture: str = "amd64") -> snapshot.Package:
    address = "https://ann:secret@mirror.example.org:8443/debian/pool/main/t/tea/tea_1_amd64.deb?x=1"
    return snapshot.Package("tea", version, architecture, "tea_1_amd64.deb", address, 10, "AB" * 32)


def test_what_was_resolved_is_known_and_passwords_are_not() -> None:
    (found,) = packages.join([Package("tea", "1")], [resolved()])
    assert (found.architecture, found.sha256) == ("amd64", "ab" * 32)
    assert found.uri == "https://mirror.example.org:8443/debian/pool/main/t/tea/tea_1_amd64.deb?x=1"


@pytest.mark.parametrize("other", [resolved("2"), resolved("1", "i386")])
def test_another_package_is_not_taken_for_it(other: snapshot.Package) -> None:
    listed = Package("tea", "1", "amd64")
    assert packages.join([listed], [other]) == [listed]
