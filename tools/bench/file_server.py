"""A web server of one file, with ranges or without, that can break off or be slow."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_CHUNK = 16 << 10


@dataclass
class FileServer:
    """What the server does.

    Attributes:
        url: of the file.
        data: its content, which may be changed meanwhile.
        ranges: whether it answers ranged requests with parts.
        says_size: whether answers say how long they are.
        breaks: so many of the next answers end in the middle.
        refuses: the status of every answer, in place of the file.
        latency: seconds before each answer.
        rate: bytes per second of all answers together; None for as many as can be.
        sent: bytes of files that were sent.
        asked: (first, last) byte of each GET, or None of one for all.
    """

    url: str = ""
    data: bytes = b""
    ranges: bool = True
    says_size: bool = True
    breaks: int = 0
    refuses: int | None = None
    latency: float = 0.0
    rate: int | None = None
    sent: int = 0
    asked: list[tuple[int, int] | None] = field(default_factory=list)


@contextmanager
def file_server(data: bytes, name: str = "a.ddz") -> Iterator[FileServer]:
    """A server on this machine, for the length of a block."""
    served, line = FileServer(data=data), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            if self.path.split("?")[0] != f"/{name}":
                self.send_error(404)
                return
            if served.refuses is not None:
                self.send_error(served.refuses)
                return
            time.sleep(served.latency)
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            data, span = served.data, None
            if wanted:
                span = int(wanted[1]), int(wanted[2])
            if body:
                served.asked.append(span)
            partial = served.ranges and span is not None
            if partial and span is not None:
                data = data[span[0] : span[1] + 1]
            self.send_response(206 if partial else 200)
            if partial and span is not None:
                self.send_header("Content-Range", f"bytes {span[0]}-{span[1]}/{len(served.data)}")
            if served.says_size:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if body:
                broken = served.breaks > 0
                served.breaks -= broken
                self._send(data[: len(data) // 2] if broken else data)

        def _send(self, data: bytes) -> None:
            with suppress(ConnectionError):  # the reader has seen enough
                for start in range(0, len(data), _CHUNK):
                    chunk = data[start : start + _CHUNK]
                    with line:
                        if served.rate is not None:
                            time.sleep(len(chunk) / served.rate)
                        served.sent += len(chunk)
                    self.wfile.write(chunk)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/{name}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
