"""Features of views of every kind, of sizes that divide badly and of one pixel."""

from __future__ import annotations

from tools.conformance.reference.features import features
from tools.conformance.reference.synthesis import draw as draw_view
from tools.conformance.vectors.labels.raw import CROPS, FLIPS, MIXED, RESIZED, Case
from tools.conformance.vectors.numbers import draw


def feature_cases() -> list[Case]:
    """Features of views of every kind, of sizes that divide badly and of one pixel."""
    narrow = {**RESIZED, "scale": [1, 4096, 4096], "cutmix": 1}
    kinds = [
        (FLIPS, [8, 8], (1, 3, 0)),
        ({**FLIPS, "flip": 0}, [8, 8], (1, 3, 0)),
        ({**FLIPS, "cutmix": 1}, [7, 5], (2, 1, 1)),
        (CROPS, [32, 32], (1, 2, 0)),
        ({**CROPS, "flip": 0}, [9, 7], (1, 3, 1)),
        (MIXED, [31, 17], (2, 2, 1)),
        (MIXED, [32, 32], (1, 1, 1)),
        ({**MIXED, "pad": 7}, [8, 9], (2, 3, 0)),
        (RESIZED, [64, 48], (1, 3, 0)),
        (narrow, [40, 30], (2, 3, 1)),
        (narrow, [3, 200], (1, 3, 0)),
        ({**narrow, "flip": 0}, [1, 1], (2, 2, 1)),
        ({**FLIPS, "cutmix": 1}, [2, 1], (2, 1, 1)),
        ({**CROPS, "vflip": 80, "rotate": [60, 80]}, [32, 32], (1, 3, 0)),
        ({**RESIZED, "cutmix": 1, "vflip": 50, "rotate": [180, 100]}, [40, 30], (2, 2, 1)),
    ]
    cases = []
    for number, (view, size, (parts, degree, response)) in enumerate(kinds):
        numbers = draw(200 + number, 12, 1 << 30)
        for index in (0, 1, 2, 3):
            seed, other = numbers[index] << 32 | index, numbers[index + 4] << 20
            slot = index
            sides = size[1], size[0]
            own = draw_view(view, sides, seed, slot, index, 5)
            params = {"parts": parts, "degree": degree, "response": response}
            shown = [features(params, view, size, own, own, False)]
            if own.mixed:
                theirs = draw_view(view, sides, other, 0, index, 5)
                shown.append(features(params, view, size, theirs, own, True))
            case: Case = {"view": view, "size": size, **params, "index": index, "classes": 5}
            # Seeds as text: JSON numbers above 2^53 lose bits in many languages.
            case |= {"own": [str(seed), slot], "partner": [str(other), 0]}
            cases.append(case | {"features": shown})
    return cases
