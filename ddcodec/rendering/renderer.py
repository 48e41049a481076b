"""From stored arrays to pixels: (class, slot, view) -> uint8 image, in batches.

The renderer knows synthesis kinds, layouts and views, and nothing of methods. Everything after
the base picture is integer arithmetic (spec/synthesis.md); a generated base picture comes from
the pinned prior (spec/prior.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from ddcodec.arrays import Float64s, Row, UInt8s
from ddcodec.byte_cache import ByteCache
from ddcodec.codecs.pixel_digest import digested_variations, pixel_digest, slot_digest
from ddcodec.errors import PixelDriftError
from ddcodec.recipe.synthesis import Stored
from ddcodec.rendering.generator import Generator, Place
from ddcodec.synthesis import layout as layouts
from ddcodec.synthesis import views
from ddcodec.synthesis.resample import resize
from ddcodec.synthesis.view_draw import ViewDraw, kept_pixels
from ddcodec.table.draws import draw_rows
from ddcodec.table.table import Table

__all__ = ["KEPT_PICTURES", "Execution", "Mix", "Renderer", "Row"]

KEPT_PICTURES = 1 << 30
"""Bytes of base pictures that a renderer keeps in memory, unless it is told otherwise."""


class Execution(NamedTuple):
    """How generated pictures were made: the recipe's profile, and the back end that ran it."""

    profile: str
    backend: str


class Mix(NamedTuple):
    """The partners of the rows of a CutMix view, and the share of pixels each row keeps.

    Attributes:
        partners: (class index, slot) of each row's partner.
        share: float64[n], kept pixels / all pixels.
    """

    partners: list[Row]
    share: Float64s


