"""A page of one artifact, served to one reader on this machine.

The server listens on the loopback interface alone. Every path begins with a token that only the
reader knows, and a Host header that names another host is refused, so that no page of the web can
ask for anything. It answers with the files of the page and with what `PageSource` says of the
artifact, and with nothing else: no path names a file.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config, Server

from ddcodec.errors import RequestError
from ddcodec.showing.answers import FAULTS, Answers
from ddcodec.showing.source import PageSource

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
        port = self._socket.getsockname()[1]
        token = secrets.token_urlsafe(16)
        self.url = f"http://{LOOPBACK}:{port}/{token}/"
        self._answers = Answers(source)
        config = Config(
            application(self._answers, token, port),
            http="h11",
            ws="none",
            lifespan="off",
            loop="asyncio",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_ENDS_WITHIN,
        )
        self._server = Server(config)

    @property
    def drawing(self) -> bool:
        """Whether pictures are being drawn, which cannot be broken off."""
        return self._answers.drawing

    @contextmanager
    def running(self) -> Iterator[str]:
        """The URL, which is answered while the block runs; drawings under way are finished."""
        # In a thread of its own: signals stay the main thread's, and so does a notebook's loop.
        thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        with self._socket:
            thread.start()
            try:
                yield self.url
            finally:
                # Answers that break off at the end are no faults.
                logging.getLogger("uvicorn.error").addFilter(_unheard)
                self._server.should_exit = True
                thread.join()
                logging.getLogger("uvicorn.error").removeFilter(_unheard)
                self._answers.close()


def _unheard(record: logging.LogRecord) -> bool:
    return False


def application(answers: Answers, token: str, port: int) -> Starlette:
    """What answers requests for the page of one artifact under ``/token/``."""
    guard = Middleware(_Guard, token=token, hosts=(f"{LOOPBACK}:{port}", f"localhost:{port}"))
    return Starlette(
        routes=answers.routes,
        middleware=[guard],
        exception_handlers=FAULTS,
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
