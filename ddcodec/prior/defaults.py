"""Defaults that suit a prior, for encoders; a decoder reads what was chosen from the artifact.

``ddcodec.json`` in its folder states them; without it, the scheduler tells Turbo models from
others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddcodec.errors import ModelMismatchError
from ddcodec.prior.files import read_config

__all__ = ["Defaults", "read_defaults"]

FILE = "ddcodec.json"
_SCHEDULER = "scheduler/scheduler_config.json"


@dataclass(frozen=True)
class Defaults:
    """Settings that suit a prior.

    Attributes:
        steps: inference steps.
        guidance: classifier-free guidance, a ratio.
        collage_prompt: the caption that the prior's collages of one class were trained with, with
            one ``{}``; None for a prior that knows no collages.
        patch: side in pixels of the smallest picture that the prior draws well in a collage.
    """

    steps: int = 25
    guidance: tuple[int, int] = (15, 2)
    collage_prompt: str | None = None
    patch: int = 1


TURBO = Defaults(steps=1, guidance=(0, 1))
"""One step without guidance: adversarially distilled models (SDXL-Turbo, SD-Turbo)."""


def read_defaults(folder: Path) -> Defaults:
    """Read ``ddcodec.json``: ``steps``, ``guidance`` as [numerator, denominator], ``collage``.

    Raises:
        ModelMismatchError: the file is there and unusable.
    """
    path = folder / FILE
    if not path.is_file():
        return TURBO if _is_turbo(folder / _SCHEDULER) else Defaults()
    values, plain = read_config(path), Defaults()
    steps, guidance = values.get("steps", plain.steps), values.get("guidance", [*plain.guidance])
    ratio = isinstance(guidance, list) and len(guidance) == 2
    if not ratio or not all(type(v) is int for v in (steps, *guidance)):
        raise ModelMismatchError(
            f"{path} is not usable: steps must be an integer and guidance a list "
            "[numerator, denominator]"
        )
    if steps < 1 or guidance[0] < 0 or guidance[1] < 1:
        raise ModelMismatchError(f"{path} is out of range: steps {steps}, guidance {guidance}")
    return Defaults(steps, (guidance[0], guidance[1]), *_collage(path, values.get("collage")))


def _collage(path: Path, value: Any) -> tuple[str | None, int]:
    if value is None:
        return None, 1
    prompt = value.get("prompt") if isinstance(value, dict) else None
    patch = value.get("patch") if isinstance(value, dict) else None
    if not isinstance(prompt, str) or prompt.count("{}") != 1:
        raise ModelMismatchError(f"{path} is not usable: collage needs a prompt with one {{}}")
    if type(patch) is not int or patch < 1:
        raise ModelMismatchError(f"{path} is not usable: collage needs patch, a number of pixels")
    return prompt, patch


def _is_turbo(path: Path) -> bool:
    """Whether a scheduler is like those of SDXL-Turbo and SD-Turbo: Euler, trailing."""
    config = read_config(path) if path.is_file() else {}
    euler = str(config.get("_class_name", "")).startswith("Euler")
    return euler and config.get("timestep_spacing") == "trailing"
