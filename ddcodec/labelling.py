"""Labels, seeds and pixel digests: the sections every artifact has, whatever its method.

Soft labels come from the teacher looking at the images a decoder will produce: the draft's own
rendering, view by view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ddcodec.codecs.hard_labels import OWN_CLASS, HardLabels
from ddcodec.codecs.pixel_digest import PixelDigests, pixel_digest
from ddcodec.codecs.seeds import SeedDerived
from ddcodec.codecs.teacher_weights import TeacherWeights
from ddcodec.container import ANCILLARY, SAFE_TO_COPY, Box, NewSection
from ddcodec.label_encoder.label_set import UNITS_PER_NAT, divergence
from ddcodec.label_sections import LabelOptions, LabelResult, label_sections
from ddcodec.methods.base import prefix_groups
from ddcodec.recipe import Head
from ddcodec.work import WorkFolder

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["Labelling", "hard_label_sections", "seed_sections"]

Progress = Callable[[str, int, int], None]

# Hard labels: a reader decodes a section whole.
SECTION_ROWS = 1 << 22
# Images the teacher and the prior see at once: fixed, so that a resumed run computes the same.
CHUNK = 250


def centred(logits: NDArray[np.float64]) -> NDArray[np.int16]:
    """Logits [n, K] in 1/64 nat, their mean zero: int16 [n, K]. What is beyond 511 nats is cut."""
    rows = logits - logits.mean(axis=1, keepdims=True)
    rounded: NDArray[np.int16] = np.rint(np.clip(rows, -511, 511) * 64).astype(np.int16)
    return rounded


def seed_sections(classes: Sequence[str], seed: int) -> list[NewSection]:
    """One derived seed list for all classes: 8 bytes, and 4 a class."""
    raw = SeedDerived.raw_from(seed, classes)
    return [NewSection("seeds", SeedDerived().spec(), Box(0, len(classes)), raw)]


def hard_label_sections(head: Head) -> list[NewSection]:
    """One byte a section that says: the label of a row is its class."""
    classes, recipe = len(head.classes), head.recipe
    group = max(1, min(classes, SECTION_ROWS // (recipe.ipc * recipe.views)))
    one = HardLabels().encode(np.full((1, 1, 1), OWN_CLASS, np.int32))
    return [
        NewSection("labels", HardLabels().spec(), Box(start, min(group, classes - start)), one)
        for start in range(0, classes, group)
    ]


class Labelling:
    """Renders a draft artifact once and labels it.

    Args:
        artifact: the draft: everything but labels and pixel digests.
        work: finished pieces go here, one a class.
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

    def pixel_sections(self) -> list[NewSection]:
        """Pixel digests of every base picture, for all classes, by group of slots."""
        head = self._artifact.head
        digests = np.empty((len(self._classes), head.recipe.ipc, 4), np.uint8)
        group = max(1, CHUNK // head.recipe.ipc)
        for start in self._classes[::group]:
            classes = self._classes[start : start + group]
            piece = self._work.piece(f"pixels-{start:05d}", partial(self._digests, classes))
            digests[start : start + group] = piece["digests"]
            self._tell("pictures", classes[-1] + 1)
        codec = PixelDigests()
        return [
            NewSection(
                "pixels",
                codec.spec(),
                Box(0, len(self._classes), start, count),
                codec.encode(digests[:, start : start + count]),
                ANCILLARY | SAFE_TO_COPY,
            )
            for start, count in prefix_groups(head.recipe.ipc)
        ]

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
        classes, recipe = len(self._classes), self._artifact.head.recipe
        # Mapped, because labels of a thousand classes outgrow the memory.
        whole = np.lib.format.open_memmap(
            self._work.path / "labels.npy",
            mode="w+",
            dtype=np.int16,
            shape=(classes * recipe.ipc, recipe.views, classes),
        )
        for c in self._classes:
            piece = self._work.piece(f"labels-{c:05d}", partial(self._ask, teacher, c))
            whole[c * recipe.ipc : (c + 1) * recipe.ipc] = piece["logits"]
            self._tell("labels", c + 1)

        def tell(done: int, total: int) -> None:
            if self._progress is not None:
                self._progress("label search", done, total)

        contents = self._artifact.contents
        return label_sections(contents, head, whole, options, seed=seed, progress=tell)

    def stored_teacher(self, teacher: Teacher, head: Head, bits: int) -> LabelResult:
        """The teacher itself in few bits, in place of labels; fitted to the decoded images.

        Args:
            teacher: its columns are the artifact's classes, in order.
            head: of the artifact to be, with labels of kind ``teacher``.
            bits: of a weight.

        Raises:
            EncodeError: this teacher cannot be stored.
        """
        from ddcodec.stored_teacher.execute import StoredTeacher
        from ddcodec.stored_teacher.quantise import pictures_wanted, quantise_teacher

        wanted = pictures_wanted(head.recipe.width)

        def fit() -> dict[str, NDArray[Any]]:
            # Measured on images that the fit has not seen, if there are enough.
            images = self._sample(2 * wanted)
            seen, unseen = (images, images) if len(images) < wanted else (images[::2], images[1::2])
            codec, weights = quantise_teacher(teacher, seen, bits)
            found = StoredTeacher(codec, weights).logits(unseen) / np.float32(UNITS_PER_NAT)
            temperature = Fraction(*head.recipe.labels.temperature)
            each = divergence(teacher.logits(unseen), found.astype(np.float32), float(temperature))
            raw = np.frombuffer(codec.encode(weights), np.uint8)
            return {"raw": raw, "divergence": each.mean()}

        piece = self._work.piece(f"teacher-{bits}", fit)
        codec = TeacherWeights(teacher.arch, bits, len(self._classes), head.recipe.width)
        box = Box(0, len(self._classes))
        section = NewSection("teacher", codec.spec(), box, piece["raw"].tobytes())
        return LabelResult([section], float(piece["divergence"]))

    def _sample(self, count: int) -> NDArray[np.uint8]:
        """uint8[n, h, w, 3]: images spread evenly over rows and views; all, if there are fewer."""
        rows = [row for c in self._classes for row in self._rows(c)]
        views = self._artifact.recipe.views
        count = min(count, len(rows) * views)
        by_view: dict[int, list[tuple[int, int]]] = {}
        for i in range(count):
            row = i * len(rows) // count if count < len(rows) else i % len(rows)
            by_view.setdefault((i + i // len(rows)) % views, []).append(rows[row])
        return np.concatenate([self._renderer.images(some, v) for v, some in by_view.items()])

    def _digests(self, classes: Sequence[int]) -> dict[str, NDArray[np.uint8]]:
        """Rendered together, because a pinned batch shape is dear to leave half empty."""
        pictures = self._renderer.pictures([row for c in classes for row in self._rows(c)])
        digests = b"".join(pixel_digest(p) for p in pictures)
        return {"digests": np.frombuffer(digests, np.uint8).reshape(len(classes), -1, 4)}

    def _ask(self, teacher: Teacher, class_index: int) -> dict[str, NDArray[np.int16]]:
        """``logits`` int16[ipc, views, K]: the teacher's, in 1/64 nat, their mean zero."""
        recipe, rows = self._artifact.head.recipe, self._rows(class_index)
        out = np.empty((recipe.ipc, recipe.views, len(self._classes)), np.int16)
        for view in range(recipe.views):
            for start in range(0, len(rows), CHUNK):
                images = self._renderer.images(rows[start : start + CHUNK], view)
                logits = teacher.logits(images).astype(np.float64)
                out[start : start + len(images), view] = centred(logits)
        return {"logits": out}

    def _rows(self, class_index: int) -> list[tuple[int, int]]:
        return [(class_index, s) for s in range(self._artifact.head.recipe.ipc)]

    def _tell(self, what: str, done: int) -> None:
        if self._progress is not None:
            self._progress(what, done, len(self._classes))
