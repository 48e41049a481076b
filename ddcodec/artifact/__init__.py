"""The open artifact: its face, its rows as a dataset, slices, sizes, checks and summaries."""

from __future__ import annotations

from ddcodec.artifact.artifact import Artifact, as_artifact, merge, open_artifact, subset
from ddcodec.artifact.sizes import SizeNode
from ddcodec.artifact.verify import LEVELS, Level

__all__ = [
    "LEVELS",
    "Artifact",
    "Level",
    "SizeNode",
    "as_artifact",
    "merge",
    "open_artifact",
    "subset",
]
