"""Small ISOs with systems in them, made as their packers make them."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

STATUS = """Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2-1

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36
Description: a library
 Package: not this one

Package: libc6
Status: install ok installed
Architecture: i386
Version: 2.35

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""
Pack = Callable[..., Path]
Layers = Mapping[str, tuple[Mapping[str, str], tuple[str, ...]]]


@pytest.fixture
def pack(tmp_path: Path, needed: Callable[[str], str]) -> Pack:
    """Packs an ISO: `pack(NAME, files={path: text}, layers={file: ({path: text}, mksquashfs options)})`."""

    def pack(name: str, files: Mapping[str, str], layers: Layers) -> Path:
        medium = tmp_path / f"{name}-medium"
        lay(medium, files)
        for file, (inside, options) in layers.items():
            tree = tmp_path / f"{name}-{Path(file).stem}"
            lay(tree, inside)
            (medium / file).parent.mkdir(parents=True, exist_ok=True)
            quiet = ("-noappend", "-quiet", "-no-progress", "-all-root")
            subprocess.run([needed("mksquashfs"), f"{tree}", f"{medium / file}", *quiet, *options], check=True)
        burn = ("-as", "mkisofs", "-quiet", "-r", "-V", "TEA", "-o", f"{tmp_path / name}", f"{medium}")
        subprocess.run([needed("xorriso"), *burn], check=True)
        return tmp_path / name

    return pack


def lay(folder: Path, files: Mapping[str, str]) -> None:
    """Write files; a text that begins with "-> " makes a link."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            file.symlink_to(text.removeprefix("-> "))
        else:
            file.write_text(text)
            file.chmod(0o644)


def whiteout(path: str) -> tuple[str, ...]:
    """mksquashfs's option that makes one."""
    return ("-p", f"{path} c 000 0 0 0 0")