class Renderer:
    """Renders rows of one artifact.

    Args:
        table: the open table.
        prior: spec of the prior to load (``tiny``, a folder, a hub id), which may be fetched; by
            default the pinned source, where this machine has it. Loaded on first use, and
            refused if its files differ from the pin.
        device: torch device for generated pictures.
        cache_bytes: base pictures kept in memory, so that their views do not render them again.
    """

    def __init__(
        self,
        table: Table,
        *,
        prior: str | None = None,
        device: str = "cpu",
        cache_bytes: int = KEPT_PICTURES,
    ) -> None:
        self._table = table
        self._head = table.head
        self._device = device
        stored = isinstance(table.head.recipe.synthesis, Stored)
        self._generator = None if stored else Generator(table, prior=prior, device=device)
        self._making = Lock()
        self._pictures: ByteCache[Place, UInt8s] = ByteCache(cache_bytes, lambda p: p.nbytes)

    @property
    def execution(self) -> Execution | None:
        """How the prior is executed; None as long as none was needed."""
        prior = None if self._generator is None else self._generator.loaded
        return None if prior is None else Execution(prior.engine.profile, prior.engine.backend)

    def environment(self) -> dict[str, Any]:
        """What this process renders with: library versions and, of a prior, the hardware used."""
        if self._generator is None or self._generator.loaded is None:
            return {name: version(name) for name in ("pillow", "numpy")}
        from ddcodec.prior.load import fingerprint

        return fingerprint(self._device)

    def prepare(self) -> None:
        """Open what pictures are generated with, so that a prior that will not do is found now.

        Raises:
            ModelMismatchError: the prior is not the pinned one.
            DecodeError: it cannot be found or fetched, or not be run on the device.
        """
        if self._generator is not None:
            self._generator.prior()

    def pictures(self, rows: Sequence[Row], view: int = 0) -> UInt8s:
        """uint8[n, height, width, 3]: the base pictures that a view of the rows shows, as they are.

        Of view 0 they are the images themselves, unless views are stored. View v shows variation
        v mod N of a slot's N.
        """
        variation = view % self._head.recipe.variations
        return self._shown([Place(c, s, variation) for c, s in rows])

    def prefetch(self, rows: Sequence[Row], shown: Iterable[int]) -> None:
        """Make the base pictures of several views in large batches, and keep them for a while.

        Args:
            rows: whose pictures, partners aside.
            shown: indices of views.
        """
        which = sorted({view % self._head.recipe.variations for view in shown})
        self._shown([Place(c, s, u) for c, s in rows for u in which])

    def keep(self, rows: Sequence[Row], view: int, pictures: UInt8s) -> None:
        """Take base pictures that somebody else has made, as long as there is room for them.

        Args:
            rows, view: whose they are, as of :meth:`pictures`.
            pictures: uint8 [n, height, width, 3].
        """
        variation = view % self._head.recipe.variations
        for (c, s), picture in zip(rows, pictures, strict=True):
            self._pictures.put(Place(c, s, variation), picture)

    def _shown(self, places: Sequence[Place]) -> UInt8s:
        """uint8[n, height, width, 3]: variations of slots, made where they are not kept."""
        if not places:
            return np.empty((0, self._head.recipe.height, self._head.recipe.width, 3), np.uint8)
        shown = self._kept(places)
        if not all(place in shown for place in places):
            with self._making:  # and what another thread has made meanwhile is not made again
                shown |= self._kept(place for place in places if place not in shown)
                missing = [place for place in dict.fromkeys(places) if place not in shown]
                made = self._compose(missing) if missing else ()
                for place, picture in zip(missing, made, strict=True):
                    shown[place] = picture
                    # A copy: a row of a batch would keep the whole batch in memory.
                    self._pictures.put(place, picture.copy())
        return np.stack([shown[place] for place in places])

    def _kept(self, places: Iterable[Place]) -> dict[Place, UInt8s]:
        found = {place: self._pictures.peek(place) for place in places}
        return {place: picture for place, picture in found.items() if picture is not None}

    def digests(self, rows: Sequence[Row]) -> list[bytes]:
        """The digest of each row, 32 bytes, over the variations that digests are of."""
        count = digested_variations(self._head.recipe.variations)
        made = self._shown([Place(c, s, u) for c, s in rows for u in range(count)])
        if self._head.recipe.variations == 1:
            return [pixel_digest(picture) for picture in made]
        return [slot_digest(made[i : i + count]) for i in range(0, len(made), count)]

    def drifted(self, rows: Sequence[Row]) -> list[Row]:
        """The rows whose pictures differ from the pixel digests stored of them.

        Raises:
            PixelDriftError: of a row none is stored.
        """
        stored = [self._table.pixel_digest(c, s) for c, s in rows]
        for (c, s), digest in zip(rows, stored, strict=True):
            if digest is None:
                raise PixelDriftError(
                    f"the artifact stores no pixel digests for {self._head.classes[c]!r}, slot {s};"
                    " nothing to compare with"
                )
        made = self.digests(rows)
        kept = zip(rows, stored, made, strict=True)
        return [row for row, start, whole in kept if not whole.startswith(start or whole)]

    def images(self, rows: Sequence[Row], view: int) -> UInt8s:
        """uint8[n, height, width, 3]: the given view of the rows.

        View 0 is the picture itself, unless views are stored.
        """
        if self._plain(view):
            return self.pictures(rows)
        draw, partners = self._draw(rows, view)
        if partners is None:
            return views.augment(self.pictures(rows, view), draw)
        # A partner of which no pixel shows need not be there (spec/table.md): the row stands in.
        partners = [
            partner if mixed else row
            for row, partner, mixed in zip(rows, partners, draw.mixed, strict=True)
        ]
        both = self.pictures([*rows, *partners], view)
        partner_draw, _ = self._draw(partners, view)
        return views.apply(draw, both[: len(rows)], partner_draw, both[len(rows) :])

    def mixing(self, rows: Sequence[Row], view: int) -> Mix | None:
        """Partners and shares of a CutMix view, for hard labels; None where nothing is mixed."""
        draw, partners = (None, None) if self._plain(view) else self._draw(rows, view)
        if draw is None or partners is None:
            return None
        kept, total = kept_pixels(draw, self._head.recipe.height, self._head.recipe.width)
        return Mix(partners, kept / total)

    def partners(self, rows: Sequence[Row], view: int) -> list[Row] | None:
        """(class index, slot) of each row's CutMix partner; None where the view mixes nothing."""
        return None if self._plain(view) else self._draw(rows, view)[1]

    def _plain(self, view: int) -> bool:
        """Whether a view shows pictures as they are, whatever the seeds."""
        return view == 0 and not self._head.recipe.view.stored

    def _draw(self, rows: Sequence[Row], view: int) -> tuple[ViewDraw, list[Row] | None]:
        drawn, partners = draw_rows(self._table, rows, view)
        return drawn, None if partners is None else [(c, s) for c, s in partners.tolist()]

    def _compose(self, places: Sequence[Place]) -> UInt8s:
        """Patches of each slot's variation, laid out as one training image."""
        recipe = self._head.recipe
        per = recipe.patches_per_slot
        if self._generator is None:
            patches = np.concatenate([self._table.patches(c, s) for c, s, _ in places])
        else:
            patches = self._generator.patches(
                [Place(c, s * per + j, u) for c, s, u in places for j in range(per)]
            )
        if recipe.layout.kind == "collage":
            return layouts.collage(patches, recipe.layout.grid, recipe.height, recipe.width)
        return resize(patches, recipe.height, recipe.width)
