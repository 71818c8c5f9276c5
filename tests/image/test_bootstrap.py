"""The bootstrap and the squashfs: exact commands, and how mmdebstrap's lines tell progress."""

from pathlib import PurePath

import pytest

from image.places import PLACE
from isobuild.image.bootstrap import bootstrap, download, inside, tree, upload
from isobuild.image.squash import Compression, squash

HOOKS = (
    upload(PurePath("/b/in/a file"), "/isobuild/setup"),
    inside("env", "NAME=tea time", "sh", "/isobuild/setup"),
    download("/isobuild/vmlinuz", PurePath("/b/work/vmlinuz")),
)


def test_mmdebstraps_line() -> None:
    step = bootstrap(PLACE, "bookworm", ["nano", "htop"], HOOKS, recommends=False, weight=40)
    assert list(step.argv) == [
        *("mmdebstrap", "--mode=unshare", "--variant=minbase", "--format=tar", "--architectures=amd64"),
        *("--include=nano,htop", "--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Retries "3"'),
        "--customize-hook=upload '/b/in/a file' /isobuild/setup",
        "--customize-hook=chroot \"$1\" env 'NAME=tea time' sh /isobuild/setup",
        "--customize-hook=download /isobuild/vmlinuz /b/work/vmlinuz",
        *("bookworm", "/b/work/tree.tar", "/b/in/debian.sources"),
    ]
    assert step.env == {"INITRD": "No", "SOURCE_DATE_EPOCH": "1700000000"}


def test_recommended_packages_come_when_wanted() -> None:
    step = bootstrap(PLACE, "bookworm", ["nano"], (), recommends=True, weight=40)
    assert '--aptopt=APT::Install-Recommends "true"' in step.argv


def test_progress_only_grows_as_mmdebstrap_goes_on() -> None:
    step = bootstrap(PLACE, "bookworm", ["nano"], (), recommends=False, weight=40)
    lines = [
        "I: running apt-get update...",
        "I: downloading packages with apt...",
        "I: extracting archives...",
        "I: installing essential packages...",
        "I: installing remaining packages inside the chroot...",
        "I: running --customize-hook in shell: sh -c 'chroot \"$1\" true' exec /b/work/tmp/mmdebstrap.x",
        "I: running special hook: download /isobuild/vmlinuz /b/work/vmlinuz",
        "I: creating tarball...",
    ]
    told = [step.fraction(line) for line in lines]
    assert None not in told
    assert told == sorted(told, key=lambda fraction: fraction or 0)


COMPRESSIONS: dict[Compression, str] = {
    "fast": "-comp zstd -Xcompression-level 3",
    "balanced": "-comp zstd -Xcompression-level 15",
    "small": "-comp xz -Xbcj x86",
}


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_mksquashfs_line(compression: Compression) -> None:
    step = squash(PLACE, tree(PLACE), PLACE.work / "fs", compression)
    line = "mksquashfs - /b/work/fs -tar -noappend -no-recovery -no-progress -exit-on-error -b 1M"
    assert " ".join(step.argv) == f"{line} {COMPRESSIONS[compression]}"
    assert step.stdin == PLACE.work / "tree.tar"
