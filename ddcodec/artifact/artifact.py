"""``Artifact``: the face of one open ``.ddz``. Everything below it works on a ``Table``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddcodec.arrays import Progress
from ddcodec.artifact import merging, slicing
from ddcodec.artifact.sizes import SizeNode, Support, size_budget, support_of
from ddcodec.artifact.verify import Level, verify_table
from ddcodec.container import KIND_FLAGS, FileSource, Limits, Reader, Section
from ddcodec.errors import HeaderError
from ddcodec.extras import needed_for
from ddcodec.progress import ProgressOption, displayed
from ddcodec.recipe.head import Head, Recipe
from ddcodec.rendering.renderer import KEPT_PICTURES, Renderer
from ddcodec.table.table import Table

if TYPE_CHECKING:
    from ddcodec.artifact.dataset import DistilledDataset, LabelForm, Pixels, Transform
    from ddcodec.artifact.rows import RowReader
    from ddcodec.labels.reader import LabelReader

__all__ = ["Artifact", "as_artifact", "merge", "open_artifact", "subset", "verify"]


class Artifact:
    """An open artifact; cheap to open, because only the header is read.

    Use :func:`ddcodec.open`. Attributes: ``path`` (None of a URL, of bytes and of an open file),
    ``place`` (the same, or the URL, as messages show it), ``head`` (typed), ``recipe``, ``info``
    (provenance, not covered by the content digest), ``classes`` (names that have rows).

    >>> artifact = ddcodec.open("shapes.ddz")
    >>> artifact.classes, artifact.recipe.ipc, artifact.recipe.views
    (('blob', 'cross', 'stripes'), 4, 3)
    >>> data = artifact.dataset()  # a torch Dataset: image, label
    >>> image, label = data[0]
    >>> tuple(image.shape), label.tolist()
    ((3, 16, 16), [1.0, 0.0, 0.0])
    """

    def __init__(self, reader: Reader, head: Head) -> None:
        self._reader = reader
        self.head = head
        self.path = Path(reader.path) if reader.path is not None else None
        self.place = reader.name

    @property
    def file_name(self) -> str:
        """Last part of its path or URL, to tell artifacts apart by; else ``artifact``."""
        if self.path is not None:
            return self.path.name
        return self.place.rpartition("/")[2] if "/" in self.place else "artifact"

    @property
    def recipe(self) -> Recipe:
        """What a decoder must do."""
        return self.head.recipe

    @property
    def header(self) -> Mapping[str, Any]:
        """The header's head and info as plain values; its index is ``sections``."""
        return {"head": self._reader.head, "info": self._reader.info}

    @property
    def info(self) -> Mapping[str, Any]:
        """Who made it, from what and how; nobody has checked it."""
        return self._reader.info

    @property
    def reader(self) -> Reader:
        """The container underneath."""
        return self._reader

    @property
    def sections(self) -> tuple[Section, ...]:
        """The index: every section's kind, codec, box and place in the file."""
        return self._reader.sections

    @property
    def digest(self) -> str:
        """The content digest in hex: the identity of the artifact, independent of compression."""
        return self._reader.digest.hex()

    @property
    def file_len(self) -> int:
        """Length of the file in bytes."""
        return self._reader.file_len

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that have rows, in index order."""
        return self.head.row_names

    @property
    def names(self) -> tuple[str, ...]:
        """What to call the classes that have rows, in index order: readable names, or the same."""
        return tuple(self.head.readable[c] for c in self.head.row_classes)

    @cached_property
    def table(self) -> Table:
        """The stored arrays, decoded on demand."""
        return Table(self._reader, self.head)

    @cached_property
    def labels(self) -> LabelReader:
        """The stored soft labels as integer logits, decoded on demand."""
        from ddcodec.labels.reader import LabelReader

        return LabelReader(self.table)

    def sizes(self) -> SizeNode:
        """The size budget of the file as a tree: section kinds, then codecs."""
        return size_budget(self.table)

    def support(self) -> Support:
        """What a slice keeps besides its own pictures: partners of CutMix, rests of mosaics."""
        return support_of(self.table)

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

        ``structure``: header, index, and that every row is held exactly once. ``crc``: every
        stored byte. ``digest``: the content digest, and that this version decodes every section,
        so that every row can be read (without rendering or torch). ``pixels``:
        render pictures and compare them with the stored pixel digests (loads the prior where one
        is needed).

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
            RequestError: an unknown level, or a sample that makes no sense.
        """
        renderer = renderer or self.renderer(prior=prior, device=device)
        return verify_table(self.table, level, renderer, sample=sample, progress=progress)

    def fetch_prior(self, prior: str | None = None, progress: Progress | None = None) -> str | None:
        """``prior`` as a renderer takes it, with what of it is not on this machine fetched now.

        Args:
            prior: as for :meth:`renderer`; nothing is fetched where none is given.
            progress: called with megabytes, first before anything is fetched.

        Raises:
            DecodeError: it is not found, does not fit the disk, or cannot be fetched.
        """
        if prior is None or self.head.prior is None:
            return prior
        with needed_for("fetching a prior"):
            from ddcodec.prior.resolve import resolve_pinned

            return resolve_pinned(self.head.prior, prior, progress).spec

    def renderer(self, *, prior: str | None = None, device: str = "cpu") -> Renderer:
        """A renderer of this artifact's pictures and views (imports torch only if it generates).

        Args:
            prior: ``tiny``, a folder or a hub id, which may be fetched; by default the pinned
                prior, where this machine has it.
            device: torch device of generated pictures.
        """
        return Renderer(self.table, prior=prior, device=device)

    def subset(
        self,
        out: str | os.PathLike[str],
        *,
        classes: Sequence[str] | None = None,
        ipc: int | None = None,
        views: int | None = None,
        support: bool = True,
        force: bool = False,
    ) -> Artifact:
        """Write a slice as a new artifact and open it; the images that stay are byte-identical.

        Args:
            out: the file to write.
            classes: names of the classes wanted; all by default.
            ipc, views: keep only the first slots and the first views.
            support: keep pictures of other classes that views mix in; without them, such views are
                dropped, which leaves the plain images.
            force: replace an existing file.

        Raises:
            RequestError: unknown or no class, or more slots or views than there are.
            EncodeError: ``out`` exists, or cannot be written.
        """
        subset(self, out, classes=classes, ipc=ipc, views=views, support=support, force=force)
        return open_artifact(out)

    def rows(
        self,
        *,
        classes: Sequence[str] | None = None,
        ipc: int | None = None,
        views: int | None = None,
        device: str = "cpu",
        prior: str | None = None,
        cache_bytes: int = KEPT_PICTURES,
    ) -> RowReader:
        """Images and labels as numpy arrays; of stored pictures and labels without torch.

        See :class:`ddcodec.artifact.rows.RowReader` for the arguments.

        >>> reader = ddcodec.open("shapes.ddz").rows(classes=["blob", "cross"])
        >>> reader.images(reader.rows[:5]).shape, reader.probabilities([(1, 0)], view=2).shape
        ((5, 16, 16, 3), (1, 3))
        """
        from ddcodec.artifact.rows import RowReader

        return RowReader(
            self.table,
            classes=classes,
            ipc=ipc,
            views=views,
            device=device,
            prior=prior,
            cache_bytes=cache_bytes,
        )

    def dataset(
        self,
        *,
        classes: Sequence[str] | None = None,
        ipc: int | None = None,
        views: int | None = None,
        device: str = "cpu",
        transform: Transform | None = None,
        pixels: Pixels = "float",
        labels: LabelForm = "soft",
        prior: str | None = None,
        cache_bytes: int = KEPT_PICTURES,
    ) -> DistilledDataset:
        """The artifact as a torch Dataset.

        See :class:`ddcodec.artifact.dataset.DistilledDataset` for the arguments.
        """
        with needed_for("a torch Dataset (Artifact.rows gives arrays without it)"):
            from ddcodec.artifact.dataset import DistilledDataset
        return DistilledDataset(
            self.table,
            classes=classes,
            ipc=ipc,
            views=views,
            device=device,
            transform=transform,
            pixels=pixels,
            labels=labels,
            prior=prior,
            cache_bytes=cache_bytes,
        )

    def close(self) -> None:
        """Close the file; reading from it later opens it again."""
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

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ddcodec.artifact.notebook import html_of

        return html_of(self.file_name, self.table)

    def __repr__(self) -> str:
        recipe = self.recipe
        return (
            f"Artifact({self.place!r}: {len(self.classes)} classes x {recipe.ipc} images x "
            f"{recipe.views} views, {recipe.width}x{recipe.height} px, {self.file_len:,} bytes)"
        )


