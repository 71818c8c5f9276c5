"""Copying a ready ISO to where a person wants it."""

import hashlib
import os
import sys
from pathlib import Path
from typing import BinaryIO

from isobuild import site
from isobuild.cli import say
from isobuild.config import load
from isobuild.domain import listing
from isobuild.errors import BadInput, Damaged, NotReady

CHUNK = 1 << 20


def download(number: int, output: str, *, force: bool) -> None:
    """Copy the ISO of a task to a file, into a folder, or to stdout. Raises NotFound, NotReady, BadInput, Damaged."""
    settings = load()
    with site.database(settings).read() as session:
        task = listing.show_task(session, number, ())
    if task["state"] != "ready":
        raise NotReady(task=number, state=task["state"])
    source = site.store(settings).path(task["build"], task["iso"])
    if output == "-":
        with source.open("rb") as file:
            _check(_copy(file, sys.stdout.buffer), task["sha256"])
        return
    target = Path(output) / task["iso"] if Path(output).is_dir() else Path(output)
    if target.exists() and not force:
        raise BadInput(field="output", given=str(target), allowed="a file that isn't there yet (or say --force)")
    _write(source, target, task["sha256"])
    print(target)
    say.words(f"{say.size(task['size'])}, sha256 {task['sha256']}")


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
