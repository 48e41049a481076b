"""Inputs of attention: masks of every kind, extreme digits, heads that are not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from tools.conformance.vectors.exact.tensors import BIG, INF, NAN, Case, bits, even, repeat, wide


def attentions() -> list[Case]:
    cases: list[Case] = []

    def case(what: str, query: Case, key: Case, value: Case, **options: Any) -> None:
        for digits in (2, 1):
            cases.append(
                {"operation": "attention", "what": what, "digits": digits}
                | {"query": query, "key": key, "value": value}
                | {"mask": None, "additive mask": None, "causal": False, "scale": None}
                | options
            )

    def keep(rows: list[str], shape: list[int]) -> Case:
        return {"shape": shape, "keep": "".join(rows)}

    def sides(stream: int, b: int, h: int, q: int, k: int, d: int, e: int) -> tuple[Case, ...]:
        return (
            even(stream, [b, h, q, d], e),
            even(stream + 1, [b, h, k, d], e),
            even(stream + 2, [b, h, k, d]),
        )

    case("two samples, two heads", *sides(100, 2, 2, 3, 5, 4, 1))
    case("magnitudes of many octaves", *[wide(103 + i, [1, 2, 4, 6], 3) for i in range(3)])
    case("a scale of its own", *sides(106, 1, 1, 3, 4, 5, 1), scale=0.25)
    case("sharp: most weights are zero", *sides(109, 1, 1, 4, 9, 8, 5))
    case(
        "flat: all keys are alike",
        even(112, [1, 1, 2, 4]),
        repeat([0.5], [1, 1, 7, 4]),
        even(113, [1, 1, 7, 4]),
    )
    case("one key", *sides(115, 1, 2, 3, 1, 4, 2))
    case(
        "values of another width",
        even(118, [1, 1, 2, 4]),
        even(119, [1, 1, 3, 4]),
        even(120, [1, 1, 3, 6]),
    )
    mask = keep(["11010", "00000", "00001"], [3, 5])
    case("a mask; the second query sees nothing", *sides(121, 1, 2, 3, 5, 4, 1), mask=mask)
    each = keep(["110", "011", "111", "100"], [2, 1, 2, 3])
    case("a mask for each sample", *sides(124, 2, 2, 2, 3, 4, 1), mask=each)
    added = bits([[0.0, -10000.0, -0.0, -INF], [-BIG, 0.0, -12345.0, 0.0]])
    case("an additive mask", *sides(127, 1, 1, 2, 4, 4, 1), **{"additive mask": added})
    added = bits([[0.0, -9999.0]])
    case(
        "an additive mask of another value",
        *sides(130, 1, 1, 1, 2, 4, 1),
        **{"additive mask": added},
    )
    case("causal", *sides(133, 1, 2, 5, 5, 4, 1), causal=True)
    case("causal, more keys than queries", *sides(136, 1, 1, 2, 4, 4, 1), causal=True)
    case("causal, more queries than keys", *sides(139, 1, 1, 4, 2, 4, 1), causal=True)
    masked = np.ones((1, 1, 2, 2), np.float32)
    masked[0, 0, 1] = 64.0
    case(
        "a masked key still counts for the scale of its block",
        even(142, [1, 1, 1, 2]),
        bits(masked * np.array([0.3, 0.7], np.float32)),
        bits(masked * np.array([0.011, -0.007], np.float32)),
        mask=keep(["10"], [1, 2]),
    )
    low = 0.9921875
    wall = [1, 1, 2, 1008]
    case("extreme digits, width 1008", repeat([low], wall), repeat([low], wall), even(145, wall))
    signs = bits(np.repeat(np.array([low, -low], np.float32), 1008).reshape(wall))
    case("logits 2^31 apart", repeat([0.99999994], wall), signs, even(146, wall))
    case(
        "many keys, all alike",
        repeat([0.0], [1, 1, 1, 1]),
        repeat([1.0], [1, 1, 65536, 1]),
        repeat([low, low, -low, low], [1, 1, 65536, 1]),
    )
    case("many keys", *sides(147, 1, 1, 2, 1500, 2, 1))
    case("width 1009", *[repeat([1.0], [1, 1, 1, 1009])] * 3)
    case(
        "queries of zeros",
        repeat([0.0], [1, 1, 2, 4]),
        even(150, [1, 1, 3, 4]),
        even(151, [1, 1, 3, 4]),
    )
    case(
        "tiny",
        even(152, [1, 1, 2, 4], -70),
        even(153, [1, 1, 3, 4], -70),
        even(154, [1, 1, 3, 4], -70),
    )
    case(
        "huge values",
        even(155, [1, 1, 2, 2]),
        even(156, [1, 1, 3, 2]),
        even(157, [1, 1, 3, 2], 127),
    )
    case(
        "the product of the scales overflows",
        even(158, [1, 1, 2, 2], 127),
        even(159, [1, 1, 3, 2], 60),
        even(160, [1, 1, 3, 2]),
    )
    case(
        "the factor of the logits overflows",
        even(161, [1, 1, 2, 2], 127),
        even(162, [1, 1, 3, 2], 15),
        even(163, [1, 1, 3, 2]),
    )
    spoilt = np.array([[[[1, 2], [NAN, 1]], [[1, 2], [3, 4]]]], np.float32)
    plain = bits(np.array([[[[0.5, 1], [2, 1]], [[1, 2], [3, -4]]]], np.float32))
    case("a key that is not finite spoils its head", plain, bits(spoilt), plain)
    case("a query that is not finite spoils its head", bits(spoilt), plain, plain)
    case("a value that is not finite spoils its head", plain, plain, bits(spoilt))
    case("a negative scale", *sides(164, 1, 1, 1, 2, 2, 0), scale=-1.0)
    return cases
