"""The parameters that each codec has, and their ranges (spec/codecs.md, section 1)."""

from __future__ import annotations

from typing import Any

from tools.conformance.reference.refusal import require

Params = dict[str, Any]
Ranges = dict[str, tuple[int, int]]

RANGES: dict[str, Ranges] = {
    "hard-labels": {},
    "label-fields": {
        "variations": (1, 1 << 24),
        "features": (1, 64),
        "atoms": (1, 1024),
        "band": (1, 1024),
    },
    "label-model": {
        "classes": (1, 4096),
        "features": (1, 64),
        "atoms": (0, 1024),
        "band": (1, 1024),
        "mean_step": (1, 2048),
        "shift": (0, 24),
        "variations": (1, 1 << 24),
        "parts": (1, 2),
        "degree": (0, 3),
        "response": (0, 1),
    },
    "mosaic-avif": {"width": (1, 8192), "height": (1, 8192)},
    "mosaic-png": {"width": (1, 8192), "height": (1, 8192)},
    "mosaic-webp": {"width": (1, 8192), "height": (1, 8192)},
    "pixel-digest": {"length": (1, 32)},
    "prompt-fp16": {},
    "prompt-int8": {},
    "prompt-text": {},
    "quantised-latents": {"channels": (1, 64), "height": (1, 8192), "width": (1, 8192)},
    "schedule-table": {},
    "seed-derived": {},
    "seed-list": {},
    "soft-labels": {"columns": (0, 65535), "band": (1, 65535), "step": (0, 2048)},
    "teacher-weights": {"bits": (3, 8), "classes": (1, 65535), "side": (1, 8192)},
    "top-k-labels": {
        "classes": (1, 65535),
        "k": (1, 65535),
        "step": (1, 2048),
        "common": (0, 1),
        "ranked": (0, 65535),
        "band": (1, 65535),
    },
    "view-draws": {"height": (1, 8192), "width": (1, 8192)},
}
TEXTS = {"teacher-weights": {"arch"}}


def check_parameters(name: str, params: Params) -> None:
    """Refuse parameters that are unknown, missing, of another type or out of range."""
    ranges, texts = RANGES[name], TEXTS.get(name, set())
    require(params.keys() == ranges.keys() | texts, "header", "unknown or missing parameters")
    for key in texts:
        require(isinstance(params[key], str), "header", f"parameter {key} is no text")
    for key, (low, high) in ranges.items():
        good = type(params[key]) is int and low <= params[key] <= high
        require(good, "header", f"parameter {key}")
    if name == "soft-labels":
        wide = params["step"] == 0 and params["columns"] > 1024
        require(not wide, "header", "more than 1024 atoms")
    if name == "top-k-labels":
        fits = max(params["k"], params["ranked"]) <= params["classes"]
        require(fits, "header", "k or ranked exceed the classes")
