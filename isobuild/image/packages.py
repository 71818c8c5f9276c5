"""A few Debian packages, fetched and unpacked by an ordinary user: apt in folders of its own, nothing installed."""

from pathlib import PurePath

from isobuild.image.step import Place, Step

MANIFEST = """\
#!/bin/sh
# FOLDER FILE: writes which packages are in the folder, lines "package version"
set -eu
for package in "$1"/*.deb; do
\tdpkg-deb -W --showformat '${Package} ${Version}\\n' "$package"
done >"$2"
"""
HOOKS = ("DPkg::Post-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success")


def files(place: Place, sources: str, provided: tuple[str, ...] = ()) -> dict[str, str]:
    """apt's settings for the inputs folder. What is `provided` counts as installed, and so is not fetched.

    `sources`: deb822 text; `provided`: package names, with a version if a dependency asks for one ("kmod (= 99)").
    """
    own = {
        "Dir::State": place.work / "apt",
        "Dir::State::status": place.inputs / "installed",
        "Dir::Cache": place.work / "apt",
        "Dir::Etc::sourcelist": place.inputs / "debian.sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Log": place.work / "apt",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",
        "APT::Architecture": "amd64",
        "APT::Install-Recommends": "false",
    }
    settings = "".join(f'{name} "{value}";\n' for name, value in own.items())
    return {
        "apt.conf": settings + "".join(f"#clear {hook};\n" for hook in HOOKS),
        "debian.sources": sources,
        "installed": _installed(provided),
        "list-packages": MANIFEST,
    }


def unpack(place: Place, names: tuple[str, ...], tree: PurePath) -> tuple[Step, ...]:
    """The packages and what they depend on, less what is provided, unpacked into the tree; a manifest tells which."""
    apt = ("apt-get", "-q", "-y", "-c", f"{place.inputs / 'apt.conf'}")
    partial = (f"{place.work / 'apt' / part / 'partial'}" for part in ("lists", "archives"))
    archives = f"{place.work / 'apt' / 'archives'}"
    listing = ("sh", f"{place.inputs / 'list-packages'}", archives, f"{place.out / 'manifest'}")
    return (
        Step("package lists", ("mkdir", "-p", *partial), weight=0.01),
        Step("package lists", (*apt, "-o", "APT::Update::Error-Mode=any", "update"), weight=2),
        Step("packages", (*apt, "--download-only", "install", *names), weight=1),
        Step(
            "unpack", ("find", archives, "-name", "*.deb", "-exec", "dpkg-deb", "-x", "{}", f"{tree}", ";"), weight=1.5
        ),
        Step("unpack", listing, weight=0.05),
    )


def _installed(provided: tuple[str, ...]) -> str:
    fields = {
        "Package": "provided",
        "Status": "install ok installed",
        "Architecture": "all",
        "Version": "1",
        "Maintainer": "nobody <nobody@example.org>",
        "Provides": ", ".join(provided),
        "Description": "what this image does without",
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
