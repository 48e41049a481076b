"""The layers of the architectures a stored teacher may have (spec/teacher.md, "Layers").

A closed list, as plain numbers: a file names an architecture, and the shapes of all it stores
follow, so that sizes can be checked before anything is allocated.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from ddcodec.errors import UnsupportedFeatureError

__all__ = ["CONVNETS", "MAX_PARAMETERS", "MAX_TERMS", "NAMES", "RESNETS", "Layer", "layers_of"]

# Name -> blocks; name -> channels of the first stage.
CONVNETS = {"convnet3": 3, "convnet4": 4, "convnet5": 5}
RESNETS = {"resnet18": 64, "resnet18-half": 32}
NAMES = (*CONVNETS, *RESNETS)

CONVNET_WIDTH = 128
# Pictures up to this side have a stem of stride 1 (ResNets).
SMALL = 64
MAX_PARAMETERS = 1 << 24
MAX_TERMS = 1 << 16  # of an exact sum (spec/exact.md, "Sums")


@dataclass(frozen=True)
class Layer:
    """A convolution or, last, the linear layer.

    Attributes:
        shape: of its weight: [out, in, rows, columns] or [out, in].
        vectors: how many numbers an output channel has besides the weight: a bias, or the factor
            and shift of the norm that follows.
    """

    shape: tuple[int, ...]
    vectors: int

    @property
    def terms(self) -> int:
        """Weights an output channel."""
        return prod(self.shape[1:])


def layers_of(arch: str, classes: int, side: int) -> tuple[Layer, ...]:
    """All layers in the order they are stored.

    Args:
        arch: one of ``NAMES``.
        classes: outputs.
        side: of the square input in pixels.

    Raises:
        UnsupportedFeatureError: an unknown architecture, pictures too small or too large for it,
            or more than 2^24 parameters.
    """
    if arch in CONVNETS:
        layers = _convnet(CONVNETS[arch], classes, side)
    elif arch in RESNETS:
        layers = _resnet(RESNETS[arch], classes, side)
    else:
        raise UnsupportedFeatureError(
            f"a stored teacher of architecture {arch[:40]!r} is unknown to this version, which "
            f"reads {', '.join(NAMES)}"
        )
    parameters = sum(prod(layer.shape) for layer in layers)
    if parameters > MAX_PARAMETERS:
        raise UnsupportedFeatureError(
            f"a stored {arch} of {classes} classes and {side} px has {parameters} weights, more "
            f"than {MAX_PARAMETERS}"
        )
    return layers


def _convnet(depth: int, classes: int, side: int) -> tuple[Layer, ...]:
    last = side >> depth
    terms = CONVNET_WIDTH * last * last
    if not 1 <= terms <= MAX_TERMS:
        raise UnsupportedFeatureError(f"a stored ConvNet-{depth} cannot see {side} px pictures")
    inputs = [3] + [CONVNET_WIDTH] * (depth - 1)
    blocks = [Layer((CONVNET_WIDTH, channels, 3, 3), 2) for channels in inputs]
    return (*blocks, Layer((classes, terms), 1))


def _resnet(width: int, classes: int, side: int) -> tuple[Layer, ...]:
    if 8 * width * _last_side(side) ** 2 > MAX_TERMS:
        raise UnsupportedFeatureError(f"a stored ResNet cannot see pictures of {side} px")
    stem = 3 if side <= SMALL else 7
    layers = [Layer((width, 3, stem, stem), 1)]
    channels = width
    for stage in range(4):
        out = width << stage
        for block in range(2):
            layers += [Layer((out, channels, 3, 3), 1), Layer((out, out, 3, 3), 1)]
            if stage and not block:
                layers.append(Layer((out, channels, 1, 1), 1))
            channels = out
    return (*layers, Layer((classes, channels), 1))


def _last_side(side: int) -> int:
    """Side of a ResNet's last map: halved, rounding up, three times or (large pictures) five."""
    for _ in range(3 if side <= SMALL else 5):
        side = -(-side // 2)
    return side