def open_artifact(source: FileSource, *, limits: Limits | None = None) -> Artifact:
    """Open a ``.ddz`` file, reading only its header.

    Of a URL, the header takes one ranged request, or two if it is longer than 64 KiB; of the
    rest, only what is asked for is fetched.

    Args:
        source: the path of the file, or a URL that `fsspec` knows (``https://``, ``hf://``,
            ``s3://``, chained ones such as ``simplecache::https://``), or its bytes, or an open
            binary file that can seek.
        limits: resource limits of the reader; the defaults suit untrusted files.

    Raises:
        FormatError: the file is malformed (with a precise subclass).
        UnsupportedFeatureError: the file needs a newer ddcodec.
        DecodeError: the file cannot be read, or the URL not reached.

    >>> with ddcodec.open("shapes.ddz") as artifact:
    ...     artifact.verify("pixels")  # so many pictures are what they were
    12
    >>> ddcodec.open(Path("shapes.ddz").read_bytes()).recipe.ipc
    4
    """
    return from_reader(Reader(source, limits=limits or Limits()))


@contextmanager
def as_artifact(given: Artifact | FileSource) -> Iterator[Artifact]:
    """An open artifact as it is, or a file opened for the length of a block."""
    if isinstance(given, Artifact):
        yield given
    else:
        with open_artifact(given) as opened:
            yield opened


