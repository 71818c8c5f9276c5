"""The page and the API, wired together."""

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from isobuild.config import Settings
from isobuild.db import Database
from isobuild.recipes import Cookbook
from isobuild.store.local import LocalStore
from isobuild.web import api, downloads, health, logs, orders, pages, problems, views
from isobuild.web.assets import Assets
from isobuild.web.desk import Desk
from isobuild.web.gate import Gate


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    db: Database,
    nudge: Callable[[], object],
    user: str,
    now: Callable[[], datetime] = _utc_now,
) -> FastAPI:
    """The application: `nudge` is called after each change, so that it is acted upon at once; `user` orders."""
    # FastAPI's pages of documentation load from other hosts; the schema itself is served
    app = FastAPI(title="isobuild", summary="Builds custom Linux ISOs on request.", docs_url=None, redoc_url=None)
    app.state.templates = views.templates()
    app.state.desk = Desk(
        settings=settings, db=db, cookbook=Cookbook(settings.home), store=LocalStore(settings.store),
        nudge=nudge, user=user, now=now,
    )  # fmt: skip
    for part in (pages, orders, logs, downloads, api, health):
        app.include_router(part.router)
    app.mount("/static", Assets(directory=views.HERE / "static"))
    problems.install(app)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_own_names(settings), www_redirect=False)
    app.add_middleware(Gate)
    return app


def _own_names(settings: Settings) -> list[str]:
    """The names by which this machine calls itself: a name of somebody else's that points here is refused."""
    bind = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
    return ["localhost", "127.0.0.1", "[::1]", bind]
