"""A Debian system as a tar, made by an ordinary user: mmdebstrap in a user namespace."""

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from isobuild.image.step import Mark, Place, Step

MARKS = (
    Mark(r"^I: running apt-get update", 0.01),
    Mark(r"^I: downloading packages with apt", 0.03),
    Mark(r"^I: extracting archives", 0.04),
    Mark(r"^I: installing essential packages", 0.09),
    Mark(r"^I: installing remaining packages", 0.26),
    Mark(r"^I: running --customize-hook", 0.65),
    Mark(r"^I: running special hook: download", 0.9),
    Mark(r"^I: creating tarball", 0.92),
)


def bootstrap(
    place: Place, suite: str, packages: Sequence[str], hooks: Sequence[str], recommends: bool, weight: float
) -> Step:
    """The step that leaves the system in `tree(place)`; wants debian.sources in the inputs.

    `hooks`: mmdebstrap's customize hooks, made by `upload`, `inside` and `download`, in order. The packages' own
    scripts make no initrd (INITRD=No): each would cost seconds, and a hook makes one at the end.
    """
    argv = (
        *("mmdebstrap", "--mode=unshare", "--variant=minbase", "--format=tar", "--architectures=amd64"),
        *(f"--include={','.join(packages)}", "--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Retries "3"'),
        *(('--aptopt=APT::Install-Recommends "true"',) if recommends else ()),
        *(f"--customize-hook={hook}" for hook in hooks),
        *(suite, f"{tree(place)}", f"{place.inputs / 'debian.sources'}"),
    )
    return Step("bootstrap", argv, weight, env={"INITRD": "No", "SOURCE_DATE_EPOCH": str(place.epoch)}, marks=MARKS)


def tree(place: Place) -> PurePath:
    """The tar that `bootstrap` makes."""
    return place.work / "tree.tar"


def upload(file: PurePath, path: str) -> str:
    """A hook: copies a file to this path of the new system."""
    return f"upload {shlex.quote(f'{file}')} {path}"


def inside(*command: str) -> str:
    """A hook: runs a command inside the new system."""
    return f'chroot "$1" {shlex.join(command)}'


def download(path: str, file: PurePath) -> str:
    """A hook: copies a file of the new system out of it."""
    return f"download {path} {shlex.quote(f'{file}')}"
