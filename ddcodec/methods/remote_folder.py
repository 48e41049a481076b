"""A folder behind a URL that keeps finished pieces, on any file system that fsspec knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ddcodec.container.remote import without_secrets
from ddcodec.errors import EncodeError
from ddcodec.extras import missing

__all__ = ["RemoteFolder"]


class RemoteFolder:
    """Files by name in a folder behind a URL.

    No lock keeps two processes apart there. Two of one job write the same pieces, and a piece of
    another job, or half of one, is taken for none: its seal says so.

    Args:
        url: any that fsspec knows and can write to.

    Raises:
        MissingDependencyError: what this kind of URL needs is not installed.
        EncodeError: it cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self.name = without_secrets(url)
        with self._errors("reached"):
            from fsspec.core import url_to_fs

            self._system: Any
            self._system, path = url_to_fs(url)
            self._path = str(path).rstrip("/")
            self._system.makedirs(self._path, exist_ok=True)

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where there is none.

        Raises:
            EncodeError: it cannot be read.
        """
        with self._errors("read"):
            try:
                content: bytes = self._system.cat_file(f"{self._path}/{name}")
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file, or replace it.

        Raises:
            EncodeError: it cannot be written.
        """
        with self._errors("written"):
            self._system.pipe_file(f"{self._path}/{name}", content)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except ImportError as error:
            raise missing(f"a work folder at {self.name}", error) from error
        except Exception as error:  # whatever the libraries under fsspec raise
            said = without_secrets(f"{type(error).__name__}: {error}")
            raise EncodeError(
                f"the work folder {self.name} cannot be {what} ({said}): check it, and run the "
                "same command again; finished pieces are kept"
            ) from error
