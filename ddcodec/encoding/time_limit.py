"""Time limits: the images per class that this machine generates within one.

The First Dataset Distillation Challenge (ECCV 2024) gave generators ten minutes for all images of
a set. A trial draft is drawn for a while, and the images per class follow from its speed.
"""

from __future__ import annotations

import re
from time import perf_counter

from ddcodec.artifact import Artifact
from ddcodec.errors import RequestError
from ddcodec.recipe.head import MAX_IPC, MAX_ROWS, Recipe
from ddcodec.rendering.renderer import Renderer

__all__ = ["TRIAL_SLOTS", "fitting_ipc", "parse_seconds", "picture_seconds"]

TRIAL_SLOTS = 16
"""Slots per class of a trial draft: with several patches to a picture, whole pictures."""

# Speed is never the same twice: so much of the limit is planned with.
MARGIN = 0.9

_PICTURES = 16  # generated together in a trial
_TRIAL = 5.0  # seconds after which no more are
_UNITS = {"s": 1, "m": 60, "h": 3600}


def parse_seconds(text: str) -> int:
    """Seconds of a duration such as ``90s``, ``10m`` or ``2h``.

    Raises:
        RequestError: the text is none.

    >>> parse_seconds("10m")
    600
    """
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smh])", text)
    if found is None:
        raise RequestError(
            f"time_limit={text!r} is not allowed: it must be a whole number of seconds, minutes or "
            "hours, such as 90s, 10m or 2h"
        )
    return int(found[1]) * _UNITS[found[2]]


def picture_seconds(draft: Artifact, *, prior: str | None, device: str) -> float:
    """Seconds that generating one picture of a draft takes, in batches, without the loading."""
    recipe = draft.recipe
    classes = min(len(draft.head.classes), -(-_PICTURES // recipe.generated_per_class))
    rows = [(c, s) for c in range(classes) for s in range(recipe.ipc)]
    renderer = Renderer(draft.table, prior=prior, device=device, cache_bytes=0)
    renderer.pictures(rows)  # loads the prior and reads the prompts
    start, rounds = perf_counter(), 0
    while not rounds or perf_counter() - start < _TRIAL:
        renderer.pictures(rows)
        rounds += 1
    return (perf_counter() - start) / (rounds * classes * recipe.generated_per_class)


def fitting_ipc(limit: int, each: float, recipe: Recipe, classes: int) -> int:
    """Images per class whose pictures can all be generated in time; 0 if not even one can.

    Args:
        limit: seconds.
        each: seconds per generated picture.
        recipe: of a draft; it says how many images a picture makes, and how many variations.
        classes: of the artifact.
    """
    pictures = int(MARGIN * limit / (each * classes * recipe.variations))
    fitting = pictures * recipe.synthesis.grid**2 // recipe.patches_per_slot
    return min(fitting, MAX_IPC, MAX_ROWS // (classes * recipe.views))
