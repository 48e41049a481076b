"""The pin: SHA-256 of the model files an artifact was made with (spec/prior.md, "Pin")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ddcodec.errors import HeaderError
from ddcodec.recipe.fields import read_map

__all__ = ["MODEL_INDEX", "SETTINGS", "PriorPin"]

MODEL_INDEX = "model_index.json"
SETTINGS = (".json", ".txt", ".model")
"""Endings of a prior's files besides its weights."""

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
        files: relative posix path -> SHA-256 (64 hex digits), sorted by path.

    Raises:
        HeaderError: a field is of a wrong type or out of range.
    """

    source: str
    revision: str | None
    files: Mapping[str, str]

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
        object.__setattr__(self, "files", dict(sorted(self.files.items())))

    def describe(self) -> str:
        """The name a person knows it by, such as ``owner/name@0123...``."""
        return f"{self.source}@{self.revision}" if self.revision else self.source

    def to_map(self) -> dict[str, Any]:
        """The map that ``head.prior`` holds: strings, nil, and digests of 32 bytes."""
        files = {path: bytes.fromhex(digest) for path, digest in self.files.items()}
        return {"source": self.source, "revision": self.revision, "files": files}

    @classmethod
    def from_map(cls, value: Any) -> PriorPin:
        """Validate a map read from a header.

        Raises:
            HeaderError: a field is missing, unknown, of a wrong type or out of range.
        """
        m = read_map(value, "head.prior", ("source", "revision", "files"))
        if not isinstance(m["files"], Mapping):
            raise HeaderError(f"head.prior.files is not a map of 1..{_MAX_FILES} files")
        for path, digest in m["files"].items():
            if not isinstance(digest, bytes) or len(digest) != 32:
                raise HeaderError(f"head.prior.files has no SHA-256 for {path!r}")
        return cls(m["source"], m["revision"], {p: d.hex() for p, d in m["files"].items()})


def _check_files(files: Mapping[str, str]) -> None:
    if not 0 < len(files) <= _MAX_FILES:
        raise HeaderError(f"head.prior.files is not a map of 1..{_MAX_FILES} files")
    for path, digest in files.items():
        parts = path.split("/") if isinstance(path, str) else []
        safe = 0 < len(parts) <= 2 and all(_PART.fullmatch(p) for p in parts)
        if not safe or not path.endswith((".safetensors", *SETTINGS)):
            raise HeaderError(f"head.prior.files names {path!r}, which is no file of a prior")
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise HeaderError(f"head.prior.files has no SHA-256 for {path!r}")
    if MODEL_INDEX not in files:
        raise HeaderError(f"head.prior.files lacks {MODEL_INDEX}")
