"""What machines call: tick, and the database's schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

from isobuild import site
from isobuild.cli import say
from isobuild.config import load
from isobuild.errors import NotFound


def tick(*, json: bool) -> None:
    """One tick, now."""
    from isobuild import tick as machine

    settings = load()
    db = site.database(settings)
    site.prepare(settings)
    done = machine.tick(db, site.launcher(settings), site.ticking(settings), datetime.now(UTC))
    if json:
        say.value(asdict(done) | {"idle": done.idle})
    else:
        print(done)


def db_upgrade(revision: str) -> None:
    """Upgrade the schema."""
    from isobuild import schema
    from isobuild.db import Database

    settings = load()
    site.prepare(settings)
    db = Database(settings.database_url)
    db.make_file()
    with _known(revision):
        schema.upgrade(db, revision)
    say.words(f"The database is at revision {schema.current(db)}.")


def db_downgrade(revision: str) -> None:
    """Downgrade the schema."""
    from isobuild import schema
    from isobuild.db import Database

    db = Database(load().database_url)
    with _known(revision):
        schema.downgrade(db, revision)
    say.words(f"The database is at revision {schema.current(db) or 'none'}.")


def db_current(*, json: bool) -> None:
    """Print the schema's revision."""
    from isobuild import schema
    from isobuild.db import Database

    found, needed = schema.current(Database(load().database_url)), schema.head()
    if json:
        say.value({"current": found, "head": needed})
        return
    print(found or "none")
    if found != needed:
        say.words(f"This isobuild needs {needed}: run 'isobuild db upgrade'.")


@contextmanager
def _known(revision: str) -> Iterator[None]:
    """Name a revision that Alembic does not know as what it is: not found."""
    from alembic.util.exc import CommandError

    try:
        yield
    except CommandError as error:
        raise NotFound(what="revision", given=revision, hint=str(error)) from error
