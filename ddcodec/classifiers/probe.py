"""Checks that a module is a classifier that can be asked, before hours of work; digests of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ddcodec.classifiers.training import Statistics, device_of
from ddcodec.errors import RequestError, shown

__all__ = [
    "class_names",
    "input_size",
    "input_statistics",
    "module_digest",
    "probe",
    "teacher_digest",
]

MAX_SIDE = 8192


def probe(module: nn.Module, outputs: int, size: tuple[int, int], statistics: Statistics) -> None:
    """Show a module two pictures of noise, in eval mode, in which it is left.

    Args:
        module: float[n, 3, h, w], normalised -> float[n, outputs].
        outputs: how many logits there must be.
        size: (width, height) in pixels.
        statistics: input normalisation.

    Raises:
        RequestError: saying what came in place of finite logits.
    """
    width, height = size
    noise = np.random.default_rng(0).integers(0, 256, (2, 3, height, width), np.uint8)
    module.eval()
    try:
        with torch.inference_mode():
            pictures = torch.from_numpy(noise).to(device_of(module))
            found = module(statistics.normalise(pictures))
    except Exception as error:  # whatever code of the user's raises
        raise RequestError(
            f"the teacher cannot look at float32 pictures [2, 3, {height}, {width}]: "
            f"{type(error).__name__}: {error}; give its input size, or wrap it in a module that "
            "takes such pictures"
        ) from error
    if not isinstance(found, Tensor):
        raise RequestError(
            f"the teacher returns a {type(found).__name__}, not a tensor of logits: wrap it in a "
            "module that returns its logits alone"
        )
    if tuple(found.shape) != (2, outputs):
        raise RequestError(
            f"the teacher returns a tensor {list(found.shape)} for two pictures, where {outputs} "
            f"classes need [2, {outputs}]: name every class of its outputs, in their order"
        )
    if not bool(torch.isfinite(found).all()):
        raise RequestError(
            "the teacher returns logits that are not finite: check its weights, mean and std"
        )


def class_names(classes: Sequence[str]) -> tuple[str, ...]:
    """Names of a classifier's outputs.

    Raises:
        RequestError: none, or some that are no texts.
    """
    names = (classes,) if isinstance(classes, str) else tuple(classes)
    wrong = [name for name in names if not isinstance(name, str) or not name]
    if isinstance(classes, str) or not names or wrong:
        what = shown(classes if isinstance(classes, str) or not names else wrong[0])
        raise RequestError(f"classes must be a list of names, one for each output, not {what}")
    return names


def input_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """A side, or (width, height), as (width, height) in pixels.

    Raises:
        RequestError: it is neither, or not within 1..8192.
    """
    sides: Any = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or not all(type(side) is int and 1 <= side <= MAX_SIDE for side in sides):
        raise RequestError(
            f"size={shown(size)} must be a number of pixels, or (width, height), within "
            f"1..{MAX_SIDE}"
        )
    width, height = sides
    return width, height


def input_statistics(mean: Sequence[float], std: Sequence[float]) -> Statistics:
    """Input normalisation of pictures in the range 0..1, to 1/65536.

    Raises:
        RequestError: not three numbers each, or outside what an artifact's recipe can state.
    """
    return Statistics(_triple("mean", mean, 0), _triple("std", std, 1))


def _triple(name: str, values: Sequence[float], least: int) -> tuple[int, int, int]:
    try:
        r, g, b = (round(65536 * float(value)) for value in values)
    except (TypeError, ValueError, OverflowError) as error:
        raise RequestError(f"{name}={shown(values)} must be three numbers: R, G and B") from error
    if not all(least <= value <= 65536 for value in (r, g, b)):
        raise RequestError(
            f"{name}={shown(values)} must be within 0..1, as of pictures in the range 0..1: divide "
            "by 255 what is meant for 0..255"
        )
    return r, g, b


def teacher_digest(module: nn.Module, classes: tuple[str, ...], statistics: Statistics) -> str:
    """SHA-256 (hex) over the weights (name, dtype, shape, bytes), class names and statistics."""
    digest = hashlib.sha256(b"ddz/teacher/1\0")
    for value in (*classes, *map(str, statistics.mean), *map(str, statistics.std)):
        data = value.encode()
        digest.update(len(data).to_bytes(4, "little") + data)
    for name, tensor in sorted(module.state_dict().items()):
        flat = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {flat.dtype} {tuple(flat.shape)}\0".encode())
        digest.update(flat.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def module_digest(module: nn.Module, trained: str, size: tuple[int, int]) -> str:
    """SHA-256 (hex) over a foreign classifier, of which more must be told than its weights.

    Args:
        module: its layers' kinds and names count.
        trained: the digest over weights, class names and statistics.
        size: (width, height) in pixels that it looks at.
    """
    kinds = [
        f"{name} {type(one).__module__}.{type(one).__qualname__}"
        for name, one in module.named_modules()
    ]
    text = "\0".join(["ddz/teacher/2", trained, f"{size[0]}x{size[1]}", *kinds])
    return hashlib.sha256(text.encode()).hexdigest()
