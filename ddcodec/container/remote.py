"""Files behind a URL, read by ranged requests through fsspec."""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, TypeVar

from ddcodec.container.blob import Blob, ends_early, read_fully
from ddcodec.errors import DecodeError, MissingArtifactError
from ddcodec.extras import missing

if TYPE_CHECKING:
    from ddcodec.progress import ProgressOption

__all__ = ["RemoteBlob", "is_url", "without_secrets"]

Result = TypeVar("Result")

# The first request has the header of a thousand classes, or all of a small file.
_FIRST = 64 << 10
# A reading that goes on where an earlier one ended reads ahead, first so far and then twice as far
# each time: what is read in order takes few requests, and what is not takes no byte too many.
_AHEAD, _FARTHEST = 64 << 10, 4 << 20
# Readings in order that are told apart: pictures, their labels and so on, each for itself.
_ORDERS = 8
_KEPT = 16 << 20
"""Bytes that are kept of what was read ahead."""
_USER = re.compile(r"(\w://)[^\s/?#'\"]*@")
_QUERY = re.compile(r"(\w://[^\s?#'\"]*)[?#][^\s'\"]*")
_PAUSES = (0.5, 2.0)
"""Seconds before a request that failed is sent again, and then for the last time."""


def is_url(source: object) -> bool:
    """Whether this is a URL of fsspec, chained ones included, and not a path.

    >>> is_url("https://example.org/a.ddz"), is_url("a.ddz"), is_url("simplecache::s3://b/a.ddz")
    (True, False, True)
    """
    return isinstance(source, str) and "://" in source


def without_secrets(url: str) -> str:
    """A URL as messages show it: without user, password and query, which may be keys.

    >>> without_secrets("https://me:pass@example.org/a.ddz?key=1")
    'https://example.org/a.ddz'
    """
    return _QUERY.sub(r"\1", _USER.sub(r"\1", url))


