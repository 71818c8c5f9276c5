"""Copying a ready ISO to where a person wants it."""

import sys
from pathlib import Path

from isobuild import site
from isobuild.cli import say
from isobuild.config import load
from isobuild.domain import artifacts
from isobuild.errors import BadInput
from isobuild.store import fetch


def download(number: int, output: str, *, force: bool) -> None:
    """Copy the ISO of a task to a file, into a folder, or to stdout. Raises NotFound, NotReady, BadInput, Damaged."""
    settings = load()
    with site.database(settings).read() as session:
        iso = artifacts.find(session, number)
    source = site.store(settings).path(iso.build_id, iso.file)
    if output == "-":
        fetch.to_stream(source, sys.stdout.buffer, iso.sha256)
        return
    target = Path(output) / iso.name if Path(output).is_dir() else Path(output)
    if target.exists() and not force:
        raise BadInput(field="output", given=str(target), allowed="a file that isn't there yet (or say --force)")
    fetch.to_file(source, target, iso.sha256)
    print(target)
    say.words(f"{say.size(iso.size)}, sha256 {iso.sha256}")
