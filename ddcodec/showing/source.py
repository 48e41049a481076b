"""Answers to what a page asks of an artifact: plain values for JSON, and pixels.

The shapes are those that ``page/source.js`` writes down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ddcodec.arrays import Float32s, Row, UInt8s
from ddcodec.artifact import Artifact
from ddcodec.artifact.probabilities import hard_probabilities, soft_probabilities
from ddcodec.artifact.summary import flat_text
from ddcodec.errors import DecodeError, RequestError
from ddcodec.recipe.synthesis import Generated, Stored
from ddcodec.rendering.renderer import Renderer
from ddcodec.showing.sections import part_maps, picture_shares, section_maps
from ddcodec.showing.words import recipe_sentences, view_words
from ddcodec.table.boxes import Ranks
from ddcodec.table.coverage import picture_classes
from ddcodec.table.draws import draw_rows

if TYPE_CHECKING:
    from ddcodec.artifact.dataset import DistilledDataset

__all__ = ["MOST_VIEWS", "SHOWN_LABELS", "PageSource"]

SHOWN_LABELS = 5
"""The likeliest classes that are told of a label; the rest is one number."""

MOST_VIEWS = 100
"""Most views that are told at once."""


class PageSource:
    """What a page shows of one artifact, made when it is asked for.

    Args:
        artifact: open.
        prior, device: as for :meth:`Artifact.renderer`.
    """

    def __init__(
        self, artifact: Artifact, *, prior: str | None = None, device: str = "cpu"
    ) -> None:
        self.artifact = artifact
        self.renderer: Renderer = artifact.renderer(prior=prior, device=device)
        self._prior, self._device = prior, device
        table = artifact.table
        table.check()  # a head may promise more rows than the file holds
        self._rows = Ranks(artifact.head.rows)
        self._pictures = Ranks(picture_classes(artifact.head, table.sections("seeds")))

    @property
    def generated(self) -> bool:
        """Whether a prior has to draw the pictures, which takes its time."""
        return not isinstance(self.artifact.recipe.synthesis, Stored)

    @property
    def draws_labels(self) -> bool:
        """Whether labels take that time too: a stored teacher looks at pictures that are drawn."""
        return self.generated and self.artifact.recipe.labels.kind == "teacher"

    def summary(self) -> dict[str, Any]:
        """The artifact as a whole; renders nothing."""
        artifact, recipe, head = self.artifact, self.artifact.recipe, self.artifact.head
        return {
            "name": artifact.file_name,
            "digest": artifact.digest,
            "bytes": artifact.file_len,
            "format": ".".join(map(str, artifact.reader.version)),
            "size": list(recipe.size),
            "views": recipe.views,
            "images": len(head.row_classes) * recipe.ipc,
            "labels": recipe.labels.kind,
            "generated": self.generated,
            "problem": self._problem(),
            "classes": [
                {"class": c, "name": self._name(c), "id": self._id(c), "pictures": recipe.ipc}
                for c in head.row_classes
            ],
            "parts": list(part_maps(artifact)),
            "sections": list(section_maps(artifact, self._name)),
            "recipe": [list(one) for one in recipe_sentences(artifact)],
            "info": [list(one) for one in _info(artifact.info)],
        }

    def picture(self, class_index: int, slot: int) -> dict[str, Any]:
        """One picture, but for its pixels.

        Raises:
            RequestError: there is no such picture.
        """
        self._check(class_index, slot)
        return {
            "class": class_index,
            "slot": slot,
            "name": self._name(class_index),
            "generated": self.generated,
            "prompt": self._prompt(class_index),
            "stored": len(self._stored(class_index, slot)),
            "stored_words": self._stored_words(class_index, slot),
            "bytes": [list(one) for one in picture_shares(self.artifact, class_index, slot)],
        }

    def views(
        self, class_index: int, slot: int, first: int = 0, count: int = MOST_VIEWS
    ) -> list[dict[str, Any]]:
        """Views of a picture with their labels; none of a picture that only partners show.

        Args:
            class_index, slot: the row.
            first, count: of which views, as far as there are so many.

        Raises:
            RequestError: there is no such picture, or more views at once than ``MOST_VIEWS``.
        """
        self._check(class_index, slot)
        if first < 0 or not 0 < count <= MOST_VIEWS:
            raise RequestError(f"ask for 1 to {MOST_VIEWS} views at once, from view 0 on")
        if not self._has_row(class_index, slot):
            return []
        end = min(self.artifact.recipe.views, first + count)
        return [self._view(class_index, slot, view) for view in range(first, end)]

    def draw(self, rows: Sequence[Row]) -> None:
        """Make pictures together, to have them at hand; rows that have none are left out."""
        self.renderer.pictures([row for row in rows if self._has_picture(*row)])

    def picture_pixels(self, class_index: int, slot: int) -> UInt8s:
        """uint8 [height, width, 3]: a decoded picture as it is."""
        self._check(class_index, slot)
        pixels: UInt8s = self.renderer.pictures([(class_index, slot)])[0]
        return pixels

    def view_pixels(self, class_index: int, slot: int, view: int) -> UInt8s:
        """uint8 [height, width, 3]: a view as a student sees it."""
        self._check(class_index, slot)
        if not (0 <= view < self.artifact.recipe.views and self._has_row(class_index, slot)):
            raise RequestError(f"class {class_index}, slot {slot} has no view {view}")
        pixels: UInt8s = self.renderer.images([(class_index, slot)], view)[0]
        return pixels

    def stored_pixels(self, class_index: int, slot: int, number: int) -> UInt8s:
        """uint8 [height, width, 3]: a patch as it is stored."""
        self._check(class_index, slot)
        patches = self._stored(class_index, slot)
        if not 0 <= number < len(patches):
            raise RequestError(f"class {class_index}, slot {slot} has no stored patch {number}")
        patch: UInt8s = patches[number]
        return patch

    def _check(self, class_index: int, slot: int) -> None:
        if not self._has_picture(class_index, slot):
            raise RequestError(f"there is no picture of class {class_index}, slot {slot}")

    def _has_picture(self, class_index: int, slot: int) -> bool:
        there = class_index >= 0 and self._pictures.holds(class_index, 1)
        return there and 0 <= slot < self.artifact.recipe.picture_slots

    def _has_row(self, class_index: int, slot: int) -> bool:
        return self._rows.holds(class_index, 1) and slot < self.artifact.recipe.ipc

    def _name(self, class_index: int) -> str:
        """What to call a class: its readable name, with its id where others are called so too."""
        head = self.artifact.head
        name = head.readable[class_index]
        return name if self._called[name] == 1 else head.title(class_index)

    def _id(self, class_index: int) -> str | None:
        """The name of a class in the file, where what it is called does not tell."""
        name, title = self.artifact.head.classes[class_index], self.artifact.head.title(class_index)
        return None if self._name(class_index) in (name, title) else name

    @cached_property
    def _called(self) -> Counter[str]:
        """How many classes have a readable name."""
        return Counter(self.artifact.head.readable)

    def _problem(self) -> str | None:
        """Why pictures cannot be drawn on this machine; None where they can."""
        pin = self.artifact.head.prior
        if pin is None:
            return None
        try:
            from ddcodec.prior.need import need_of

            return need_of(pin, self._prior).problem
        except DecodeError as error:
            return str(error)

    def _prompt(self, class_index: int) -> str | None:
        """The prompt of a class, as far as it is words."""
        synthesis = self.artifact.recipe.synthesis
        if not isinstance(synthesis, Generated):
            return None
        if synthesis.vectors_per_class:
            token = f"<learned token of {self.artifact.head.readable[class_index]}>"
            return synthesis.prompt.replace("{}", token)
        return synthesis.prompt.replace("{}", self.artifact.table.prompt_text(class_index))

    def _stored(self, class_index: int, slot: int) -> UInt8s:
        """uint8 [n, h, w, 3]: patches as they are stored; none where they are the picture."""
        recipe, table = self.artifact.recipe, self.artifact.table
        if table.sections("patches"):
            patches = table.patches(class_index, slot)
            if self.generated or patches.shape[:3] != (1, recipe.height, recipe.width):
                return patches
        return np.empty((0, 1, 1, 3), np.uint8)

    def _stored_words(self, class_index: int, slot: int) -> str:
        count, height, width = self._stored(class_index, slot).shape[:3]
        if not count:
            return ""
        what = f"{count} patches" if count > 1 else "a patch"
        made = "redrawn from" if self.generated else "made of" if count > 1 else "enlarged from"
        return f"{what} of {width} x {height} px, which the picture is {made}"

    def _view(self, class_index: int, slot: int, view: int) -> dict[str, Any]:
        row, recipe = (class_index, slot), self.artifact.recipe
        words, partner = ["the picture itself"], None
        if view or recipe.view.stored:
            drawn, partners = draw_rows(self.artifact.table, [row], view)
            words = view_words(recipe, drawn) or ["as it is"]
            if partners is not None and drawn.mixed[0]:
                partner = self._partner(row, view)
        return {
            "view": view,
            "words": words,
            "partner": partner,
            "label": self._bars(self._label(row, view)),
        }

    def _partner(self, row: Row, view: int) -> dict[str, Any] | None:
        mix = self.renderer.mixing([row], view)
        if mix is None:
            return None
        class_index, slot = mix.partners[0]
        return {
            "class": class_index,
            "slot": slot,
            "name": self._name(class_index),
            "share": 1 - float(mix.share[0]),
        }

    def _label(self, row: Row, view: int) -> Float32s:
        """float32 [all classes]: probabilities at the recipe's temperature."""
        table, kind = self.artifact.table, self.artifact.recipe.labels.kind
        if kind == "soft":
            labels = soft_probabilities(table, self.artifact.labels, [row], view)
        elif kind == "hard":
            labels = hard_probabilities(table, self.renderer, [row], view)
        else:
            self._dataset.set_epoch(view)
            labels = self._dataset.probabilities([self._dataset.rows.index(row)])
        label: Float32s = labels[0]
        return label

    @cached_property
    def _dataset(self) -> DistilledDataset:
        """Asks the stored teacher, for which torch is loaded."""
        return self.artifact.dataset(prior=self._prior, device=self._device)

    def _bars(self, label: Float32s) -> dict[str, Any]:
        order = np.argsort(-label, kind="stable")[:SHOWN_LABELS].tolist()
        shares = {c: float(label[c]) for c in order if label[c] > 0}
        return {
            "bars": [[self._name(c), share] for c, share in shares.items()],
            "rest": max(0.0, 1.0 - sum(shares.values())),
        }


def _info(info: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the maker of the file says of it, which nobody has checked."""
    for key, value in info.items():
        text = flat_text(value)
        if text:
            yield key.replace("_", " "), text
