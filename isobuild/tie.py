"""Which database a home belongs to.

Files are removed because a database does not know them: so another one must not be asked, be it opened by mistake, new,
or still empty. The home remembers the first user of its database by number and moment. That row is never removed, and
comes along with an import.
"""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from isobuild.domain import users
from isobuild.errors import WrongDatabase
from isobuild.keeping import Database


def check(db: Database, file: Path) -> None:
    """Raise WrongDatabase unless this is the database of the home; the first one that has a user becomes it."""
    try:
        number, since = file.read_text().split()
        ours = db.write(users.is_there, int(number), datetime.fromisoformat(since))
    except FileNotFoundError:
        _tie(file, db.write(users.first))
    except ValueError as error:  # who wrote that meant something else
        raise WrongDatabase(home=file.parent, file=file) from error
    else:
        if not ours:
            raise WrongDatabase(home=file.parent, file=file)


def _tie(file: Path, user: tuple[int, datetime] | None) -> None:
    """The file appears whole or not at all, and never instead of another's."""
    if user is None:
        return
    with NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}.") as beside:
        beside.write(f"{user[0]} {user[1].isoformat()}\n")
        beside.flush()
        os.fsync(beside.fileno())
        with suppress(FileExistsError):
            os.link(beside.name, file)
