"""Copying a ready ISO to where a person wants it."""

import hashlib
import os
import sys
from pathlib import Path
from typing import BinaryIO

from isobuild import site
from isobuild.cli import say
from isobuild.config import load
from isobuild.domain import artifacts
from isobuild.errors import BadInput, Damaged

CHUNK = 1 << 20


def download(number: int, output: str, *, force: bool) -> None:
    """Copy the ISO of a task to a file, into a folder, or to stdout. Raises NotFound, NotReady, BadInput, Damaged."""
    settings = load()
    with site.database(settings).read() as session:
        iso = artifacts.find(session, number)
    source = site.store(settings).path(iso.build_id, iso.file)
    if output == "-":
        with source.open("rb") as file:
            _check(_copy(file, sys.stdout.buffer), iso.sha256)
        return
    target = Path(output) / iso.name if Path(output).is_dir() else Path(output)
    if target.exists() and not force:
        raise BadInput(field="output", given=str(target), allowed="a file that isn't there yet (or say --force)")
    _write(source, target, iso.sha256)
    print(target)
    say.words(f"{say.size(iso.size)}, sha256 {iso.sha256}")


def _write(source: Path, target: Path, wanted: str) -> None:
    part = target.with_name(f".{target.name}.part")
    try:
        with source.open("rb") as file, part.open("wb") as copy:
            _check(_copy(file, copy), wanted)
            os.fsync(copy.fileno())
        part.rename(target)
    except OSError as error:
        raise BadInput(
            field="output", given=str(target), allowed=f"a place that can be written ({error.strerror})"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _copy(source: BinaryIO, target: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        target.write(chunk)
    target.flush()
    return digest.hexdigest()


def _check(found: str, wanted: str) -> None:
    if found != wanted:
        raise Damaged(found=found, wanted=wanted)
