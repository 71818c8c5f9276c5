"""Templates: where they are, what they know, and how a request becomes a page."""

import hashlib
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isobuild.web import words

HERE = Path(__file__).parent
FILTERS = (
    words.size, words.moment, words.clock, words.took, words.headline, words.where, words.then, words.expected,
    words.sentence, words.option, words.seconds, words.listed, words.verified,
    words.updated, words.boots, words.beside, words.called,
)  # fmt: skip


def templates() -> Jinja2Templates:
    """The templates, strict about what they name."""
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    for shown in FILTERS:
        env.filters[shown.__name__] = shown
    env.globals["asset"] = {path.name: f"/static/{path.name}?v={_version(path)}" for path in _assets()}
    return Jinja2Templates(env=env)


def render(request: Request, template: str, status: int = 200, /, **context: Any) -> Response:
    """A page, or the part of it that moves when the page itself asks."""
    context |= {"part": is_part(request), "user": request.app.state.desk.user}
    headers = {"Cache-Control": "no-cache", "Vary": "HX-Request"}
    shown: Jinja2Templates = request.app.state.templates
    return shown.TemplateResponse(request, template, context, status_code=status, headers=headers)


def is_part(request: Request) -> bool:
    """Whether the page asks for the part of itself that moves."""
    return request.headers.get("hx-request") == "true"


def _assets() -> list[Path]:
    return sorted((HERE / "static").iterdir())


def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
