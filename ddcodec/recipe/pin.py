"""The pin: SHA-256 of the model files an artifact was made with (spec/prior.md, "Pin")."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ddcodec.errors import HeaderError
from ddcodec.recipe.fields import read_map

__all__ = ["MODEL_INDEX", "SETTINGS", "PriorPin", "digest_of_files"]

MODEL_INDEX = "model_index.json"
SETTINGS = (".json", ".txt", ".model")
"""Endings of a prior's files besides its weights."""

_DOMAIN = b"ddz/prior/1\0"
_MAX_FILES = 256
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_SOURCE = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}(/[^/\\\x00-\x1f\x7f]{1,200})?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class PriorPin:
    """The prior an artifact is bound to.

    Attributes:
        source: ``tiny`` (in the package), a hub id, or the base name of a local folder; never a
            path of the machine that wrote the artifact.
        revision: the hub's commit hash (40 hex digits), None unless ``source`` is a hub id.
        files: relative posix paths, sorted.
        digest: SHA-256 of all files (64 hex digits), as ``digest_of_files`` makes it.

    Raises:
        HeaderError: a field is of a wrong type or out of range.
    """

    source: str
    revision: str | None
    files: tuple[str, ...]
    digest: str

    def __post_init__(self) -> None:
        source, revision = self.source, self.revision
        if not isinstance(source, str) or not _SOURCE.fullmatch(source) or ".." in source:
            raise HeaderError(f"head.prior.source {source!r} is not a prior's name")
        if revision is not None:
            if not isinstance(revision, str) or not _COMMIT.fullmatch(revision):
                raise HeaderError(f"head.prior.revision {revision!r} is not a commit hash")
            if "/" not in source:
                raise HeaderError(f"head.prior {source!r} has a revision, but is no hub id")
        elif "/" in source:
            raise HeaderError(f"head.prior names hub id {source!r} without a revision")
        _check_files(self.files)
        if not isinstance(self.digest, str) or not _SHA256.fullmatch(self.digest):
            raise HeaderError("head.prior.digest is not a SHA-256")

    @classmethod
    def of(cls, source: str, revision: str | None, digests: Mapping[str, str]) -> PriorPin:
        """The pin of files: relative posix path -> SHA-256 (64 hex digits)."""
        return cls(source, revision, tuple(sorted(digests)), digest_of_files(digests))

    def describe(self) -> str:
        """The name a person knows it by, such as ``owner/name@0123...``."""
        return f"{self.source}@{self.revision}" if self.revision else self.source

    def to_map(self) -> dict[str, Any]:
        """The map that ``head.prior`` holds: strings, nil, and a digest of 32 bytes."""
        return {
            "source": self.source,
            "revision": self.revision,
            "files": list(self.files),
            "digest": bytes.fromhex(self.digest),
        }

    @classmethod
    def from_map(cls, value: Any) -> PriorPin:
        """Validate a map read from a header.

        Raises:
            HeaderError: a field is missing, unknown, of a wrong type or out of range.
        """
        m = read_map(value, "head.prior", ("source", "revision", "files", "digest"))
        if not isinstance(m["files"], list):
            raise HeaderError(f"head.prior.files is not a list of 1..{_MAX_FILES} files")
        if not isinstance(m["digest"], bytes):
            raise HeaderError("head.prior.digest is not a SHA-256")
        return cls(m["source"], m["revision"], tuple(m["files"]), m["digest"].hex())


def digest_of_files(digests: Mapping[str, str]) -> str:
    """One SHA-256 over files, as spec/prior.md, "Pin", defines it.

    Args:
        digests: relative posix path -> SHA-256 of the file (64 hex digits).
    """
    state = hashlib.sha256(_DOMAIN)
    for path in sorted(digests):
        state.update(path.encode() + b"\0" + bytes.fromhex(digests[path]))
    return state.hexdigest()


def _check_files(files: Sequence[str]) -> None:
    if not 0 < len(files) <= _MAX_FILES:
        raise HeaderError(f"head.prior.files is not a list of 1..{_MAX_FILES} files")
    for path in files:
        parts = path.split("/") if isinstance(path, str) else []
        safe = 0 < len(parts) <= 2 and all(_PART.fullmatch(p) for p in parts)
        if not safe or not path.endswith((".safetensors", *SETTINGS)):
            raise HeaderError(f"head.prior.files names {path!r}, which is no file of a prior")
    if any(a >= b for a, b in pairwise(files)):
        raise HeaderError("head.prior.files is not sorted, each path once")
    if MODEL_INDEX not in files:
        raise HeaderError(f"head.prior.files lacks {MODEL_INDEX}")
