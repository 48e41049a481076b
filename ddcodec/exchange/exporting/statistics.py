"""Mean and standard deviation by which other projects normalise pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ddcodec.arrays import Float32s, UInt8s
from ddcodec.errors import RequestError
from ddcodec.recipe.head import Recipe
from ddcodec.suggestions import did_you_mean

if TYPE_CHECKING:
    import torch

__all__ = ["CIFAR100", "IMAGENET", "STATISTICS", "Normalisation", "normalisation"]


@dataclass(frozen=True)
class Normalisation:
    """(pixels / 255 - mean) / std by channel, in the order of torchvision's ToTensor and Normalize.

    Attributes:
        name: what it is called.
        mean, std: by channel, of pixels within 0..1.
    """

    name: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def apply(self, images: UInt8s) -> Float32s:
        """uint8 [n, h, w, 3] -> float32 [n, 3, h, w], the bits that torchvision gives."""
        import torch

        tensor: torch.Tensor = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255)
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (self.mean, self.std))
        made: Float32s = tensor.sub_(mean).div_(std).numpy()
        return made

    def to_map(self) -> dict[str, Any]:
        """The same as plain values, for the sidecar."""
        return {
            "statistics": self.name,
            "pixels": "(pixels / 255 - mean) / std, float32",
            "mean": list(self.mean),
            "std": list(self.std),
        }


CIFAR = Normalisation("cifar", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
"""Of DC, MTT, DATM and DD-Ranking, for CIFAR-10 and CIFAR-100 alike (their ``get_dataset``)."""
CIFAR100 = Normalisation("cifar100", (0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762))
"""Of the ECCV 2024 contest's CIFAR-100 (its evaluate.py)."""
IMAGENET = Normalisation("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Of torchvision's models, and of these projects for all but CIFAR."""

STATISTICS = ("auto", "artifact", "cifar", "cifar100", "imagenet")
"""Names that :func:`normalisation` knows."""

_CIFAR_SIDE = 32


def normalisation(name: str | None, recipe: Recipe) -> Normalisation:
    """The statistics of this name.

    ``artifact`` are those of the recipe. ``auto`` are those that the code of MTT, DATM and
    DD-Ranking applies to its test pictures: ``cifar`` for pictures of 32 x 32, else ``imagenet``.

    Args:
        name: one of :data:`STATISTICS`; None for ``auto``.
        recipe: of the artifact.

    Raises:
        RequestError: an unknown name.
    """
    if name in (None, "auto"):
        return CIFAR if recipe.size == (_CIFAR_SIDE, _CIFAR_SIDE) else IMAGENET
    if name == "artifact":
        red, green, blue = (value / 65536 for value in recipe.evaluation.mean)
        deviations = recipe.evaluation.std
        one, two, three = (value / 65536 for value in deviations)
        return Normalisation("artifact", (red, green, blue), (one, two, three))
    for known in (CIFAR, CIFAR100, IMAGENET):
        if known.name == name:
            return known
    raise RequestError(
        f"there are no statistics {name!r}{did_you_mean(str(name), STATISTICS)}; known are "
        f"{', '.join(STATISTICS)}"
    )
