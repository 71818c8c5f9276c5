"""Copying a ready ISO to where a person wants it."""

import sys
from pathlib import Path

from isobuild import site
from isobuild.cli import say
from isobuild.config import load
from isobuild.domain import artifacts
from isobuild.errors import BadInput
from isobuild.store import fetch


def download(number: int, output: str, *, everything: bool, force: bool) -> None:
    """Copy the ISO of a task to a file, into a folder, or to stdout; into a folder with all that lies beside it.

    Raises NotFound, NotReady, BadInput, Damaged.
    """
    settings = load()
    with site.database(settings).read() as session:
        iso = artifacts.find(session, number)
        files = artifacts.of(session, number)[number] if everything else [iso]
    store = site.store(settings)
    if output == "-" and not everything:
        fetch.to_stream(store.path(iso.build_id, iso.file), sys.stdout.buffer, iso.sha256)
        return
    if everything and not Path(output).is_dir():
        raise BadInput(field="output", given=output, allowed="a folder, for several files")
    targets = [Path(output) / file.name if Path(output).is_dir() else Path(output) for file in files]
    for target in targets:
        if target.exists() and not force:
            raise BadInput(field="output", given=str(target), allowed="a file that isn't there yet (or say --force)")
    for file, target in zip(files, targets, strict=True):
        fetch.to_file(store.path(file.build_id, file.file), target, file.sha256)
        print(target)
    say.words(f"{say.size(iso.size)}, sha256 {iso.sha256}")
