"""Patches that a prior generates: (class, patch, variation) -> pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ddcodec.arrays import UInt8s, UInt64s
from ddcodec.byte_cache import ByteCache
from ddcodec.errors import EncodeError, ModelMismatchError
from ddcodec.extras import needed_for
from ddcodec.files import cache_folder
from ddcodec.randomness import variation_seeds
from ddcodec.recipe.synthesis import Generated, Image2Image
from ddcodec.rendering.base_latents import BaseLatents
from ddcodec.rendering.guidance import is_guided
from ddcodec.synthesis import layout as layouts
from ddcodec.table.table import Table

if TYPE_CHECKING:
    from ddcodec.prior.conditioning import Conditioning
    from ddcodec.prior.load import Prior

__all__ = ["Generator", "Place"]


class Place(NamedTuple):
    """A slot, a patch or a generated picture of a class, by its number, in one variation."""

    class_index: int
    number: int
    variation: int


class Generator:
    """Generates patches of one artifact.

    Args:
        table: the open table; its recipe generates.
        prior: spec of the prior to load (``tiny``, a folder, a hub id), which may be fetched; by
            default the pinned source, where this machine has it. Loaded on first use, and
            refused if its files differ from the pin.
        device: torch device.
    """

    def __init__(self, table: Table, *, prior: str | None, device: str) -> None:
        synthesis = table.head.recipe.synthesis
        if not isinstance(synthesis, Generated):
            raise TypeError("only a recipe that generates pictures has use for a prior")
        self._table = table
        self._synthesis = synthesis
        self._bases = BaseLatents(table)
        self._spec = prior
        self._device = device
        self._loaded: Prior | None = None
        self._prompts: ByteCache[int | None, Conditioning] = ByteCache(
            table.kept, lambda made: made.nbytes
        )

    @property
    def loaded(self) -> Prior | None:
        """The prior, if one was needed so far."""
        return self._loaded

    def patches(self, places: Sequence[Place]) -> UInt8s:
        """uint8 [n, height, width, 3]: the patches at the places, in their order."""
        cells = self._synthesis.grid**2
        wanted = sorted({p._replace(number=p.number // cells) for p in places})
        made = self._pictures(wanted)
        if cells == 1:
            by_place = dict(zip(wanted, made, strict=True))
        else:
            cut = layouts.cut(made, self._synthesis.grid)
            by_place = {
                place._replace(number=place.number * cells + j): cut[n * cells + j]
                for n, place in enumerate(wanted)
                for j in range(cells)
            }
        return np.stack([by_place[place] for place in places])

    def prior(self) -> Prior:
        """The prior, loaded and checked.

        Raises:
            ModelMismatchError: it is not the pinned one.
            DecodeError: it cannot be found or fetched, or not be run on the device.
        """
        if self._loaded is None:
            pin = self._table.head.prior
            if pin is None:
                raise ModelMismatchError("the artifact names no prior; it cannot be rendered")
            with needed_for("drawing pictures with a prior"):
                from ddcodec.prior.load import load_prior

                prior = load_prior(
                    self._spec,
                    pin=pin,
                    profile=self._synthesis.profile,
                    device=self._device,
                    batch=self._synthesis.batch,
                )
            _check_inputs(prior, self._synthesis)
            _check_weights(prior, self._synthesis)
            self._loaded = prior
        return self._loaded

    def _pictures(self, places: Sequence[Place]) -> UInt8s:
        prior, synthesis = self.prior(), self._synthesis
        prompts = self._conditions([place.class_index for place in places])
        unconditioned, seeds = self._unconditioned(), self._seeds(places)
        schedule, guidance = self._table.schedule(), synthesis.guidance
        if isinstance(synthesis, Image2Image):
            from ddcodec.prior.partial_schedule import PartialSchedule
            from ddcodec.rendering.image2image import image2image

            latents = self._bases.of(prior, [(c, number) for c, number, _ in places], seeds)
            start = PartialSchedule.from_bits(synthesis.signal, schedule)
            return image2image(
                prior, latents, prompts, unconditioned, seeds, start, guidance, synthesis.time_ids
            )
        from ddcodec.rendering.text2image import text2image

        return text2image(
            prior,
            prompts,
            unconditioned,
            seeds,
            schedule,
            guidance,
            synthesis.size,
            synthesis.time_ids,
        )

    def _seeds(self, places: Sequence[Place]) -> UInt64s:
        """uint64 [n]: the seed of each generated picture."""
        rows = np.array([(c, number) for c, number, _ in places], np.intp)
        return variation_seeds(self._table.seeds_of(rows), [u for _, _, u in places])

    def _conditions(self, classes: Sequence[int]) -> Conditioning:
        """What the text encoders make of each class's prompt, each computed once."""
        from ddcodec.prior.conditioning import Conditioning

        kept = {c: self._prompts.peek(c) for c in dict.fromkeys(classes)}
        found = {c: made for c, made in kept.items() if made is not None}
        new = [c for c in kept if c not in found]
        if new:
            encoded = self._encoded(new)
            for i, c in enumerate(new):
                found[c] = encoded[i : i + 1]
                self._prompts.put(c, found[c].clone())
        return Conditioning.concatenate([found[c] for c in classes])

    def _encoded(self, classes: Sequence[int]) -> Conditioning:
        """Prompts of classes: learned vectors, or a text of each, in the template."""
        import torch

        template = self._synthesis.prompt
        if self._synthesis.vectors_per_class:
            vectors = np.stack([self._table.prompt(c) for c in classes])
            return self._read(lambda prior: prior.prompt(template, torch.from_numpy(vectors)))
        texts = [template.replace("{}", self._table.prompt_text(c)) for c in classes]
        return self._read(lambda prior: prior.prompt(texts))

    def _read(self, encode: Callable[[Prior], Conditioning]) -> Conditioning:
        """What the prior makes of a prompt.

        Raises:
            ModelMismatchError: the prompt is longer than it reads.
        """
        try:
            return encode(self.prior())
        except EncodeError as error:
            raise ModelMismatchError(f"the artifact's prompts do not fit: {error}") from error

    def _unconditioned(self) -> Conditioning | None:
        """What guidance leads away from; not encoded where nothing is guided."""
        negative = self._synthesis.negative
        if not is_guided(self._synthesis.guidance):
            return None
        return self._prompts.get(
            None, lambda: self._read(lambda prior: prior.unconditioned(negative))
        )


