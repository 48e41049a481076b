"""Options of exports, beyond the part of the table that is written."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

from ddcodec.errors import RequestError, shown

__all__ = ["ExportOptions", "ViewCount"]

ViewCount: TypeAlias = int | Literal["all"]
"""So many views of each image, or all of them."""


@dataclass(frozen=True)
class ExportOptions:
    """Options that only some formats take; None where nothing was asked for.

    Attributes:
        views: views of each image; 1 is the image itself.
        statistics: name of the mean and standard deviation by which tensors are normalised.
        shard_bytes: most bytes of a shard, 1 or more.
        label_batch: labels per file of an FKD tree, 1 or more.

    Raises:
        RequestError: a number is out of range.
    """

    views: ViewCount | None = None
    statistics: str | None = None
    shard_bytes: int | None = None
    label_batch: int | None = None

    def __post_init__(self) -> None:
        for name in ("views", "shard_bytes", "label_batch"):
            value = getattr(self, name)
            if value is None or (name == "views" and value == "all"):
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise RequestError(f"{name}={shown(value)} is no number from 1")

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the options that were asked for."""
        return tuple(f.name for f in fields(self) if getattr(self, f.name) is not None)
