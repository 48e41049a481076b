"""A page of one artifact, served to one reader on this machine.

The server listens on the loopback interface alone. Every path begins with a token that only the
reader knows, and a Host header that names another host is refused, so that no page of the web can
ask for anything. It answers with the files of the page and with what `PageSource` says of the
artifact, and with nothing else: no path names a file.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config, Server

from ddcodec.arrays import UInt8s
from ddcodec.errors import DdcodecError, RequestError
from ddcodec.showing.page_files import MEDIA_TYPES, page_files
from ddcodec.showing.pictures import png
from ddcodec.showing.source import MOST_VIEWS, PageSource

__all__ = ["PageServer"]

LOOPBACK = "127.0.0.1"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ENDS_WITHIN = 1  # seconds that answers on their way have at the end
_NOBODY = 499  # by custom: whoever asked has gone


class PageServer:
    """Serves one artifact until it is told to stop.

    Args:
        source: of the artifact.
        port: to listen on; 0 for one that is free.

    Attributes:
        url: of the page, with the token.

    Raises:
        RequestError: the port is taken, or may not be listened on.
    """

    def __init__(self, source: PageSource, port: int = 0) -> None:
        self._socket = _listening(port)
        self.port: int = self._socket.getsockname()[1]
        token = secrets.token_urlsafe(16)
        self.url = f"http://{LOOPBACK}:{self.port}/{token}/"
        self._server = Server(
            Config(
                application(source, token, self.port),
                http="h11",
                ws="none",
                lifespan="off",
                loop="asyncio",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=_ENDS_WITHIN,
            )
        )

    @contextmanager
    def running(self) -> Iterator[str]:
        """The URL, which is answered while the block runs."""
        # In a thread of its own: signals stay the main thread's, and so does a notebook's loop.
        thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        with self._socket:
            thread.start()
            try:
                yield self.url
            finally:
                self._server.should_exit = True
                thread.join(2 * _ENDS_WITHIN)


def application(source: PageSource, token: str, port: int) -> Starlette:
    """What answers requests for the page of one artifact under ``/token/``."""
    answers = _Answers(source)
    routes = [
        Route(f"/{{token}}{path}", answer)
        for path, answer in (
            ("/summary.json", answers.summary),
            ("/picture/{row:int}/{slot:int}.json", answers.picture),
            ("/picture/{row:int}/{slot:int}.png", answers.picture_png),
            ("/stored/{row:int}/{slot:int}/{number:int}.png", answers.stored_png),
            ("/views/{row:int}/{slot:int}.json", answers.views),
            ("/views/{row:int}/{slot:int}/{view:int}.png", answers.view_png),
            ("/{name:path}", _file),
        )
    ]
    guard = Middleware(_Guard, token=token, hosts=(f"{LOOPBACK}:{port}", f"localhost:{port}"))
    return Starlette(
        routes=routes,
        middleware=[guard],
        exception_handlers={RequestError: _not_there, DdcodecError: _failed},
    )


class _Guard:
    """Refuses whoever does not know the token or names another host; adds headers to answers."""

    def __init__(self, app: ASGIApp, token: str, hosts: tuple[str, str]) -> None:
        self._app, self._token, self._hosts = app, token.encode(), hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        token = scope["path"].split("/")[1].encode() if scope["path"].startswith("/") else b""
        if headers.get(b"host", b"").decode("latin-1") not in self._hosts:
            answer: ASGIApp = PlainTextResponse("This server has another name.\n", 421)
        elif not hmac.compare_digest(token, self._token):
            answer = PlainTextResponse("Open the URL that was shown, with its token.\n", 403)
        else:
            answer = self._app

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                added = [(k.lower().encode(), v.encode()) for k, v in _HEADERS.items()]
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await answer(scope, receive, send_guarded)


class _Answers:
    """Answers to requests for what the artifact holds."""

    def __init__(self, source: PageSource) -> None:
        self._source = source
        self._drawing = asyncio.Lock()

    async def summary(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._source.summary))

    async def picture(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._source.picture, *_row(request)))

    async def views(self, request: Request) -> Response:
        first, count = (_number(request, *one) for one in (("first", 0), ("count", MOST_VIEWS)))
        told = partial(self._source.views, *_row(request), first, count)
        # A stored teacher looks at the pictures, which a prior may have to draw.
        slow = self._source.generated and self._source.artifact.recipe.labels.kind == "teacher"
        return await self._in_turn(request, told, JSONResponse, slow=slow)

    async def picture_png(self, request: Request) -> Response:
        return await self._png(request, partial(self._source.picture_pixels, *_row(request)))

    async def view_png(self, request: Request) -> Response:
        view = request.path_params["view"]
        return await self._png(request, partial(self._source.view_pixels, *_row(request), view))

    async def stored_png(self, request: Request) -> Response:
        number = request.path_params["number"]
        return await self._png(request, partial(self._source.stored_pixels, *_row(request), number))

    async def _png(self, request: Request, pixels: Callable[[], UInt8s]) -> Response:
        return await self._in_turn(
            request, lambda: png(pixels()), _png_response, slow=self._source.generated
        )

    async def _in_turn(
        self,
        request: Request,
        work: Callable[[], Any],
        respond: Callable[[Any], Response],
        *,
        slow: bool,
    ) -> Response:
        """What is slow is done one at a time, and not at all if nobody waits for it any more."""
        if not slow:
            return respond(await run_in_threadpool(work))
        async with self._drawing:
            if await request.is_disconnected():
                return Response(status_code=_NOBODY)
            return respond(await run_in_threadpool(work))


async def _file(request: Request) -> Response:
    """One of the files of the page, which are few and known."""
    name = request.path_params["name"] or "index.html"
    content = page_files().get(name)
    if content is None:
        return PlainTextResponse("There is no such page.\n", 404)
    return Response(content, media_type=MEDIA_TYPES[name.rpartition(".")[2]])


def _png_response(content: bytes) -> Response:
    # The URL has the token in it, so nothing of another artifact is ever found under it.
    return Response(
        content, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"}
    )


def _not_there(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 404)


def _failed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 500)


def _row(request: Request) -> tuple[int, int]:
    return request.path_params["row"], request.path_params["slot"]


def _number(request: Request, name: str, default: int) -> int:
    """A number of the query.

    Raises:
        RequestError: it is none.
    """
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise RequestError(f"{name} is not a number")
    return int(text)


def _listening(port: int) -> socket.socket:
    """A socket that listens on this machine alone.

    Raises:
        RequestError: the port is taken, or may not be listened on.
    """
    try:
        return socket.create_server((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        raise RequestError(
            f"port {port} of this machine cannot be listened on ({error}); choose another one, or "
            "let a free one be found"
        ) from error
