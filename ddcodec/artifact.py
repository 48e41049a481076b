"""One open ``.ddz``: what it holds, what it weighs, whether it is intact. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ddcodec.container import KINDS, Limits, Reader, Section
from ddcodec.errors import EncodeError, HeaderError, MissingDependencyError, PixelDriftError
from ddcodec.recipe import Head, Recipe
from ddcodec.synthesis.drift import drift_message, spread_sample

if TYPE_CHECKING:
    from ddcodec.contents import Contents
    from ddcodec.dataset import DistilledDataset, Pixels, Transform
    from ddcodec.labels.reader import LabelReader
    from ddcodec.rendering import Renderer, Row

__all__ = ["Artifact", "Level", "SizeNode", "open_artifact"]

Level = Literal["structure", "crc", "digest", "pixels"]
LEVELS: tuple[Level, ...] = ("structure", "crc", "digest", "pixels")
Progress = Callable[[str, int, int], None]  # what, done, of how many
_RENDERED = 64  # pictures rendered between two calls of progress


@dataclass(frozen=True)
class SizeNode:
    """One line of the size budget.

    Attributes:
        name: section kind, codec or part of the container.
        stored: bytes in the file.
        raw: bytes before the container's compression.
        unpacked: bytes of the plain arrays (uint8 pixels, fp16 labels and vectors, u64 seeds).
        children: the parts this line is the sum of.
    """

    name: str
    stored: int
    raw: int
    unpacked: int
    children: tuple[SizeNode, ...] = ()


class Artifact:
    """An open artifact; cheap to open, because only the header is read.

    Use :func:`ddcodec.open`. Attributes: ``path``, ``head`` (typed), ``recipe``, ``info``
    (provenance, not covered by the content digest), ``classes`` (names that have rows).
    """

    def __init__(self, reader: Reader, head: Head) -> None:
        self._reader = reader
        self.head = head
        self.path = Path(reader.path) if reader.path is not None else None

    @property
    def recipe(self) -> Recipe:
        return self.head.recipe

    @property
    def header(self) -> Mapping[str, Any]:
        """The header's head and info as plain values; its index is ``sections``."""
        return {"head": self._reader.head, "info": self._reader.info}

    @property
    def info(self) -> Mapping[str, Any]:
        return self._reader.info

    @property
    def reader(self) -> Reader:
        """The container underneath."""
        return self._reader

    @property
    def sections(self) -> tuple[Section, ...]:
        return self._reader.sections

    @property
    def digest(self) -> str:
        """The content digest in hex: the identity of the artifact, independent of compression."""
        return self._reader.digest.hex()

    @property
    def file_len(self) -> int:
        return self._reader.file_len

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that have rows, in index order."""
        return tuple(self.head.classes[i] for i in self.head.row_classes)

    @cached_property
    def contents(self) -> Contents:
        """The stored arrays, decoded on demand."""
        from ddcodec.contents import Contents

        return Contents(self._reader, self.head)

    @cached_property
    def labels(self) -> LabelReader:
        """The stored soft labels as integer logits, decoded on demand."""
        from ddcodec.labels.reader import LabelReader

        return LabelReader(self.contents, self.head)

    def class_indices(self, names: Sequence[str]) -> tuple[int, ...]:
        """Indices of class names, ascending; raises EncodeError naming the unknown ones."""
        known = dict(zip(self.classes, self.head.row_classes, strict=True))
        unknown = [n for n in names if n not in known]
        if unknown:
            some = ", ".join(self.classes[:12])
            raise EncodeError(
                f"no class {', '.join(map(repr, unknown))} in this artifact; it has: {some}"
            )
        return tuple(sorted({known[n] for n in names}))

    def sizes(self) -> SizeNode:
        """The size budget of the file as a tree: section kinds, then codecs."""
        from ddcodec.budget import size_budget

        return size_budget(self)

    def verify(
        self,
        level: Level = "digest",
        *,
        prior: str | None = None,
        device: str = "cpu",
        sample: int | None = None,
        renderer: Renderer | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Check the artifact; each level includes those before it.

        ``structure``: header, index, coverage. ``crc``: every stored byte. ``digest``: every
        decoded section against the content digest. ``pixels``: render pictures and compare them
        with the stored pixel digests (loads the prior where one is needed).

        Args:
            level: how deep.
            prior, device: as for :meth:`renderer`, where none is given.
            sample: at level ``pixels``, compare only so many pictures, spread over all classes
                and slots; every picture by default.
            renderer: one of this artifact, to be used at level ``pixels``.
            progress: called with (what, done, total).

        Returns:
            The number of pictures compared (0 below ``pixels``).

        Raises:
            FormatError, IntegrityError: what is wrong, and where.
            EncodeError: an unknown level, or a sample that makes no sense.
        """
        if level not in LEVELS:
            raise EncodeError(f"unknown level {level!r}; use one of {', '.join(LEVELS)}")
        if sample is not None and (level != "pixels" or sample < 1):
            raise EncodeError("a sample is of 1 or more pictures, at level pixels")
        self.contents.check_coverage()
        if level == "structure":
            self._reader.verify("structure")
            return 0
        self._reader.verify("crc" if level == "crc" else "digest")
        if level != "pixels":
            return 0
        rows = [(c, s) for c in self.head.row_classes for s in range(self.recipe.ipc)]
        if sample is not None:
            rows = [rows[i] for i in spread_sample(len(rows), sample, self._reader.digest)]
        renderer = renderer or self.renderer(prior=prior, device=device)
        self._verify_pixels(rows, renderer, progress)
        return len(rows)

    def _verify_pixels(
        self, rows: Sequence[Row], renderer: Renderer, progress: Progress | None
    ) -> None:
        drifted: list[str] = []
        for start in range(0, len(rows), _RENDERED):
            chunk = rows[start : start + _RENDERED]
            drifted += [f"{self.head.classes[c]}/{s}" for c, s in renderer.drifted(chunk)]
            if progress is not None:
                progress("pictures", start + len(chunk), len(rows))
        if drifted:
            written, here = self.info.get("environment"), renderer.environment()
            raise PixelDriftError(
                drift_message(drifted, len(rows), renderer.execution, written, here)
            )

    def renderer(self, *, prior: str | None = None, device: str = "cpu") -> Renderer:
        """A renderer of this artifact's pictures and views (imports torch only if it generates)."""
        from ddcodec.rendering import Renderer

        return Renderer(self.contents, self.head, prior=prior, device=device)

    def subset(
        self,
        out: str | os.PathLike[str],
        *,
        classes: Sequence[str] | None = None,
        ipc: int | None = None,
        views: int | None = None,
        force: bool = False,
    ) -> Artifact:
        """Write a slice as a new artifact and open it; the images that stay are byte-identical."""
        from ddcodec.slicing import subset

        subset(self, out, classes=classes, ipc=ipc, views=views, force=force)
        return open_artifact(out)

    def dataset(
        self,
        *,
        classes: Sequence[str] | None = None,
        ipc: int | None = None,
        views: int | None = None,
        device: str = "cpu",
        transform: Transform | None = None,
        pixels: Pixels = "uint8",
        labels: Literal["soft", "hard"] = "soft",
        prior: str | None = None,
    ) -> DistilledDataset:
        """The artifact as a torch Dataset; see :class:`ddcodec.dataset.DistilledDataset`."""
        try:
            from ddcodec.dataset import DistilledDataset
        except ImportError as error:
            raise MissingDependencyError(
                f"a Dataset, and labels that a stored teacher computes, need {error.name}: pip "
                f"install {error.name}"
            ) from error

        return DistilledDataset(
            self,
            classes=classes,
            ipc=ipc,
            views=views,
            device=device,
            transform=transform,
            pixels=pixels,
            labels=labels,
            prior=prior,
        )

    def close(self) -> None:
        self._reader.close()

    def __enter__(self) -> Artifact:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {"reader": self._reader, "head": self.head}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # cached_property values stay behind; a worker decodes for itself.
        Artifact.__init__(self, state["reader"], state["head"])

    def __repr__(self) -> str:
        recipe = self.recipe
        return (
            f"Artifact({str(self.path)!r}, {len(self.classes)} classes x {recipe.ipc} images x "
            f"{recipe.views} views, {self.file_len} bytes)"
        )


def open_artifact(path: str | os.PathLike[str], *, limits: Limits | None = None) -> Artifact:
    """Open a ``.ddz`` file, reading only its header.

    Args:
        path: the file.
        limits: resource limits of the reader; the defaults suit untrusted files.

    Raises:
        FormatError: the file is malformed (with a precise subclass).
        UnsupportedFeatureError: the file needs a newer ddcodec.
        DecodeError: the file cannot be read.
    """
    return from_reader(Reader(path, limits=limits or Limits()))


def from_reader(reader: Reader) -> Artifact:
    """An artifact over an open container; raises as :func:`open_artifact` does."""
    try:
        reader.check_kinds(KINDS)
        if not isinstance(reader.head, Mapping):
            raise HeaderError("the head is not a map; the file is damaged")
        return Artifact(reader, Head.from_map(reader.head))
    except BaseException:
        reader.close()
        raise
