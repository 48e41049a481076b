"""Labels, seeds and pixel digests: the sections that every artifact has, whatever its method.

Soft labels come from the teacher looking at the images a decoder will produce: the draft's own
rendering, view by view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ddcodec.arrays import Array, Float64s, Int16s, Progress, UInt8s
from ddcodec.codecs.hard_labels import OWN_CLASS, HardLabels
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.codecs.pixel_digest import PixelDigests, stored_length
from ddcodec.codecs.seed_derived import SeedDerived
from ddcodec.codecs.teacher_weights import TeacherWeights
from ddcodec.container import ANCILLARY, SAFE_TO_COPY, Box, NewSection
from ddcodec.labels.encoder.label_set import Logits, divergence
from ddcodec.labels.sections import LabelOptions, LabelResult, label_sections
from ddcodec.methods.work import WorkFolder
from ddcodec.recipe.head import Head
from ddcodec.rendering.renderer import KEPT_PICTURES
from ddcodec.table.slots import class_groups, prefix_groups

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact
    from ddcodec.classifiers.teacher import Teacher

__all__ = [
    "Labelling",
    "hard_label_sections",
    "pixel_sections",
    "seed_sections",
    "stand_in_pixel_sections",
]


# Hard labels: a reader decodes a section whole.
_SECTION_ROWS = 1 << 22
# Images the teacher and the prior see at once: fixed, so that a resumed run computes the same.
CHUNK = 250


def centred(logits: Float64s) -> Int16s:
    """Logits [n, K] in 1/64 nat, their mean zero: int16 [n, K]. What is beyond 511 nats is cut."""
    rows = logits - logits.mean(axis=1, keepdims=True)
    rounded: Int16s = np.rint(np.clip(rows, -511, 511) * 64).astype(np.int16)
    return rounded


def seed_sections(head: Head, seed: int) -> list[NewSection]:
    """Derived seed lists, one for all classes where a section holds them: 4 bytes per class."""
    codec, classes = SeedDerived(), head.classes
    return [
        NewSection(
            "seeds",
            codec.spec(),
            Box(start, count),
            codec.raw_from(seed, classes[start : start + count]),
        )
        for start, count in class_groups(len(classes), head.recipe.seeds_per_class)
    ]


def hard_label_sections(head: Head) -> list[NewSection]:
    """One byte per section, which says: the label of a row is its class."""
    recipe, codec = head.recipe, HardLabels()
    one = codec.encode(np.full((1, 1, 1), OWN_CLASS, np.int32))
    views = max(1, min(recipe.views, _SECTION_ROWS // recipe.ipc))
    groups = class_groups(len(head.classes), recipe.ipc * views, _SECTION_ROWS)
    if views == recipe.views:
        return [NewSection("labels", codec.spec(), Box(*group), one) for group in groups]
    return [
        NewSection("labels", codec.spec(), Box(*group, 0, 0, view, count), one)
        for group in groups
        for view, count in class_groups(recipe.views, 1, views)
    ]


def pixel_sections(head: Head, digests: UInt8s) -> list[NewSection]:
    """Pixel digests of every slot, uint8 [classes, ipc, length], by group of slots and classes."""
    codec, classes = PixelDigests(digests.shape[2]), len(head.classes)
    return [
        NewSection(
            "pixels",
            codec.spec(),
            Box(first, some, start, count),
            codec.encode(
                np.ascontiguousarray(digests[first : first + some, start : start + count])
            ),
            ANCILLARY | SAFE_TO_COPY,
        )
        for start, count in prefix_groups(head.recipe.ipc)
        for first, some in class_groups(classes, codec.length * count)
    ]


def stand_in_pixel_sections(head: Head) -> list[NewSection]:
    """Sections that take the bytes of pixel digests which nobody has computed yet."""
    shape = len(head.classes), head.recipe.ipc, stored_length(head.recipe.ipc)
    noise = np.random.default_rng(0)  # as incompressible as digests
    return pixel_sections(head, noise.integers(0, 256, shape).astype(np.uint8))


class Labelling:
    """Renders a draft artifact once and labels it.

    Args:
        artifact: the draft: everything but labels and pixel digests.
        work: finished pieces go here, one for each class.
        prior: spec of the prior, if the draft generates.
    """

    def __init__(
        self,
        artifact: Artifact,
        work: WorkFolder,
        *,
        prior: str | None,
        device: str,
        progress: Progress | None,
    ) -> None:
        self._artifact = artifact
        self._work = work
        self._progress = progress
        self._renderer = artifact.renderer(prior=prior, device=device)
        self._classes = range(len(artifact.head.classes))
        self._prefetched = False

    def pixel_sections(self) -> list[NewSection]:
        """Pixel digests of every slot, for all classes, by group of slots."""
        head = self._artifact.head
        length = stored_length(head.recipe.ipc)
        digests = np.empty((len(self._classes), head.recipe.ipc, length), np.uint8)
        group = max(1, CHUNK // head.recipe.ipc)
        for start in self._classes[::group]:
            classes = self._classes[start : start + group]
            piece = self._work.piece(f"pixels-{start:05d}", partial(self._digests, classes))
            digests[start : start + group] = piece["digests"][..., :length]
            self._tell("pictures", classes[-1] + 1)
        return pixel_sections(head, digests)

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
        for c in self._classes:
            self._asked(teacher, c)
            self._tell("labels", c + 1)
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

    def _digests(self, classes: Sequence[int]) -> dict[str, UInt8s]:
        """Rendered together, because a pinned batch shape is dear to leave half empty."""
        rows = [row for c in classes for row in self._rows(c)]
        digests = b"".join(self._renderer.digests(rows))
        return {"digests": np.frombuffer(digests, np.uint8).reshape(len(classes), -1, 32)}

    def _ask(self, teacher: Teacher, class_index: int) -> dict[str, Int16s]:
        """``logits`` int16[ipc, views, K]: the teacher's, in 1/64 nat, their mean zero."""
        recipe, rows = self._artifact.head.recipe, self._rows(class_index)
        self._prefetch()
        out = np.empty((recipe.ipc, recipe.views, len(self._classes)), np.int16)
        for view in range(recipe.views):
            for start in range(0, len(rows), CHUNK):
                images = self._renderer.images(rows[start : start + CHUNK], view)
                logits = teacher.logits(images).astype(np.float64)
                out[start : start + len(images), view] = centred(logits)
        return {"logits": out}

    def _prefetch(self) -> None:
        """Make all pictures in large batches, if they can be kept: views ask for few at a time."""
        recipe = self._artifact.head.recipe
        pixels = 3 * recipe.width * recipe.height
        whole = len(self._classes) * recipe.ipc * recipe.variations * pixels
        if self._prefetched or recipe.variations == 1 or whole > KEPT_PICTURES:
            return
        self._prefetched = True
        each = max(1, CHUNK // recipe.ipc)
        for c in self._classes:
            for start in range(0, recipe.variations, each):
                shown = range(start, min(start + each, recipe.variations))
                self._renderer.prefetch(self._rows(c), shown)
            self._tell("variations", c + 1)

    def _rows(self, class_index: int) -> list[tuple[int, int]]:
        return [(class_index, s) for s in range(self._artifact.head.recipe.ipc)]

    def _tell(self, what: str, done: int) -> None:
        if self._progress is not None:
            self._progress(what, done, len(self._classes))
