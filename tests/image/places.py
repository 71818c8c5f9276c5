"""A place for plans that are looked at, not run."""

from hashlib import sha256
from pathlib import PurePath

from isobuild.image.snapshot import Package, Snapshot
from isobuild.image.step import Place

APT = """\
Types: deb
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def package(name: str, version: str = "1.0") -> Package:
    """A package as an archive has it."""
    file = f"{name}_{version.replace(':', '%3a')}_amd64.deb"
    uri = f"http://mirror.example.org/debian/pool/{file}"
    return Package(name, version, "amd64", file, uri, 1 << 20, sha256(file.encode()).hexdigest())


SNAPSHOT = Snapshot(
    1700000000,
    (PurePath("/a/lists/Release"),),
    {
        "base": (package("linux-image-amd64"), package("live-boot", "1:2")),
        "packages": (package("nano"), package("libnano")),
        "kernel": (package("linux-image-cloud-amd64"), package("busybox-static")),
    },
)
PLACE = Place(
    inputs=PurePath("/b/in"),
    work=PurePath("/b/work"),
    out=PurePath("/b/out"),
    iso="tea.iso",
    apt=APT,
    epoch=1700000000,
    snapshot=SNAPSHOT,
)
