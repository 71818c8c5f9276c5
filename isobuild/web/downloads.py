"""Downloads: whole or in ranges, with the checksum in the headers; a file of any size takes a MiB of memory."""

import base64

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse

from isobuild.web.numbers import Number
from isobuild.web.reception import AtDesk

router = APIRouter(prefix="/download", include_in_schema=False)


TYPES = {
    "iso": "application/x-iso9660-image",
    "sbom": "application/spdx+json",
    "provenance": "application/vnd.in-toto+json",
    "zsync": "application/x-zsync",
    "torrent": "application/x-bittorrent",
    "boot-bios": "image/png",
    "boot-uefi": "image/png",
    "signature": "application/pgp-signature",
}


class Download(FileResponse):
    """A file, in chunks of a MiB: three times as fast as Starlette's 64 KiB."""

    chunk_size = 1 << 20


@router.api_route("/{task}/{file}.sha256", methods=["GET", "HEAD"])
def send_checksum(desk: AtDesk, task: Number, file: str) -> Response:
    """The checksum, as `sha256sum -c` reads it."""
    return PlainTextResponse(f"{desk.file(task, file).sha256}  {file}\n")


@router.api_route("/{task}/{file}", methods=["GET", "HEAD"])
def send_file(request: Request, desk: AtDesk, task: Number, file: str) -> Response:
    """The ISO, or another file of its task: all of it, or the ranges that are asked for."""
    found = desk.file(task, file)
    path = desk.store.path(found.build_id, found.file)
    headers = _headers(found.sha256)
    if _is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    kind = TYPES.get(found.kind, "text/plain; charset=utf-8")
    shown = "inline" if found.kind.startswith("boot-") else "attachment"
    return Download(
        path, filename=file, media_type=kind, headers=headers, stat_result=path.stat(), content_disposition_type=shown
    )  # fmt: skip


def _headers(sha256: str) -> dict[str, str]:
    digest = base64.b64encode(bytes.fromhex(sha256)).decode()
    return {"ETag": f'"{sha256}"', "Repr-Digest": f"sha-256=:{digest}:", "Cache-Control": "private, no-cache"}


def _is_known(request: Request, etag: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in known.split(","))
