"""Everything in one process: the clock that ticks, and the page."""

import ipaddress
import logging
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import typer
import uvicorn

from isobuild import site, tick
from isobuild.cli import say
from isobuild.cli.follow import watch
from isobuild.cli.orders import me
from isobuild.clock import Clock
from isobuild.config import Settings, load
from isobuild.db import Database
from isobuild.desk import Desk
from isobuild.domain import tasks
from isobuild.domain.listing import Shown
from isobuild.domain.states import OPEN
from isobuild.errors import BadInput, DatabaseDown, NotFound, NotLoopback, Refused
from isobuild.launchers.spare import SpareLauncher
from isobuild.web.app import create_app

FIRST = "first"  # the name of the first task


def up(*, port: int | None, bind: str | None, first: str | None, until_empty: bool) -> None:
    """Tick and serve until interrupted, or until nothing is left to build."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING)
    logging.getLogger("isobuild").setLevel(logging.INFO)
    given = {"port": port, "bind": bind}
    settings = load(**{name: value for name, value in given.items() if value is not None})
    site.prepare(settings)
    shown = None
    with _interruptible(), _listening(settings) as listener:
        db = site.database(settings)
        desk = site.desk(settings, db, me())
        with _serving(desk, listener), _ticking(settings, db):
            say.words(f"The page: http://{_address(listener)}/ (no accounts yet: for this machine only)")
            shown = _first(desk, first) if first else None
            if until_empty:
                _wait_until_empty(db)
            else:
                say.words("Serving until you press Ctrl-C.")
                threading.Event().wait()
    if shown and shown["state"] == "failed":
        raise typer.Exit(1)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does: in order, and without a traceback. Builds go on by themselves."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        say.words("Ended. Builds in hand go on; 'isobuild up' or 'isobuild tick' takes care of what comes after.")


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    try:
        loopback = ipaddress.ip_address(settings.bind).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise NotLoopback(field="bind", given=settings.bind, allowed="127.0.0.1 or ::1")
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.bind, settings.port))
            listener.listen(128)  # whoever reads the address may call at once
        except OSError as error:
            allowed = f"an address and port that are free ({error.strerror}); choose another: isobuild up --port 0"
            raise BadInput(field="port", given=settings.port, allowed=allowed) from error
        yield listener


@contextmanager
def _serving(desk: Desk, listener: socket.socket) -> Iterator[None]:
    app = create_app(desk)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run, args=([listener],), name="page", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def _ticking(settings: Settings, db: Database) -> Iterator[None]:
    launcher = SpareLauncher(site.launcher(settings))
    if settings.launch:
        launcher.prepare()
    clock = Clock(partial(tick.tick, db, launcher, site.ticking(settings)), settings.nudges)
    clock.start()
    try:
        yield
    finally:
        clock.stop()
        launcher.close()


def _first(desk: Desk, recipe: str) -> Shown | None:
    """The very first task, ordered now if nothing was before, tried again if it failed; shown until it has ended.

    None if somebody came between, and removed it, say: the daemon goes on.
    """
    number = _oldest(desk.db) or int(desk.order(recipe, {}, name=FIRST)["id"])
    try:
        return _show_first(desk, number)
    except (NotFound, Refused) as error:
        say.words(f"{error}")
        return None


def _show_first(desk: Desk, number: int) -> Shown:
    shown = desk.task(number)
    if shown["state"] == "failed":  # what was the matter may be mended by now
        desk.retry(number)
        shown = desk.task(number)
    if shown["state"] in OPEN:
        say.words(f"Building your first ISO: task {number}, recipe {shown['recipe']}.")
        shown = watch(desk, number, with_log=False)
    if shown["state"] == "ready":
        iso = desk.file(number)
        path = desk.store.path(iso.build_id, iso.file)
        say.words(f"Task {number} is ready: {path} ({say.size(shown['size'])}, sha256 {shown['sha256']})")
    else:
        say.words(f"Task {number} is {shown['state']}: {shown['error'] or ''} (its log: isobuild log {number})")
    return shown


def _oldest(db: Database) -> int | None:
    with db.read() as session:
        return tasks.oldest(session)


def _wait_until_empty(db: Database) -> None:
    while _left(db):
        time.sleep(0.3)
    say.words("Nothing is left to build.")


def _left(db: Database) -> bool:
    try:
        with db.read() as session:
            return tasks.any_left(session)
    except DatabaseDown:
        return True


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
