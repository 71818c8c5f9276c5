"""The database's schema: Alembic's migrations, found in the source tree and in an installed wheel alike."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from isobuild.config import resource
from isobuild.db import Database
from isobuild.errors import DatabaseOutdated

if TYPE_CHECKING:
    from alembic.config import Config


def head() -> str:
    """The revision this isobuild needs; read from the files' names: importing Alembic takes longer than a tick."""
    return max(path.stem for path in _folder().glob("versions/[0-9]*.py"))


def current(db: Database) -> str | None:
    """The revision the database is at; None for an empty one. Raises DatabaseDown."""
    with db.read() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def require(db: Database) -> None:
    """Raise DatabaseOutdated unless the database is at the revision that this isobuild needs."""
    found, needed = current(db), head()
    if found != needed:
        raise DatabaseOutdated(found=found or "none (it is empty)", needed=needed)


def upgrade(db: Database, revision: str = "head") -> None:
    """Bring the schema up to `revision`; nothing to do is fine."""
    from alembic import command

    with db.unhurried() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(db: Database, revision: str) -> None:
    """Take the schema back to `revision`, "base" for none; what only the newer one can hold is lost."""
    from alembic import command

    with db.unhurried() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    return config


def _folder() -> Path:
    return resource("migrations")
