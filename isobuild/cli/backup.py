"""A site's rows, out of its database and into another."""

import os
import shutil
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile

from isobuild import __version__, backup, site
from isobuild.cli import say
from isobuild.config import load
from isobuild.db import Database
from isobuild.errors import BadInput


def export(file: str) -> None:
    """Write all rows to a file, which appears whole or not at all, or to stdout."""
    db = site.database(load())
    count = backup.export(db, sys.stdout.buffer, __version__) if file == "-" else _write(db, Path(file).resolve())
    say.words(f"Exported: {count} rows. Files are not among them: copy the home too (see docs/backup.md).")


def _write(db: Database, target: Path) -> int:
    try:
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as part:
            try:
                count = backup.export(db, part.file, __version__)
                os.fsync(part.fileno())
                Path(part.name).rename(target)
            finally:
                Path(part.name).unlink(missing_ok=True)
            return count
    except OSError as error:
        raise BadInput(field="FILE", given=str(target), allowed=f"a place for a file ({error.strerror})") from error


def read(file: str) -> None:
    """Read rows from a file or stdin into this site's database."""
    settings = load()
    site.prepare(settings)
    db = site.database(settings)
    try:
        with Path(file).open("rb") if file != "-" else TemporaryFile() as source:
            if file == "-":
                shutil.copyfileobj(sys.stdin.buffer, source)
            count = backup.read(db, source)
    except OSError as error:
        raise BadInput(field="FILE", given=file, allowed=f"a file of 'isobuild export' ({error.strerror})") from error
    say.words(f"Imported: {count} rows.")
