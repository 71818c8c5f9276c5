"""A few Debian packages, unpacked by an ordinary user: nothing is installed."""

from pathlib import PurePath

from isobuild.image.step import Place, Step

MANIFEST = """\
#!/bin/sh
# FOLDER FILE: writes which packages are in the folder, lines "package version architecture"
set -eu
for package in "$1"/*.deb; do
\tdpkg-deb -W --showformat '${Package} ${Version} ${Architecture}\\n' "$package"
done >"$2"
"""


def files() -> dict[str, str]:
    """What `unpack` needs in the inputs folder."""
    return {"list-packages": MANIFEST}


def unpack(place: Place, tree: PurePath) -> tuple[Step, ...]:
    """The packages of `in/packages` unpacked into the tree; a manifest tells which."""
    packages = f"{place.inputs / 'packages'}"
    listing = ("sh", f"{place.inputs / 'list-packages'}", packages, f"{place.out / 'manifest'}")
    return (
        Step(
            "unpack", ("find", packages, "-name", "*.deb", "-exec", "dpkg-deb", "-x", "{}", f"{tree}", ";"), weight=1.5
        ),
        Step("unpack", listing, weight=0.05),
    )
