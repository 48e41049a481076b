"""The result of an import: what was read, and what was made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddcodec.exchange.importing.order_check import Agreement

__all__ = ["ImportResult"]


@dataclass(frozen=True, repr=False)
class ImportResult:
    """What an import made, or with ``dry_run`` would make.

    Attributes:
        path: the artifact; None for a dry run.
        digest: content digest in hex; empty for a dry run.
        file_len: bytes of the artifact; 0 for a dry run.
        format: name of the source's format.
        why: what told it.
        files: that were read.
        source_len: bytes of these files.
        classes: in index order.
        order: where their names come from.
        ipc: images per class.
        size: (width, height) of an image in pixels.
        normalisation: that was undone; empty where pixels were stored.
        clipped: values outside of what a pixel may be, which were cut, of
        values: so many.
        psnr: of stored pictures against the source's, clipped, in dB; infinite without loss; None
            for a dry run.
        divergence: mean KL divergence of stored soft labels from those that were given, in nats;
            None for hard labels and for a dry run.
        labels: ``hard``; ``source``, soft labels of the source's own; ``soft`` or ``teacher``.
        agreement: how a teacher's predictions agree with the classes; None where none was named.
        recipe: further numbers of the source, such as ``lr``.
        expected: expected bytes by section kind, of a dry run.
        options_used: the options of the encode as they were used.
        warnings: one sentence each.

    >>> would = ddcodec.import_artifact("photos", "p.ddz", ipc=2, dry_run=True)
    >>> would.path, would.ipc, would.size, would.order
    (None, 2, (16, 16), 'names of the source')
    """

    path: Path | None
    digest: str
    file_len: int
    format: str
    why: str
    files: tuple[str, ...]
    source_len: int
    classes: tuple[str, ...]
    order: str
    ipc: int
    size: tuple[int, int]
    normalisation: str
    clipped: int
    values: int
    psnr: float | None
    divergence: float | None
    labels: str
    agreement: Agreement | None
    recipe: Mapping[str, str]
    expected: Mapping[str, int]
    options_used: Mapping[str, Any]
    warnings: tuple[str, ...]

    @property
    def psnr_text(self) -> str:
        """The distance of pictures, for people."""
        if self.psnr is None:
            return ""
        return "without loss" if math.isinf(self.psnr) else f"{self.psnr:.1f} dB"

    def __repr__(self) -> str:
        images = f"{len(self.classes)} classes x {self.ipc} images"
        if self.path is None:
            parts = [images, f"would take about {sum(self.expected.values()):,} bytes"]
        else:
            parts = [repr(str(self.path)), images, f"{self.file_len:,} bytes", self.psnr_text]
        parts += [f"warning: {warning}" for warning in self.warnings]
        return f"ImportResult({self.format}: {', '.join(parts)})"
