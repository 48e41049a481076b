"""Configurations in proportion to weights: checked before a library makes networks of them.

A file of a kilobyte may ask for ten thousand layers, or for terabytes of parameters that the weight
files do not hold. A library finds out after minutes; the headers of these files say it at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from ddcodec.errors import ModelMismatchError, shown
from ddcodec.prior.files import read_config

__all__ = ["WeightSizes", "check_network", "check_parameters", "check_settings"]

_MAX_NUMBER = 1 << 16  # steps of training, pixels, channels: far above any there is
_MAX_ITEMS = 1 << 16
_TENSORS_A_LAYER = 4  # at least
_SPARE = 1 << 20


@dataclass(frozen=True)
class WeightSizes:
    """What the weight files of a network hold.

    Attributes:
        tensors: how many.
        longest: the longest side of one.
        numbers: in all.
    """

    tensors: int
    longest: int
    numbers: int

    @classmethod
    def of(cls, paths: Iterable[Path]) -> WeightSizes:
        """Read off the headers of safetensors files.

        Raises:
            SafetensorError: one is damaged or cut short.
        """
        from safetensors import safe_open

        shapes: list[tuple[int, ...]] = []
        for path in paths:
            if path.suffix == ".safetensors":
                with safe_open(path, framework="pt") as file:
                    keys = list(file.keys())
                    shapes += [tuple(file.get_slice(key).get_shape()) for key in keys]
        longest = max((side for shape in shapes for side in shape), default=0)
        return cls(len(shapes), longest, sum(map(prod, shapes)))


def check_network(path: Path, sizes: WeightSizes) -> None:
    """Check the numbers in a network's ``config.json`` against its weights.

    Raises:
        ModelMismatchError: it has more layers than there are weights for, or a number that is
            larger than any side of a weight, and than 65,536.
    """
    for key, value in _numbers(read_config(path), path):
        if "layers" in key and value * _TENSORS_A_LAYER > sizes.tensors:
            raise _too_much(path, key, value, f"its weights are {sizes.tensors} arrays")
        if value > max(sizes.longest, _MAX_NUMBER):
            raise _too_much(path, key, value, f"no side of its weights exceeds {sizes.longest}")


def check_settings(path: Path) -> None:
    """Check the numbers of a scheduler's settings.

    Raises:
        ModelMismatchError: one is larger than 65,536.
    """
    for key, value in _numbers(read_config(path), path):
        if value > _MAX_NUMBER:
            raise _too_much(path, key, value, f"at most {_MAX_NUMBER} makes sense")


def check_parameters(path: Path, parameters: int, sizes: WeightSizes) -> None:
    """Check how many parameters a configuration gives a network.

    Raises:
        ModelMismatchError: more than twice as many as its weight files hold.
    """
    if parameters > 2 * sizes.numbers + _SPARE:
        raise _too_much(path, "parameters", parameters, f"its weights are {sizes.numbers} numbers")


def _numbers(node: Any, path: Path, key: str = "") -> Iterator[tuple[str, int]]:
    """Every integer of a configuration, with the key it stands under."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _numbers(value, path, str(name))
    elif isinstance(node, list):
        if len(node) > _MAX_ITEMS:
            raise _too_much(path, f"entries of {key}", len(node), f"at most {_MAX_ITEMS}")
        for value in node:
            yield from _numbers(value, path, key)
    elif type(node) is int:
        yield key, node


def _too_much(path: Path, what: str, value: int, why: str) -> ModelMismatchError:
    return ModelMismatchError(
        f"{path} asks for {shown(value)} {shown(what)}, but {why}; fetch or export the prior again"
    )
