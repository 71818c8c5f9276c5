"""Errors as answers: their own words, as a page for people and as application/problem+json (RFC 9457) for programs."""

import json
import math
import reprlib
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from isobuild.errors import (
    BadInput,
    DatabaseDown,
    DatabaseOutdated,
    IsobuildError,
    NoRoom,
    NotFound,
    Refused,
    TooLarge,
    TooMany,
)
from isobuild.web.views import is_part, render

STATUSES: tuple[tuple[type[IsobuildError], int], ...] = (
    (NotFound, 404),
    (TooMany, 429),
    (Refused, 409),
    (TooLarge, 413),
    (BadInput, 422),
    (NoRoom, 507),
    (DatabaseDown, 503),
    (DatabaseOutdated, 503),
)
WORDS = {
    400: "What was sent can't be read.",
    404: "There is nothing at this address.",
    405: "This address can't be used in this way.",
    500: "Something went wrong inside isobuild. Its log says what.",
}
HEADINGS = {
    400: "That can't be read",
    403: "Not from there",
    404: "There is nothing here",
    405: "Not in this way",
    409: "Not now",
    413: "Too large",
    422: "Something has to be corrected",
    429: "So many may not be ordered now",
    500: "Something went wrong",
    503: "The database is away",
    507: "There is no room",
}
LONGEST = 200  # characters of what was given that are told back


class Problem(BaseModel):
    """What went wrong (RFC 9457); of a bad input also the field, what was given, and what is allowed."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None
    given: Any = None
    allowed: str | None = None


def respond(request: Request, status: int, detail: str, **facts: Any) -> Response:
    """The answer to a request that could not be served."""
    title = HTTPStatus(status).phrase
    if wants_page(request):
        page = render(request, "problem.html", status, heading=HEADINGS.get(status, title), detail=detail)
        if status == 404 and is_part(request):  # it was removed while somebody watched it
            page.headers["HX-Refresh"] = "true"
        return page
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, **facts}
    # ASCII: what was given may hold half a character, which has no UTF-8
    return Response(json.dumps(problem, allow_nan=False), status, media_type="application/problem+json")


def wants_page(request: Request) -> bool:
    """Whether a person looks at the answer."""
    path = request.url.path
    if path.startswith("/download/"):
        return "text/html" in request.headers.get("accept", "")
    return not path.startswith(("/api/", "/health"))


def install(app: FastAPI) -> None:
    """Let the app answer every error in words."""
    app.add_exception_handler(IsobuildError, _explain)
    app.add_exception_handler(RequestValidationError, _explain_invalid)
    app.add_exception_handler(HTTPException, _explain_status)
    app.add_exception_handler(Exception, _explain_unknown)


def _explain(request: Request, error: Any) -> Response:
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    if isinstance(error, TooMany):
        answer = respond(request, status, str(error))
        answer.headers["Retry-After"] = format_datetime(error.facts["again"], usegmt=True)
        return answer
    if not isinstance(error, BadInput):
        return respond(request, status, str(error))
    return respond(request, status, str(error), **_facts(error.facts))


def _explain_invalid(request: Request, error: Any) -> Response:
    first = error.errors()[0]
    place, *loc = first["loc"]
    if place == "path":
        return respond(request, 404, f"There is no {loc[0]} {_plain(first['input'])}.")
    field = ".".join(str(part) for part in loc) or str(place)
    if first["type"] == "missing":
        return _explain(request, BadInput(field=field, given=None, allowed="it is needed"))
    allowed = str(first["msg"]).removeprefix("Value error, ")
    given = "such a value" if loc[-1:] == ["options"] else _plain(first["input"])  # there may be secrets in it
    return _explain(request, BadInput(field=field, given=given, allowed=allowed))


def _explain_status(request: Request, error: Any) -> Response:
    response = respond(request, error.status_code, WORDS.get(error.status_code, str(error.detail)))
    response.headers.update(error.headers or {})
    return response


def _explain_unknown(request: Request, _: Exception) -> Response:
    return respond(request, 500, WORDS[500])


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: _plain(facts[key]) for key in ("field", "given", "allowed") if key in facts}


def _plain(given: Any) -> Any:
    """What was given, if it is a short JSON value; else its first characters."""
    if given is None or isinstance(given, bool) or (isinstance(given, float) and math.isfinite(given)):
        return given
    if isinstance(given, int) and abs(given) < 1 << 63:
        return given
    text = given if isinstance(given, str) else reprlib.repr(given)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
