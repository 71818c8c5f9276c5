"""A tar as a squashfs, three ways between quick to make and small to load."""

from pathlib import PurePath
from typing import Literal

from isobuild.image.step import Place, Step

Compression = Literal["fast", "balanced", "small"]
OPTIONS: dict[Compression, tuple[str, ...]] = {
    "fast": ("-comp", "zstd", "-Xcompression-level", "3"),
    "balanced": ("-comp", "zstd", "-Xcompression-level", "15"),
    "small": ("-comp", "xz", "-Xbcj", "x86"),
}
SECONDS: dict[Compression, float] = {"fast": 2, "balanced": 22, "small": 130}


def squash(place: Place, tar: PurePath, file: PurePath, compression: Compression) -> Step:
    """The step that turns the tar into a squashfs. Its times are the tar's, and SOURCE_DATE_EPOCH for the rest."""
    argv = (
        *("mksquashfs", "-", f"{file}", "-tar", "-noappend", "-no-recovery", "-no-progress", "-exit-on-error"),
        *("-b", "1M", *OPTIONS[compression]),
    )
    dates = {"SOURCE_DATE_EPOCH": str(place.epoch)}
    return Step("squash", argv, SECONDS[compression], stdin=tar, env=dates)