def _check_inputs(prior: Prior, synthesis: Generated) -> None:
    """The recipe gives the prior's networks what they read, and asks for what they can make."""
    from ddcodec.prior.load import MOST_TIMES_TRAINED

    widths = synthesis.vectors[1:]
    if synthesis.vectors_per_class and widths != prior.text_widths:
        raise ModelMismatchError(
            f"the artifact's token vectors have the widths {list(widths)}, but the pinned prior's "
            f"text encoders have {list(prior.text_widths)}; the artifact is damaged or was made by "
            "hand"
        )
    found, wanted = len(synthesis.time_ids), len(prior.time_ids(*synthesis.size))
    if found != wanted:
        raise ModelMismatchError(
            f"the artifact has {found} time ids, but the pinned prior reads {wanted}; the artifact "
            "is damaged or was made by hand"
        )
    width, height = synthesis.size
    if max(width, height) > MOST_TIMES_TRAINED * prior.size:
        raise ModelMismatchError(
            f"the artifact's pictures have {width} x {height} pixels, but the pinned prior was "
            f"trained at {prior.size} x {prior.size}, and no side may be more than "
            f"{MOST_TIMES_TRAINED} times as long"
        )
    if any(side % prior.multiple for side in synthesis.size):
        raise ModelMismatchError(
            f"the artifact's pictures have {width} x {height} pixels, but sides of the pinned "
            f"prior's are multiples of {prior.multiple}; the artifact is damaged or was made by "
            "hand"
        )


def _check_weights(prior: Prior, synthesis: Generated) -> None:
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
