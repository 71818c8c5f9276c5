"""A site's parts, wired together from its settings."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from isobuild import hook, nudge, schema, tick
from isobuild.config import Settings, executable, resource
from isobuild.db import Database
from isobuild.domain.hosts import Host
from isobuild.domain.pruning import Keep
from isobuild.domain.rules import Allowance, Rules
from isobuild.errors import NotYourHome
from isobuild.instance import instance
from isobuild.launchers.local import LocalLauncher
from isobuild.nightly import Nightly
from isobuild.recipes import Cookbook
from isobuild.runner.door import Door
from isobuild.runner.workspace import Workspaces
from isobuild.store.cache import Cache
from isobuild.store.local import LocalStore
from isobuild.store.logs import Logs
from isobuild.store.uploads import Uploads
from isobuild.values import Pace

if TYPE_CHECKING:
    from isobuild.desk import Desk
    from isobuild.runner.run import Runner
    from isobuild.stale import Stale


def prepare(settings: Settings) -> None:
    """Make the home. A build user may pass through to its workspace and read what the site gives to builds; no more."""
    _check_owner(settings.home)
    for folder, mode in (
        (settings.home, 0o711),
        (settings.workspaces, 0o711),
        (settings.store, 0o700),
        (settings.cache, 0o700),
        (settings.logs, 0o700),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(mode)


def _check_owner(home: Path) -> None:
    """Root included: files that it left in another user's home would be in that user's way."""
    if home.exists() and home.stat().st_uid != os.geteuid():
        raise NotYourHome(home=home, owner=_owner(home))


def _owner(home: Path) -> str:
    try:
        return home.owner()
    except KeyError:  # a number without a name
        return f"user {home.stat().st_uid}"


def database(settings: Settings) -> Database:
    """The site's database, at the revision that this isobuild needs; a new SQLite file is made on the way.

    Raises DatabaseDown, DatabaseOutdated.
    """
    _check_owner(settings.home)
    db = Database(settings.database_url)
    if db.make_file() and schema.current(db) is None:
        schema.upgrade(db)
    schema.require(db)
    return db


def host(settings: Settings) -> Host:
    """This host, as the database knows it."""
    return Host(
        settings.host, settings.slots, settings.queues, timedelta(seconds=settings.lease),
        instance=instance(settings.instance), rules=rules(settings),
    )  # fmt: skip


def rules(settings: Settings) -> Rules:
    """What this site says about whose turn it is."""
    paces = {name: _allowance(pace) for name, pace in settings.buckets.items()}
    orders = settings.orders_per_user and _allowance(settings.orders_per_user)
    return Rules(settings.fair, settings.recipe_limits, orders, paces, settings.draws)


def _allowance(pace: Pace) -> Allowance:
    return Allowance(pace.tokens, timedelta(seconds=pace.seconds))


def door(settings: Settings) -> Door:
    """How commands become the build user's: as root at once, else through sudo where that is set up."""
    script = settings.run_as_user or resource("scripts") / "run_as_user.sh"
    sudo = settings.run_as_user is not None and os.geteuid() != 0
    return Door(script, settings.build_users, settings.workspaces, sudo)


def workspaces(settings: Settings) -> Workspaces:
    """Where builds happen."""
    return Workspaces(settings.workspaces, door(settings))


def store(settings: Settings) -> LocalStore:
    """Where finished ISOs live."""
    return LocalStore(settings.store)


def uploads(settings: Settings) -> Uploads:
    """What people brought for their ISOs."""
    return Uploads(settings.uploads, settings.upload_size)


def cache(settings: Settings) -> Cache:
    """What builds of this host made that others can use."""
    return Cache(settings.cache, settings.cache_size)


def cookbook(settings: Settings) -> Cookbook:
    """The recipes."""
    return Cookbook(settings.home)


def launcher(settings: Settings, command: Sequence[str] | None = None) -> LocalLauncher:
    """What starts runners: `isobuild run` as a process of this host, with the same settings."""
    return LocalLauncher(command or executable(), settings.logs, os.environ | {"ISOBUILD_HOME": str(settings.home)})


def ticking(settings: Settings) -> tick.Site:
    """What a tick needs to know."""
    hooks = bool(hook.files(settings.home))
    finished = store(settings)
    return tick.Site(
        host=host(settings), places=(workspaces(settings), finished), store=finished, logs=Logs(settings.logs),
        uploads=uploads(settings), keep=keep(settings, hooks), tie=settings.home / "database",
        call_hooks=launcher(settings).call_hooks if hooks else None, launches=settings.launch,
        nightly=nightly(settings), look_for_updates=launcher(settings).look_for_updates,
    )  # fmt: skip


def nightly(settings: Settings) -> Nightly | None:
    """When newer packages of ready ISOs are looked for."""
    hours = settings.updates_hours
    return Nightly(settings.home / "updates", timedelta(hours=hours)) if hours else None


def stale(settings: Settings, db: Database) -> "Stale":
    """What looks for them."""
    from isobuild.resolve import Resolver
    from isobuild.stale import Stale

    return Stale(db, Resolver(cookbook(settings), settings.archives), store(settings))


def keep(settings: Settings, hooks: bool) -> Keep:
    """How long this site keeps what has come to its end."""
    return Keep(
        isos=_days(settings.keep_days), rows=_days(settings.keep_rows_days), logs=_days(settings.keep_logs_days),
        history=_days(settings.keep_history_days), uploads=_days(settings.keep_uploads_days), room=settings.keep_room,
        told=hooks,
    )  # fmt: skip


def _days(count: float) -> timedelta | None:
    return timedelta(days=count) if count else None


def desk(settings: Settings, db: Database, user: str) -> "Desk":
    """Where `user` orders."""
    from isobuild.desk import Desk
    from isobuild.fingerprint import Fingerprints
    from isobuild.resolve import Resolver

    return Desk(
        settings=settings, db=db, cookbook=cookbook(settings), store=store(settings), host=host(settings),
        nudge=partial(nudge.send, settings.nudges), user=user, now=lambda: datetime.now(UTC),
        fingerprint=Fingerprints(cookbook(settings), settings.home / "upstream").of,
        resolver=Resolver(cookbook(settings), settings.archives) if settings.resolve else None,
    )  # fmt: skip


def runner(settings: Settings) -> "Runner":
    """What carries a build on this host."""
    from isobuild.runner.run import Runner

    return Runner(
        settings, database(settings), host(settings), workspaces(settings), store(settings), cookbook(settings)
    )
