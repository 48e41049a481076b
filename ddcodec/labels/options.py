"""Options of soft labels: how they are to be coded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ddcodec.errors import RequestError

__all__ = ["LABEL_LAYERS", "LabelOptions", "LayerName"]

LayerName = Literal["class", "image", "field", "innovation", "lossless"]

LABEL_LAYERS: tuple[LayerName, ...] = get_args(LayerName)


@dataclass(frozen=True)
class LabelOptions:
    """How soft labels are coded.

    Attributes:
        layers: ``class``: each label is the mean of its class; ``image``: and that of its
            picture; ``field``: and a function of crop and flip; ``innovation``: and what is left
            of each view, as far as it is worth its bytes; ``lossless``: the teacher's logits
            rounded to 1/64 nat.
        quality: mean KL divergence in nats, at the recipe's temperature, of the teacher's labels
            from the decoded ones; what coarser layers leave is not counted against them.
            None stands for ``sections.RELATIVE_QUALITY`` of their divergence from the mean label,
            which suits any temperature; where no basis reaches that, for about what the best one
            leaves.
        budget: bytes of all label sections; takes the place of ``quality``.
    """

    layers: LayerName = "innovation"
    quality: float | None = None
    budget: int | None = None

    def __post_init__(self) -> None:
        if self.layers not in LABEL_LAYERS:
            raise RequestError(
                f"label layers {self.layers!r} are none of {', '.join(LABEL_LAYERS)}"
            )
        if self.quality is not None and not 1e-6 <= self.quality <= 1:
            raise RequestError(f"label quality {self.quality:g} is not within 1e-6..1 nats")
        if self.budget is not None and self.layers in ("class", "lossless"):
            raise RequestError(
                f"labels of layers {self.layers} have the bytes they have; no budget"
            )
