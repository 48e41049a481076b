"""Labelling a draft: pixel digests and soft labels of the images that a decoder will produce.

They are the draft's own rendering, view by view, which the teacher looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ddcodec.arrays import Array, Float64s, Int16s, Progress, UInt8s
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.codecs.pixel_digest import stored_length
from ddcodec.codecs.teacher_weights import TeacherWeights
from ddcodec.container import Box, NewSection
from ddcodec.encoding.plain_sections import pixel_sections
from ddcodec.labels.encoder.label_set import Logits, divergence
from ddcodec.labels.options import LabelOptions
from ddcodec.labels.sections import LabelResult, label_sections
from ddcodec.methods.work import Pieces, WorkFolder
from ddcodec.recipe.head import Head
from ddcodec.rendering.renderer import KEPT_PICTURES
from ddcodec.workers import Pool

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["Labelling"]

# Images the teacher and the prior see at once: fixed, so that a resumed run computes the same.
CHUNK = 250
# Generated pictures that every worker is given, in bytes.
_SHARED_PICTURES = 1 << 28
# Parts into which drawing is divided at least; whoever goes on finds the same ones.
_SHARES = 8


def centred(logits: Float64s) -> Int16s:
    """Logits [n, K] in 1/64 nat, their mean zero: int16 [n, K]. What is beyond 511 nats is cut."""
    rows = logits - logits.mean(axis=1, keepdims=True)
    rounded: Int16s = np.rint(np.clip(rows, -511, 511) * 64).astype(np.int16)
    return rounded


class Labelling:
    """Renders a draft artifact once and labels it.

    Args:
        artifact: the draft: everything but labels and pixel digests.
        work: finished pieces go here, one for each class.
        prior: spec of the prior, if the draft generates.
        pool: workers that render and ask the teacher; this process without one.
    """

    def __init__(
        self,
        artifact: Artifact,
        work: WorkFolder,
        *,
        prior: str | None,
        device: str,
        progress: Progress | None,
        pool: Pool | None = None,
    ) -> None:
        self._artifact = artifact
        self._work = work
        self._progress = progress
        self._pool = pool
        self._prior, self._device = prior, device
        self._renderer = artifact.renderer(prior=prior, device=device)
        self._classes = range(len(artifact.head.classes))
        self._prefetched = set[int]()
        self._shared: UInt8s | None = None
        self._in_worker = False

    def __reduce__(self) -> tuple[Any, ...]:
        """The same in a worker, which gets the draft itself where it cannot open its file."""
        assert self._pool is not None, "this labelling is not for workers"
        draft = self._work.draft if self._pool.shares_files else self._work.draft.read_bytes()
        return _labelling_in_worker, (draft, self._prior, self._device, self._shared)

    def pixel_sections(self) -> list[NewSection]:
        """Pixel digests of every slot, for all classes, by group of slots."""
        head = self._artifact.head
        length = stored_length(head.recipe.ipc)
        digests = np.empty((len(self._classes), head.recipe.ipc, length), np.uint8)
        self._share_pictures()
        group = self._grouped
        for start, piece in zip(
            self._classes[::group],
            self._pieces("pixels", self._digests, "pictures", group),
            strict=True,
        ):
            digests[start : start + group] = piece["digests"][..., :length]
        return pixel_sections(head, digests)

    @property
    def _grouped(self) -> int:
        """Classes rendered together, because a pinned batch shape is dear to leave half empty."""
        return max(1, CHUNK // self._artifact.head.recipe.ipc)

    def _pieces(
        self,
        name: str,
        compute: Callable[[int], Mapping[str, Array]],
        what: str,
        every: int = 1,
    ) -> Iterator[Pieces]:
        """One piece for each class, or each few; progress is told under the name ``what``."""
        names = {c: f"{name}-{c:05d}" for c in self._classes[::every]}

        def tell(done: int) -> None:
            self._tell(what, min(done * every, len(self._classes)))

        return self._work.pieces(names, compute, self._pool, tell)

    def _share_pictures(self) -> None:
        """Have workers generate all pictures, once, and give each of them all: views mix them.

        Where they are too many for that, each worker generates those that its views show.
        """
        if self._pool is None or self._shared is not None or self._artifact.head.prior is None:
            return
        if self._bytes_of(self._classes) > _SHARED_PICTURES:
            return
        pieces = self._pieces("drawn", self._draw, "generated pictures", self._drawn_together)
        self._shared = np.concatenate([piece["pictures"] for piece in pieces])
        self._keep_shared()

    @property
    def _drawn_together(self) -> int:
        """Classes that one worker draws: few enough that there is something for each worker."""
        return min(self._grouped, -(-len(self._classes) // _SHARES))

    def _draw(self, start: int) -> dict[str, UInt8s]:
        """``pictures`` uint8 [classes, ipc, variations, h, w, 3], of a few classes from one on."""
        classes = self._classes[start : start + self._drawn_together]
        rows = [row for c in classes for row in self._rows(c)]
        recipe = self._artifact.recipe
        shown = [self._renderer.pictures(rows, view) for view in range(recipe.variations)]
        pictures = np.stack(shown, axis=1)
        return {"pictures": pictures.reshape(-1, recipe.ipc, *pictures.shape[1:])}

    def _keep_shared(self) -> None:
        assert self._shared is not None
        for c in self._classes:
            for view in range(self._artifact.recipe.variations):
                self._renderer.keep(self._rows(c), view, self._shared[c, :, view])

    def _bytes_of(self, classes: Sequence[int]) -> int:
        """Bytes of all pictures of these classes."""
        recipe = self._artifact.head.recipe
        return len(classes) * recipe.ipc * recipe.variations * 3 * recipe.width * recipe.height

    def soft_labels(
        self, teacher: Teacher, head: Head, options: LabelOptions, seed: int
    ) -> LabelResult:
        """Soft labels of every row and view, on the teacher's logits of the decoded images.

        Args:
            teacher: its columns are the artifact's classes, in order.
            head: of the artifact to be, with soft labels.
            options: how they are coded.
            seed: of the encoder's choices.
        """
        return self.coded(self.logits(teacher), head, options, seed)

    def coded(self, values: Logits, head: Head, options: LabelOptions, seed: int) -> LabelResult:
        """Soft labels of every row and view, whoever gave them.

        Args:
            values: [classes x ipc, views, K] in 1/64 nat.
            head, options, seed: as for :meth:`soft_labels`.
        """

        def tell(done: int, total: int) -> None:
            if self._progress is not None:
                self._progress("label search", done, total)

        def keep(name: str, measure: Callable[[], float]) -> float:
            found = self._work.piece(f"search-{name}", lambda: {"measure": np.array(measure())})
            return float(found["measure"])

        table = self._artifact.table
        return label_sections(table, head, values, options, seed=seed, progress=tell, keep=keep)

    def logits(self, teacher: Teacher) -> Logits:
        """What the teacher says of every row and view: [classes x ipc, views, K] in 1/64 nat.

        Args:
            teacher: its columns are the artifact's classes, in order.
        """
        classes, recipe = len(self._classes), self._artifact.head.recipe
        self._share_pictures()
        for _ in self._pieces("labels", partial(self._ask, teacher), "labels"):
            pass
        # Read from the pieces again: labels of a thousand classes outgrow the memory.
        shape = classes * recipe.ipc, recipe.views, classes
        return Logits(shape, recipe.ipc, lambda c: self._asked(teacher, c))

    def _asked(self, teacher: Teacher, class_index: int) -> Int16s:
        """int16 [ipc, views, K]: what the teacher says of a class, from its piece."""
        ask = partial(self._ask, teacher, class_index)
        logits: Int16s = self._work.piece(f"labels-{class_index:05d}", ask)["logits"]
        return logits

    def stored_teacher(self, teacher: Teacher, head: Head, bits: int) -> LabelResult:
        """The teacher itself in few bits, in place of labels; fitted to the decoded images.

        Args:
            teacher: its columns are the artifact's classes, in order.
            head: of the artifact to be, with labels of kind ``teacher``.
            bits: per weight.

        Raises:
            EncodeError: this teacher cannot be stored.
        """
        from ddcodec.labels.teacher.execute import StoredTeacher
        from ddcodec.labels.teacher.quantise import pictures_wanted, quantise_teacher

        wanted = pictures_wanted(head.recipe.width)

        def fit() -> dict[str, Array]:
            # Measured on images that the fit has not seen, if there are enough.
            images = self._sample(2 * wanted)
            seen, unseen = (images, images) if len(images) < wanted else (images[::2], images[1::2])
            codec, weights = quantise_teacher(teacher, seen, bits)
            found = StoredTeacher(codec, weights).logits(unseen) / np.float32(UNITS_PER_NAT)
            temperature = Fraction(*head.recipe.labels.temperature)
            each = divergence(teacher.logits(unseen), found.astype(np.float32), float(temperature))
            raw = np.frombuffer(codec.encode(weights), np.uint8)
            return {"raw": raw, "divergence": np.asarray(each.mean())}

        piece = self._work.piece(f"teacher-{bits}", fit)
        codec = TeacherWeights(teacher.arch, bits, len(self._classes), head.recipe.width)
        box = Box(0, len(self._classes))
        section = NewSection("teacher", codec.spec(), box, piece["raw"].tobytes())
        return LabelResult([section], float(piece["divergence"]))

    def _sample(self, count: int) -> UInt8s:
        """uint8[n, h, w, 3]: images spread evenly over rows and views; all, if there are fewer."""
        rows = [row for c in self._classes for row in self._rows(c)]
        views = self._artifact.recipe.views
        count = min(count, len(rows) * views)
        by_view: dict[int, list[tuple[int, int]]] = {}
        for i in range(count):
            row = i * len(rows) // count if count < len(rows) else i % len(rows)
            by_view.setdefault((i + i // len(rows)) % views, []).append(rows[row])
        return np.concatenate([self._renderer.images(some, v) for v, some in by_view.items()])

    def _digests(self, start: int) -> dict[str, UInt8s]:
        classes = self._classes[start : start + self._grouped]
        rows = [row for c in classes for row in self._rows(c)]
        digests = b"".join(self._renderer.digests(rows))
        return {"digests": np.frombuffer(digests, np.uint8).reshape(len(classes), -1, 32)}

    def _ask(self, teacher: Teacher, class_index: int) -> dict[str, Int16s]:
        """``logits`` int16[ipc, views, K]: the teacher's, in 1/64 nat, their mean zero."""
        recipe, rows = self._artifact.head.recipe, self._rows(class_index)
        if recipe.view.cutmix:
            self._prefetch([class_index] if self._in_worker else self._classes)
        out = np.empty((recipe.ipc, recipe.views, len(self._classes)), np.int16)
        for shown in self._together(recipe.views):
            if recipe.variations > 1 and not recipe.view.cutmix:
                self._renderer.prefetch(rows, shown)
            for view in shown:
                for start in range(0, len(rows), CHUNK):
                    images = self._renderer.images(rows[start : start + CHUNK], view)
                    logits = teacher.logits(images).astype(np.float64)
                    out[start : start + len(images), view] = centred(logits)
        return {"logits": out}

    def _prefetch(self, classes: Sequence[int]) -> None:
        """Make all pictures that views mix, if they can be kept: each view asks for few at once."""
        recipe = self._artifact.head.recipe
        if recipe.variations == 1 or self._bytes_of(classes) > KEPT_PICTURES:
            return
        for c in classes:
            if c in self._prefetched:
                continue
            self._prefetched.add(c)
            for shown in self._together(recipe.variations):
                self._renderer.prefetch(self._rows(c), shown)
            self._tell("variations", c + 1)

    def _together(self, views: int) -> Iterator[range]:
        """Views of a class whose pictures are drawn together, because large batches are faster."""
        each = max(1, CHUNK // self._artifact.head.recipe.ipc)
        return (range(start, min(start + each, views)) for start in range(0, views, each))

    def _rows(self, class_index: int) -> list[tuple[int, int]]:
        return [(class_index, s) for s in range(self._artifact.head.recipe.ipc)]

    def _tell(self, what: str, done: int) -> None:
        if self._progress is not None:
            self._progress(what, done, len(self._classes))


def _labelling_in_worker(
    draft: Path | bytes, prior: str | None, device: str, pictures: UInt8s | None
) -> Labelling:
    from ddcodec.artifact import open_artifact

    opened = open_artifact(draft)
    labelling = Labelling(opened, WorkFolder(), prior=prior, device=device, progress=None)
    labelling._in_worker = True
    if pictures is not None:
        labelling._shared = pictures
        labelling._keep_shared()
    return labelling
