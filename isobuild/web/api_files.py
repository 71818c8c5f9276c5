"""The API's files: uploads, and recipe files, which are ordered from as JSON is."""

import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.types import Message

from isobuild import recipe_files
from isobuild.domain.listing import Shown
from isobuild.errors import BadInput
from isobuild.recipe_files import FORMS, Form
from isobuild.slip import Draft, Slip
from isobuild.store.uploads import Incoming
from isobuild.web.api import PROBLEMS
from isobuild.web.numbers import Number
from isobuild.web.reception import AtDesk

TYPES: dict[str, Form] = {
    "application/toml": "toml", "text/toml": "toml", "application/x-toml": "toml",
    "application/yaml": "yaml", "text/yaml": "yaml", "application/x-yaml": "yaml",
}  # fmt: skip
TEXT = {"schema": {"type": "string"}}
BINARY = {"schema": {"type": "string", "format": "binary"}}


class FileRoute(APIRoute):
    """A route that takes a recipe file where it takes JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Let the file be JSON before the route reads it."""
        handle = super().get_route_handler()

        async def read(request: Request) -> Response:
            form = TYPES.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
            return await handle(await _as_json(request, form) if form else request)

        return read


async def _as_json(request: Request, form: Form) -> Request:
    text = await request.body()
    try:
        body = json.dumps(await run_in_threadpool(recipe_files.read, text, form), allow_nan=False).encode()
    except (TypeError, ValueError):  # a date, say
        raise BadInput(field="file", given="its contents", allowed="what JSON can say") from None

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [
        (name, value) for name, value in request.scope["headers"] if name not in {b"content-type", b"content-length"}
    ]
    return Request({**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}, receive)


router = APIRouter(prefix="/api", tags=["tasks"], responses=PROBLEMS, route_class=FileRoute)


@router.post(
    "/tasks", status_code=201,
    openapi_extra={"requestBody": {"content": dict.fromkeys(FORMS.values(), TEXT)}},
)  # fmt: skip
def order(desk: AtDesk, wish: Slip, response: Response) -> Shown:
    """Order an ISO. If the same was built before, the answer is a task that is ready."""
    (added,) = desk.order_all([wish.ordered(desk)])
    response.headers["Location"] = f"/api/tasks/{added['id']}"
    return added


@router.post("/preview", openapi_extra={"requestBody": {"content": dict.fromkeys(FORMS.values(), TEXT)}})
def preview(desk: AtDesk, draft: Draft) -> Shown:
    """What an order would come to: packages, bytes to download, and the size and seconds that are expected, each with
    the interval in which eight of ten fall. Nothing is ordered.
    """
    return draft.preview(desk)


@router.get("/tasks/{task}/recipe.{form}", response_class=Response, responses={
    200: {"content": dict.fromkeys(FORMS.values(), TEXT), "description": "A recipe file"}
})  # fmt: skip
def send_recipe(desk: AtDesk, task: Number, form: Form) -> Response:
    """A task's recipe file, to be shared and ordered from: its recipe and options, without what is secret."""
    text = recipe_files.share(desk, task, form)
    name = f"{desk.task(task)['name']}.{form}"
    kept = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    return Response(text, media_type=f"{FORMS[form]}; charset=utf-8", headers=kept)


@router.post(
    "/uploads", status_code=201, openapi_extra={"requestBody": {"content": {"application/octet-stream": BINARY}}}
)
async def upload(
    request: Request,
    desk: AtDesk,
    name: Annotated[str, Query(max_length=200, description="the file's own name")] = "",
) -> Shown:
    """Bring a file, as the body of the request; the answer says what options call it."""
    length = request.headers.get("content-length", "")
    with desk.uploads.receive(name, int(length) if length.isdecimal() and len(length) < 19 else 0) as incoming:
        await _receive(request, incoming)
        return asdict(await run_in_threadpool(incoming.keep))


async def _receive(request: Request, incoming: Incoming) -> None:
    async for chunk in request.stream():
        await run_in_threadpool(incoming.write, chunk)
