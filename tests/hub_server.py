"""A stand-in for the hub: an HTTP server that the hub's own library talks to."""

from __future__ import annotations

import hashlib
import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

COMMIT = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"
OTHER_COMMIT = "0" * 40
_LARGE = (".ddz", ".parquet")


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
        commit: the last one.
        exists: whether the repository is there; a request to make it makes it.
        private: whether it is its owner's alone.
        token: that may write.
        uploads: SHA-256 -> content of large files.
        meanwhile: whether somebody else writes just before the next commit.
        spoils: paths of which other bytes are kept than were sent.
    """

    url: str
    cache: Path
    files: dict[str, bytes] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    branches: tuple[str, ...] = ("main", "v1")
    broken: set[str] = field(default_factory=set)
    gated: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    commit: str = COMMIT
    exists: bool = True
    private: bool = False
    token: str = "hf_writer"
    uploads: dict[str, bytes] = field(default_factory=dict)
    meanwhile: bool = False
    spoils: set[str] = field(default_factory=set)

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
        return {
            "id": "owner/name",
            "sha": self.commit,
            "siblings": siblings,
            "cardData": self.card,
            "private": self.private,
        }

    def tree(self) -> list[dict[str, Any]]:
        """As ``/api/models/.../tree`` answers."""
        return [self.entry(name) for name in self.files]

    def entry(self, name: str) -> dict[str, Any]:
        """A file as listings tell it; large ones by their SHA-256, too."""
        data = self.files[name]
        entry = {"type": "file", "path": name, "size": len(data), "oid": _blob(data)}
        if name.endswith(_LARGE) and self.uploads:
            sha = hashlib.sha256(data).hexdigest()
            entry["lfs"] = {"oid": sha, "size": len(data), "pointerSize": 130}
        return entry

    def write(self, lines: list[dict[str, Any]]) -> bool:
        """Carry out a commit; False if it is not based on the last one."""
        if self.meanwhile:
            self.commit = OTHER_COMMIT
        head, *operations = lines
        if head["value"].get("parentCommit") != self.commit:
            return False
        for one in operations:
            value = one["value"]
            large = one["key"] == "lfsFile"
            data = self.uploads[value["oid"]] if large else b64decode(value["content"])
            self.files[value["path"]] = data[1:] if value["path"] in self.spoils else data
        self.commit = hashlib.sha1(json.dumps(lines).encode()).hexdigest()
        return True


def _blob(data: bytes) -> str:
    """The name that git gives a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _etag(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.asked.append(("POST", path))
        body = self._body()
        if path == "/api/validate-yaml":
            return self._send(b'{"errors": [], "warnings": []}')
        if self.headers["Authorization"] != f"Bearer {hub.token}":
            return self._refuse(403, "Forbidden")
        if path == "/api/repos/create":
            answer = json.dumps({"url": f"{hub.url}/datasets/owner/name"}).encode()
            if hub.exists:
                return self._send(answer, status=409)
            hub.exists, hub.private = True, json.loads(body).get("visibility") == "private"
            return self._send(answer)
        answer = self._written(path, body)
        if answer is None:
            return self._refuse(412, "PreconditionFailed")
        return self._send(json.dumps(answer).encode())

    def _body(self) -> bytes:
        """The content of a request, which may come in chunks."""
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _written(self, path: str, body: bytes) -> Any:
        """The answer to a part of a push; None where another was quicker."""
        hub = self.hub
        if path.endswith("/preupload/main"):
            names = [one["path"] for one in json.loads(body)["files"]]
            modes = {name: "lfs" if name.endswith(_LARGE) else "regular" for name in names}
            files = [{"path": n, "uploadMode": modes[n], "shouldIgnore": False} for n in names]
            return {"files": files}
        if path.endswith("/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            for one in objects:
                one["actions"] = {"upload": {"href": f"{hub.url}/upload/{one['oid']}"}}
            return {"objects": objects}
        if path.endswith("/paths-info/" + hub.commit):
            asked = parse_qs(body.decode())["paths"]
            return [hub.entry(name) for name in asked if name in hub.files]
        assert path.endswith("/commit/main"), path
        if not hub.write([json.loads(line) for line in body.splitlines()]):
            return None
        return {"success": True, "commitUrl": f"{hub.url}/c/{hub.commit}", "commitOid": hub.commit}

    def do_PUT(self) -> None:
        self.hub.asked.append(("PUT", self.path))
        data = self._body()
        oid = self.path.rpartition("/")[2]
        assert hashlib.sha256(data).hexdigest() == oid
        self.hub.uploads[oid] = data
        self._send(b"")

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

    def _send(self, data: bytes, *, cut: bool = False, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{_etag(data)}"')
        self.end_headers()
        if self.command != "HEAD":
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
    patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
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
