"""A stand-in for the hub: an HTTP server that the hub's own library talks to."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"
OTHER_COMMIT = "0" * 40


@dataclass
class FakeHub:
    """One repository, ``owner/name``, at one commit, with the branches ``main`` and ``v1``.

    It is a model and a data set at once, as their addresses differ.

    Attributes:
        url: where it listens.
        cache: the hub library's cache folder.
        files: path -> content.
        card: fields of its card.
        branches: names besides the commit.
        broken: paths whose content ends too early, as when a network goes.
        gated: whether files may not be read.
        asked: (method, path) of every request.
    """

    url: str
    cache: Path
    files: dict[str, bytes] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    branches: tuple[str, ...] = ("main", "v1")
    broken: set[str] = field(default_factory=set)
    gated: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)

    def hold(self, folder: Path) -> None:
        """Offer the files of a folder."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.files[path.relative_to(folder).as_posix()] = path.read_bytes()

    @property
    def fetched(self) -> list[str]:
        """The files whose content was asked for, sorted."""
        ahead = f"/owner/name/resolve/{COMMIT}/"
        return sorted(p.partition(ahead)[2] for m, p in self.asked if m == "GET" and ahead in p)

    def model(self) -> dict[str, Any]:
        """As ``/api/models`` answers with ``blobs=True``."""
        siblings = [{"rfilename": name, "size": len(data)} for name, data in self.files.items()]
        return {"id": "owner/name", "sha": COMMIT, "siblings": siblings, "cardData": self.card}

    def tree(self) -> list[dict[str, Any]]:
        """As ``/api/models/.../tree`` answers."""
        return [
            {"type": "file", "path": name, "size": len(data), "oid": _etag(data)}
            for name, data in self.files.items()
        ]


def _etag(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.asked.append((self.command, path))
        path = path.replace("/api/datasets/", "/api/models/").removeprefix("/datasets")
        if path.startswith("/api/models/owner/name"):
            _, _, rest = path.removeprefix("/api/models/owner/name").partition("/")
            what, _, revision = rest.partition("/")
            if revision.strip("/") not in ("", COMMIT, *hub.branches):
                return self._refuse(404, "RevisionNotFound")
            return self._send(json.dumps(hub.tree() if what == "tree" else hub.model()).encode())
        if path.startswith("/owner/name/resolve/"):
            if hub.gated:
                return self._refuse(403, "GatedRepo")
            name = path.removeprefix(f"/owner/name/resolve/{COMMIT}/")
            if name not in hub.files:
                return self._refuse(404, "EntryNotFound")
            return self._send(hub.files[name], cut=name in hub.broken)
        return self._refuse(404, "RepoNotFound")

    def _send(self, data: bytes, *, cut: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{_etag(data)}"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("X-Error-Code", code)
        self.end_headers()


@contextmanager
def fake_hub(cache: Path, patch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Start it, and make the hub's library talk to it and to nobody else."""
    from huggingface_hub import constants
    from huggingface_hub.utils import disable_progress_bars

    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub = FakeHub(f"http://127.0.0.1:{server.server_port}", cache)
    handler.hub = hub  # type: ignore[attr-defined]
    patch.setattr(constants, "ENDPOINT", hub.url)
    patch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        hub.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    patch.setenv("NO_PROXY", "127.0.0.1")
    disable_progress_bars()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
