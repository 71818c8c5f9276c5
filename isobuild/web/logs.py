"""Logs of builds: their last lines, followed by byte offset, and the whole as plain text."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from isobuild.desk import Desk
from isobuild.domain.listing import Shown
from isobuild.errors import NotFound
from isobuild.store.log import Line, read
from isobuild.web.numbers import Chosen, Number, Offset
from isobuild.web.reception import AtDesk
from isobuild.web.views import render

router = APIRouter(include_in_schema=False)

WINDOW = 64 << 10  # bytes of a log that a page shows at once
CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Tail:
    """The end of a log: its lines, the byte offset after them, and whether lines before them were left out."""

    lines: list[Line]
    offset: int
    cut: bool
    ended: bool


@router.get("/tasks/{task}/log")
def show_lines(request: Request, desk: AtDesk, task: Number, build: Chosen = None, offset: Offset = 0) -> Response:
    """The lines since `offset`, and where to ask for the next; 204 while there is nothing new."""
    chosen = desk.build(task, build)
    tail = follow(desk, chosen, offset)
    if not tail.lines and not tail.ended:
        return Response(status_code=204)
    return render(request, "_lines.html", task={"id": task}, chosen=chosen, log=tail)


@router.api_route("/tasks/{task}/log.txt", methods=["GET", "HEAD"])
def send_whole(desk: AtDesk, task: Number, build: Chosen = None) -> Response:
    """The whole log, as it is now."""
    path = _path(desk, desk.build(task, build))
    if not path.is_file():
        raise NotFound(what="log", given=path.name, hint="The build has not written any yet.")
    return StreamingResponse(_chunks(path), media_type="text/plain; charset=utf-8")


def follow(desk: Desk, build: Shown, offset: int = 0) -> Tail:
    """The end of a build's log, from `offset` on at the earliest."""
    path = _path(desk, build)
    begin = max(offset, _size(path) - WINDOW)
    lines, after = read(path, begin)
    cut = begin > offset
    # the first line of a cut log begins somewhere within it
    return Tail(lines=lines[1:] if cut else lines, offset=after, cut=cut, ended=build["finished"])


def _path(desk: Desk, build: Shown) -> Path:
    return desk.settings.logs / f"{build['id']}.log"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
