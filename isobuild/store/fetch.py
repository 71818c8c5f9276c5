"""Files on their way out of the store: a copy is checked, and appears whole or not at all."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO

from isobuild.errors import BadInput, Damaged

CHUNK = 1 << 20


def to_file(source: Path, target: Path, wanted: str) -> None:
    """Copy a file that has this SHA-256, over what is there. Raises BadInput for a place that can't be written, and
    Damaged; then nothing is changed.
    """
    if target.exists() and not target.is_file():
        raise BadInput(field="output", given=str(target), allowed="a place that can be written: this is no file")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with source.open("rb") as file, part.open("xb") as copy:
            _copy(file, copy, wanted)
            os.fsync(copy.fileno())
        part.rename(target)
    except OSError as error:
        allowed = f"a place that can be written ({error.strerror})"
        raise BadInput(field="output", given=str(target), allowed=allowed) from error
    finally:
        part.unlink(missing_ok=True)


def to_stream(source: Path, target: BinaryIO, wanted: str) -> None:
    """Copy a file that has this SHA-256; at its end it raises Damaged."""
    with source.open("rb") as file:
        _copy(file, target, wanted)


def _copy(source: BinaryIO, target: BinaryIO, wanted: str) -> None:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        target.write(chunk)
    target.flush()
    if digest.hexdigest() != wanted:
        raise Damaged(found=digest.hexdigest(), wanted=wanted)
