"""The page and the API, wired together."""

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from isobuild.config import Settings
from isobuild.desk import Desk
from isobuild.web import (
    api,
    api_files,
    api_site,
    downloads,
    health,
    keys,
    logs,
    orders,
    pages,
    problems,
    site_pages,
    views,
)
from isobuild.web.assets import Assets
from isobuild.web.gate import Gate


def create_app(desk: Desk) -> FastAPI:
    """The application over a desk, in whose user's name everybody orders who can reach it."""
    # FastAPI's pages of documentation load from other hosts; the schema itself is served
    app = FastAPI(title="isobuild", summary="Builds custom Linux ISOs on request.", docs_url=None, redoc_url=None)
    app.state.templates = views.templates()
    app.state.desk = desk
    for part in (pages, site_pages, orders, logs, downloads, api, api_files, api_site, health, keys):
        app.include_router(part.router)
    app.mount("/static", Assets(directory=views.HERE / "static"))
    problems.install(app)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_own_names(desk.settings), www_redirect=False)
    app.add_middleware(Gate, largest_upload=desk.settings.upload_size)
    return app


def _own_names(settings: Settings) -> list[str]:
    """The names by which this machine calls itself: a name of somebody else's that points here is refused."""
    bind = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
    return ["localhost", "127.0.0.1", "[::1]", bind]
