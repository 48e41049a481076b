"""The package agrees with spec/vectors/synthesis, made by an implementation of its own."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ddcodec.recipe.view import View
from ddcodec.synthesis import layout, resample, view_draw, views
from tools.conformance.reference.randomness import philox
from tools.conformance.vectors.synthesis import MAKER

VECTORS: dict[str, list[Any]] = json.loads((MAKER.folder / "vectors.json").read_text("utf-8"))


def picture(number: int, size: list[int]) -> npt.NDArray[np.uint8]:
    height, width = size
    i = np.arange(height * width * 3, dtype=np.uint64)
    mixed = (i + np.uint64(1)) * (i + np.uint64(number + 7)) * np.uint64(2654435761)
    values = (mixed & np.uint64(0xFFFFFFFF)) >> np.uint64(24)
    return values.astype(np.uint8).reshape(height, width, 3)


def sha256(pictures: npt.NDArray[np.uint8]) -> str:
    return hashlib.sha256(pictures.tobytes()).hexdigest()


def test_the_tool_makes_the_file_that_is_there() -> None:
    assert MAKER.differences() == []


def test_the_tool_draws_philox_as_published() -> None:
    """Known answers of Random123 (kat_vectors, philox4x32 10)."""
    zero = (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    ones = (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)
    assert philox((0, 0, 0, 0), (0, 0)) == zero
    top = 2**32 - 1
    assert philox((top,) * 4, (top, top)) == ones


@pytest.mark.parametrize("name", ["resize", "nearest"])
def test_resampling(name: str) -> None:
    function = getattr(resample, name)
    for answer in VECTORS[name]:
        result = function(picture(answer["picture"], answer["from"])[None], *answer["to"])
        assert sha256(result) == answer["sha256"], answer
        if "result" in answer:
            assert result[0].tolist() == answer["result"]


def test_a_point_source_shows_the_weights() -> None:
    """Resizing a single white pixel reads a column of the weight table off, to one rounding."""
    for answer in VECTORS["weights"]:
        source, target = answer["from"], answer["to"]
        for j in range(source):
            line = np.zeros((1, 1, source, 1), dtype=np.uint8)
            line[0, 0, j] = 255
            seen = resample.resize(line, 1, target).ravel().tolist()
            rows = answer["weights"]
            assert seen == [(2 * 255 * r[j] + sum(r)) // (2 * sum(r)) for r in rows]


def test_collages_and_cuts() -> None:
    for answer in VECTORS["collage"]:
        first, grid = answer["first picture"], answer["grid"]
        patches = np.stack([picture(first + i, answer["from"]) for i in range(grid * grid)])
        assert sha256(layout.collage(patches, grid, *answer["to"])) == answer["sha256"]
    for answer in VECTORS["cut"]:
        patches = layout.cut(picture(answer["picture"], answer["from"])[None], answer["grid"])
        assert list(patches.shape[1:3]) == answer["to"]
        assert sha256(patches) == answer["sha256"]


@pytest.mark.parametrize("answer", VECTORS["views"], ids=lambda a: f"{a['view']['kind']}")
def test_views(answer: dict[str, Any]) -> None:
    rows = answer["rows"]
    drawn = view_draw.draw(
        View.from_map(answer["view"]),
        np.array([int(r["seed"]) for r in rows], dtype=np.uint64),
        [r["slot"] for r in rows],
        answer["index"],
        *answer["size"],
        answer["classes"],
        [r["class"] for r in rows],
    )
    crops = zip(drawn.top, drawn.left, drawn.rows, drawn.columns, strict=True)
    boxes = zip(drawn.mix_top, drawn.mix_bottom, drawn.mix_left, drawn.mix_right, strict=True)
    partners = zip(drawn.partner_class, drawn.partner_slot, strict=True)
    assert [list(c) for c in crops] == [r["crop"] for r in rows]
    assert [list(b) for b in boxes] == [r["box"] for r in rows]
    assert [list(p) for p in partners] == [r["partner"] for r in rows]
    tones = zip(drawn.brightness, drawn.contrast, drawn.gamma, strict=True)
    assert [list(t) for t in tones] == [r["tone"] for r in rows]
    for name in ("flip", "vflip", "degrees"):
        assert getattr(drawn, name).tolist() == [r[name] for r in rows]

    seen = views.augment(np.stack([picture(r["picture"], answer["size"]) for r in rows]), drawn)
    assert sha256(seen) == answer["augmented sha256"]
    own = view_draw.ViewDraw(**{name: value[:3] for name, value in vars(drawn).items()})
    assert sha256(views.mix(seen[:3], seen[3:], own)) == answer["mixed sha256"]
