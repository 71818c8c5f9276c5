"""Three ways to pack a tree, between quick to make and small to load."""

from typing import Literal

Compression = Literal["fast", "balanced", "small"]
#: mksquashfs's options for each
OPTIONS: dict[Compression, tuple[str, ...]] = {
    "fast": ("-comp", "zstd", "-Xcompression-level", "3"),
    "balanced": ("-comp", "zstd", "-Xcompression-level", "15"),
    "small": ("-comp", "xz", "-Xbcj", "x86"),
}
