"""A zsync file: by it, whoever has an older ISO fetches only what is new, http://zsync.moria.org.uk.

zsyncmake makes it in a process of its own, which reads the ISO while it is copied.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

import sh

BLOCKS = ((100 << 20, 2048), (1 << 50, 4096))  # as zsyncmake chooses for files up to so many bytes
HEAD = 8 << 10  # bytes


class Making:
    """A zsync file in the making, in a folder; as a context it ends with all it started."""

    def __init__(self, folder: Path, name: str, iso: BinaryIO) -> None:
        """`name`: of the ISO, which lies beside the zsync file wherever that is fetched. Raises sh.CommandNotFound."""

        self.path = folder / "zsync"
        self.fault = ""
        block = next(block for most, block in BLOCKS if os.fstat(iso.fileno()).st_size <= most)
        command = sh.Command("zsyncmake")
        with open(f"/proc/self/fd/{iso.fileno()}", "rb") as stdin:  # noqa: PTH123 - what is open, from its beginning
            self._process: Any = command(
                "-C", "-e", "-b", block, "-u", name, "-f", name, "-o", self.path,
                _in=stdin, _bg=True, _bg_exc=False, _tty_out=False, _ok_code=list(range(-64, 256)),
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            with suppress(OSError):
                self._process.kill()
        self._process.wait()

    def end(self) -> bool:
        """Whether it is there, in the end; `fault` says why not."""
        done = self._process.wait()
        if done.exit_code:
            said = done.stderr.decode(errors="replace").strip()
            self.fault = said.splitlines()[-1] if said else f"zsyncmake ended with exit status {done.exit_code}"
        return not self.fault


def head(data: bytes) -> dict[str, str]:
    """What a zsync file says before its sums. Raises ValueError for what is none."""
    top, blank, _ = data[:HEAD].partition(b"\n\n")
    lines = [line.partition(": ") for line in top.decode(errors="replace").splitlines()]
    if not blank or not lines or lines[0][0] != "zsync":
        raise ValueError("it is no zsync file")
    return {key: value for key, _, value in lines}