class RemoteBlob(Blob):
    """A file behind a URL.

    Its beginning is read at once, the rest where it is asked for. Of a server that does not answer
    ranged requests, the whole file is fetched once, into a temporary file. A request that fails is
    tried three times. Safe to share between threads, and picklable: a worker connects by itself.

    Args:
        url: any that fsspec knows.
        progress: whether and where to show a download of the whole file.

    Raises:
        MissingDependencyError: what this kind of URL needs is not installed.
        DecodeError: there is no such file, or it cannot be reached.
    """

    def __init__(self, url: str, progress: ProgressOption = None) -> None:
        self._url, self._progress = url, progress
        self.name = without_secrets(url)
        self._whole: IO[bytes] | None = None
        self._disconnect()

    def _disconnect(self) -> None:
        self._lock = threading.RLock()
        self._file: Any = None
        self._size: int | None = None
        self._process = os.getpid()
        self._spans: deque[tuple[int, bytes]] = deque()
        self._orders: deque[tuple[int, int]] = deque(maxlen=_ORDERS)

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self._url}

    def __setstate__(self, state: dict[str, Any]) -> None:
        RemoteBlob.__init__(self, state["url"])

    @property
    def size(self) -> int:
        if self._process != os.getpid():
            self._disconnect()  # of a process that was forked: connections are its parent's
        with self._lock:
            if self._whole is None and self._file is None:
                self._connect()
            if self._whole is not None:
                return os.fstat(self._whole.fileno()).st_size
            assert self._size is not None
            return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        end, size = offset + length, self.size
        if end > size:
            raise ends_early(size)
        with self._lock:
            if self._whole is None:
                data = self._kept(offset, end)
                if data is None:
                    data = self._fetched(offset, end, min(self._until(offset, end), size))
                if data is not None:
                    return data
            assert self._whole is not None
            return read_fully(self._whole.fileno(), offset, length)

    def close(self) -> None:
        if self._process == os.getpid() and self._file is not None:
            self._file.close()
        if self._whole is not None:
            self._whole.close()
            self._whole = None
        self._disconnect()

    def __del__(self) -> None:
        if self._whole is not None:
            self._whole.close()

    def _connect(self) -> None:
        self._tried(self._open)
        if self._size is None:
            self._download()
        else:
            self._fetched(0, 0, min(_FIRST, self._size))

    def _system(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        options: dict[str, Any] = {}
        if self._url.startswith(("http://", "https://")):
            from aiohttp import ClientTimeout

            # However large a file is, a connection that stands still is given up.
            timeout = ClientTimeout(total=None, sock_connect=30, sock_read=60)
            options["client_kwargs"] = {"timeout": timeout}
            options["headers"] = {"Accept-Encoding": "identity"}  # ranges of the file itself
        system, path = url_to_fs(self._url, **options)
        return system, path

    def _open(self) -> None:
        system, path = self._system()
        self._file = system.open(path, "rb", cache_type="none")
        # Files in a local cache are Python's own; the web does not always say how long one is.
        known = hasattr(self._file, "size")
        self._size = self._file.size if known else self._file.seek(0, os.SEEK_END)

    def _until(self, offset: int, end: int) -> int:
        """How far to read: beyond the end if this goes on where an earlier reading ended."""
        near = (o for o in self._orders if offset <= o[0] + _AHEAD and o[0] < end)
        order = next(near, None)
        ahead = 0
        if order is not None:
            self._orders.remove(order)
            ahead = order[1]
        self._orders.append((end + ahead, min(2 * ahead or _AHEAD, _FARTHEST)))
        return end + ahead

    def _kept(self, offset: int, end: int) -> bytes | None:
        for start, data in self._spans:
            if start <= offset and end <= start + len(data):
                return data[offset - start : end - start]
        return None

    def _fetched(self, offset: int, end: int, until: int) -> bytes | None:
        """Bytes from the server; None where it sends no parts, and the whole file is here now."""

        def fetch() -> bytes | None:
            if self._file is None:
                self._open()
            try:
                self._file.seek(offset)
                found: bytes = self._file.read(until - offset)
            except ValueError as error:
                if offset and "range requests" in str(error):
                    return None
                raise
            if len(found) != until - offset:
                raise OSError(f"{len(found):,} bytes came in place of {until - offset:,}")
            return found

        data = self._tried(fetch)
        if data is None:
            self._download()
            return None
        if until > end:
            self._spans.append((offset, data))
            while len(self._spans) > 1 and sum(len(span) for _, span in self._spans) > _KEPT:
                self._spans.popleft()
        return data[: end - offset]

    def _download(self) -> None:
        """Fetch the whole file, which is read from here from now on."""
        from fsspec.callbacks import Callback

        from ddcodec.progress import displayed

        whole = self._whole = tempfile.TemporaryFile(prefix="ddcodec-")  # noqa: SIM115
        with self._closed_on_error(), displayed(self._progress) as tell:

            def told(size: int | None, value: int, **_: Any) -> None:
                if tell is not None:
                    tell(f"fetching {self.name}, MB", value >> 20, max(value, size or 0) >> 20)

            def fetch() -> None:
                whole.seek(0)
                whole.truncate()
                system, path = self._system()
                system.get_file(path, whole, callback=Callback(hooks={"tell": told}))
                whole.flush()

            self._tried(fetch)

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _tried(self, action: Callable[[], Result]) -> Result:
        """What an action returns, which is tried three times, each with a connection of its own."""
        for pause in _PAUSES:
            try:
                return action()
            except (ImportError, PermissionError, NotImplementedError):
                break  # they will not pass
            except Exception as error:  # whatever the libraries under fsspec raise
                if _is_missing(error):
                    break
                self._file = None
                time.sleep(pause)
        with self._errors():
            return action()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except ImportError as error:
            raise missing(f"reading {self.name}", error) from error
        except Exception as error:
            if _is_missing(error):
                raise MissingArtifactError(f"there is no {self.name}; check the URL") from error
            why = error.__cause__ if isinstance(error, FileNotFoundError) else error
            # Libraries repeat the URL in what they say, keys and all.
            said = without_secrets(f"{type(why).__name__}: {why}")
            raise DecodeError(
                f"{self.name} cannot be read ({said}); check the URL and the connection, then try "
                "again"
            ) from error


def _is_missing(error: Exception) -> bool:
    """Whether there is no such file; fsspec says so of servers that it cannot reach, too."""
    if not isinstance(error, FileNotFoundError):
        return False
    cause = error.__cause__
    unreached = isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError)
    return not unreached and getattr(cause, "status", 404) in (404, 410)