def from_reader(reader: Reader) -> Artifact:
    """An artifact over an open container; raises as :func:`open_artifact` does."""
    try:
        reader.check_kinds(KIND_FLAGS)
        if not isinstance(reader.head, Mapping):
            raise HeaderError("the head is not a map; the file is damaged")
        return Artifact(reader, Head.from_map(reader.head))
    except BaseException:
        reader.close()
        raise


def verify(
    artifact: Artifact | FileSource,
    level: Level = "digest",
    *,
    prior: str | None = None,
    device: str = "cpu",
    sample: int | None = None,
    progress: ProgressOption = None,
) -> int:
    """Check an artifact; see :meth:`Artifact.verify` for levels, arguments and errors.

    Args:
        artifact: open, or its file.
        prior: where to find the prior, which may be fetched; by default the pinned one, where
            this machine has it.
        progress: a function of (what, done, total), or whether to show bars; by default they are
            shown on a terminal and in a notebook.

    Returns:
        The number of pictures compared (0 below ``pixels``).

    >>> ddcodec.verify("shapes.ddz", "pixels", sample=5)
    5
    """
    with as_artifact(artifact) as opened, displayed(progress) as tell:
        if level == "pixels":
            prior = opened.fetch_prior(prior, tell)
        return opened.verify(level, prior=prior, device=device, sample=sample, progress=tell)


def subset(
    artifact: Artifact | FileSource,
    out: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    ipc: int | None = None,
    views: int | None = None,
    support: bool = True,
    force: bool = False,
) -> str:
    """Write the rows of some classes, the first slots and the first views as a new artifact.

    Args:
        artifact: open, or its file.
        out: the file to write.
        classes: names of the classes wanted; all by default.
        ipc, views: keep only the first slots and the first views.
        support: keep pictures of other classes that views mix in; without them, such views are
            dropped, which leaves the plain images.
        force: replace an existing file.

    Returns:
        The content digest in hex.

    Raises:
        RequestError: unknown or no class, or more slots or views than there are.
        EncodeError: ``out`` exists, or cannot be written.

    >>> whole = ddcodec.open("shapes.ddz")
    >>> _ = ddcodec.subset(whole, "two.ddz", classes=["blob", "cross"], ipc=1)
    >>> ddcodec.open("two.ddz").classes
    ('blob', 'cross')
    """
    with as_artifact(artifact) as opened:
        return slicing.subset(
            opened.table,
            out,
            classes=classes,
            ipc=ipc,
            views=views,
            support=support,
            force=force,
        )


def merge(
    artifacts: Sequence[Artifact | FileSource],
    out: str | os.PathLike[str],
    *,
    force: bool = False,
) -> str:
    """Unite artifacts of disjoint classes and of one recipe into a new one.

    Slices of one artifact unite to what they were cut from; artifacts of different class lists
    are put side by side, and their labels go on ranging over the classes of their own origin.

    Args:
        artifacts: two or more, open or their files.
        out: the file to write.
        force: replace an existing file.

    Returns:
        The content digest in hex.

    Raises:
        RequestError: a class in both, recipes that differ (saying in what), or labels of the same
            classes that were coded, or are computed, apart.
        EncodeError: ``out`` exists, or cannot be written.

    >>> whole = ddcodec.open("shapes.ddz")
    >>> parts = [whole.subset(f"{name}.ddz", classes=[name]) for name in whole.classes]
    >>> _ = ddcodec.merge(parts, "again.ddz")
    >>> len(ddcodec.open("again.ddz").dataset()) == len(whole.dataset())
    True
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(as_artifact(artifact)) for artifact in artifacts]
        return merging.merge([artifact.table for artifact in opened], out, force=force)
