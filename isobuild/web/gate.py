"""The gate: who may come in and with how much, and what every answer carries. There are no accounts yet, so this is
what keeps other sites from ordering in a person's name through their browser.
"""

from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isobuild.web.problems import respond

LARGEST_BODY = 1 << 20  # bytes; but for uploads
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
FOREIGN = "This came from another site, and isobuild takes orders from its own pages and from programs only."


class Gate:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, largest_upload: int = LARGEST_BODY) -> None:
        self.app = app
        self.largest_upload = largest_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with 403 or 413."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request, answer = Request(scope), _dressed(send)
        if request.method not in SAFE and not _is_own(request):
            return await respond(request, 403, FOREIGN)(scope, receive, answer)
        return await self.app(scope, _limited(receive, self._most(request)), answer)

    def _most(self, request: Request) -> int:
        """The bytes that a request may have."""
        form = request.headers.get("content-type", "").startswith("multipart/form-data")
        if request.url.path == "/api/uploads" or (form and request.url.path.startswith("/order/")):
            return self.largest_upload + LARGEST_BODY
        return LARGEST_BODY


def _is_own(request: Request) -> bool:
    """Whether the request comes from our own pages, or from no browser at all.

    Another port of this machine is the same *site* for a browser, and still another origin.
    """
    if site := request.headers.get("sec-fetch-site"):
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or origin == f"{request.url.scheme}://{request.headers.get('host')}"


def _limited(receive: Receive, most: int) -> Callable[[], Awaitable[Message]]:
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise HTTPException(413, f"What was sent is too large: {most >> 20} MiB is the most.")
        return message

    return limited


def _dressed(send: Send) -> Send:
    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return dressed
