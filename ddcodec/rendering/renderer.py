"""From stored arrays to pixels: (class, slot, view) -> uint8 image, in batches.

The renderer knows synthesis kinds, layouts and views, and nothing of methods. Everything after
the base picture is integer arithmetic (spec/synthesis.md); a generated base picture comes from
the pinned prior (spec/prior.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ddcodec.arrays import Float64s, Row, UInt8s
from ddcodec.codecs.pixel_digest import pixel_digest
from ddcodec.errors import ModelMismatchError, PixelDriftError
from ddcodec.files import ByteCache, cache_folder
from ddcodec.recipe.parts import Text2Image
from ddcodec.synthesis import layout as layouts
from ddcodec.synthesis import views
from ddcodec.synthesis.resample import resize
from ddcodec.table.draws import draw_rows
from ddcodec.table.table import Table

if TYPE_CHECKING:
    import torch

    from ddcodec.prior.load import Prior

__all__ = ["Execution", "Mix", "Renderer", "Row"]


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


# Base pictures kept in memory, so that views of one picture do not render it again.
_KEPT_PICTURES = 1 << 30
# Prompts kept as the text encoder gives them.
_KEPT_PROMPTS = 256 << 20


class Renderer:
    """Renders rows of one artifact.

    Args:
        table: the open table.
        prior: spec of the prior to load (``tiny``, a folder, a hub id), which may be fetched; by
            default the pinned source, where this machine has it. Loaded on first use, and
            refused if its files differ from the pin.
        device: torch device for generated pictures.
    """

    def __init__(self, table: Table, *, prior: str | None = None, device: str = "cpu") -> None:
        self._table = table
        self._head = table.head
        self._prior_spec = prior
        self._device = device
        self._prior: Prior | None = None
        self._prompts: ByteCache[int | None, torch.Tensor] = ByteCache(_KEPT_PROMPTS, _tensor_bytes)
        self._pictures: ByteCache[Row, UInt8s] = ByteCache(_KEPT_PICTURES, lambda p: p.nbytes)

    @property
    def execution(self) -> Execution | None:
        """How the prior is executed; None as long as none was needed."""
        engine = None if self._prior is None else self._prior.engine
        return None if engine is None else Execution(engine.profile, engine.backend)

    def environment(self) -> dict[str, Any]:
        """What this process renders with: library versions and, of a prior, the hardware used."""
        if self._prior is None:
            return {name: version(name) for name in ("pillow", "numpy")}
        from ddcodec.prior.load import fingerprint

        return fingerprint(self._device)

    def prepare(self) -> None:
        """Open what pictures are generated with, so that a prior that will not do is found now.

        Raises:
            ModelMismatchError: the prior is not the pinned one.
            DecodeError: it cannot be found or fetched, or not be run on the device.
        """
        if isinstance(self._head.recipe.synthesis, Text2Image):
            self._load_prior(self._head.recipe.synthesis)

    def pictures(self, rows: Sequence[Row]) -> UInt8s:
        """uint8[n, height, width, 3]: the base pictures (view 0) of the rows, in their order."""
        if not rows:
            return np.empty((0, self._head.recipe.height, self._head.recipe.width, 3), np.uint8)
        kept = {row: self._pictures.peek(row) for row in dict.fromkeys(rows)}
        shown = {row: picture for row, picture in kept.items() if picture is not None}
        missing = [row for row in kept if row not in shown]
        if missing:
            for row, picture in zip(missing, self._compose(missing), strict=True):
                shown[row] = picture
                # A copy: a row of a batch would keep the whole batch in memory.
                self._pictures.put(row, picture.copy())
        return np.stack([shown[row] for row in rows])

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
        made = [pixel_digest(picture) for picture in self.pictures(rows)]
        return [row for row, *both in zip(rows, stored, made, strict=True) if both[0] != both[1]]

    def images(self, rows: Sequence[Row], view: int) -> UInt8s:
        """uint8[n, height, width, 3]: the given view of the rows; view 0 is the picture itself."""
        if view == 0:
            return self.pictures(rows)
        draw, partners = self._draw(rows, view)
        if partners is None:
            return views.augment(self.pictures(rows), draw)
        both = self.pictures([*rows, *partners])
        partner_draw, _ = self._draw(partners, view)
        return views.apply(draw, both[: len(rows)], partner_draw, both[len(rows) :])

    def mixing(self, rows: Sequence[Row], view: int) -> Mix | None:
        """Partners and shares of a CutMix view, for hard labels; None where nothing is mixed."""
        draw, partners = (None, None) if view == 0 else self._draw(rows, view)
        if draw is None or partners is None:
            return None
        kept, total = views.kept_pixels(draw, self._head.recipe.height, self._head.recipe.width)
        return Mix(partners, kept / total)

    def partners(self, rows: Sequence[Row], view: int) -> list[Row] | None:
        """(class index, slot) of each row's CutMix partner; None where the view mixes nothing."""
        return None if view == 0 else self._draw(rows, view)[1]

    def _draw(self, rows: Sequence[Row], view: int) -> tuple[views.ViewDraw, list[Row] | None]:
        drawn, partners = draw_rows(self._table, rows, view)
        return drawn, None if partners is None else [(c, s) for c, s in partners.tolist()]

    def _compose(self, rows: Sequence[Row]) -> UInt8s:
        """Patches of each row, laid out as one training image."""
        recipe = self._head.recipe
        per = recipe.patches_per_slot
        if isinstance(recipe.synthesis, Text2Image):
            patches = self._generated([(c, s * per + j) for c, s in rows for j in range(per)])
        else:
            patches = np.concatenate([self._table.patches(c, s) for c, s in rows])
        if recipe.layout.kind == "collage":
            return layouts.collage(patches, recipe.layout.grid, recipe.height, recipe.width)
        return resize(patches, recipe.height, recipe.width)

    def _generated(self, patches: Sequence[Row]) -> UInt8s:
        """Patches (class, index) cut out of generated pictures."""
        synthesis = self._head.recipe.synthesis
        if not isinstance(synthesis, Text2Image):
            raise TypeError("only text2image recipes generate pictures")
        cells = synthesis.grid**2
        wanted = sorted({(c, i // cells) for c, i in patches})
        from ddcodec.rendering.text2image import text2image

        prior = self._load_prior(synthesis)
        made = text2image(
            prior,
            self._conditions([c for c, _ in wanted], synthesis),
            self._unconditioned(synthesis),
            np.array([self._table.seeds(c)[i] for c, i in wanted], np.uint64),
            self._table.schedule(),
            synthesis.guidance,
            synthesis.size,
        )
        if synthesis.grid == 1:
            by_patch = dict(zip(wanted, made, strict=True))
        else:
            cut = layouts.cut(made, synthesis.grid)
            by_patch = {
                (c, i * cells + j): cut[n * cells + j]
                for n, (c, i) in enumerate(wanted)
                for j in range(cells)
            }
        return np.stack([by_patch[p] for p in patches])

    def _load_prior(self, synthesis: Text2Image) -> Prior:
        if self._prior is None:
            from ddcodec.prior.load import load_prior

            pin = self._head.prior
            if pin is None:
                raise ModelMismatchError("the artifact names no prior; it cannot be rendered")
            prior = load_prior(
                self._prior_spec or pin.source,
                pin=pin,
                profile=synthesis.profile,
                device=self._device,
                batch=synthesis.batch,
            )
            _check_weights(prior, synthesis)
            self._prior = prior
        return self._prior

    def _conditions(self, classes: Sequence[int], synthesis: Text2Image) -> torch.Tensor:
        """Text-encoder output of each class's prompt, each computed once."""
        import torch

        prior = self._load_prior(synthesis)
        kept = {c: self._prompts.peek(c) for c in dict.fromkeys(classes)}
        hidden = {c: states for c, states in kept.items() if states is not None}
        new = [c for c in kept if c not in hidden]
        if new:
            vectors = np.stack([self._table.prompt(c) for c in new])
            encoded = prior.prompt(synthesis.prompt, torch.from_numpy(vectors))
            for c, states in zip(new, encoded[:, None], strict=True):
                hidden[c] = states
                self._prompts.put(c, states.clone())
        return torch.cat([hidden[c] for c in classes])

    def _unconditioned(self, synthesis: Text2Image) -> torch.Tensor:
        return self._prompts.get(None, self._load_prior(synthesis).unconditioned)


def _tensor_bytes(tensor: torch.Tensor) -> int:
    return tensor.nbytes


def _check_weights(prior: Prior, synthesis: Text2Image) -> None:
    """The files are the pinned ones; this says whether the same integers came out of them."""
    found = prior.engine.weights
    if found == synthesis.weights:
        return
    raise ModelMismatchError(
        f"the prior's files are the pinned ones, but the integer weights of profile "
        f"{synthesis.profile} differ (digest {_short(found)}, the artifact has "
        f"{_short(synthesis.weights)}), so its pictures would too: remove "
        f"{cache_folder('weights')} and try again; if it stays, report it, the artifact or this "
        "installation is damaged"
    )


def _short(digest: bytes | None) -> str:
    return "none" if digest is None else f"{digest.hex()[:12]}…"
