"""Inputs of grids, weights, linear layers and convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tools.conformance.vectors.exact.tensors import (
    BIG,
    DIGITS,
    INF,
    NAN,
    TINY,
    Case,
    bits,
    even,
    repeat,
    wide,
)


def grids() -> list[Case]:
    ties15 = [n / 2 / 2**14 for n in (1, 3, 5, 7, 32765, 32767, -1, -3, -5, -32767)]
    ties8 = [0.5, 1.5, 2.5, 126.5, -0.5, -1.5, -126.5, 127, -127]
    inputs: list[tuple[str, Case]] = [
        ("three rows of their own scales", wide(1, [3, 8], 3)),
        ("rows of large numbers", wide(2, [2, 5], 60)),
        ("zeros, of both signs", bits([[0.0, -0.0, 0.0]])),
        ("a power of two begins an octave", bits([[1.0, 0.99999994, -1.0, 0.5]])),
        ("the largest number below it rounds up to the limit", bits([[0.99999994, -0.5]])),
        ("ties of the 15-bit grid", bits([[0.75, *ties15]])),
        ("ties of the 8-bit grid", bits([ties8])),
        ("the floor of the exponent", bits([[2.0**-60, 2.0**-61, 3 * 2.0**-74, -(2.0**-74)]])),
        ("just above the floor", bits([[2.0**-59, 2.0**-60, -(2.0**-73)]])),
        ("below the floor", bits([[2.0**-70, -(2.0**-73), 2.0**-74, 3 * 2.0**-74]])),
        ("subnormal numbers", bits([[TINY, -TINY, 2.0**-127, 2.0**-126]])),
        ("huge numbers", bits([[BIG, -BIG, 2.0**127, 1.0, 2.0**114, -(2.0**112)]])),
        ("a lone large number hides the rest", bits([[1024.0, 0.01, -0.03, 0.1]])),
        ("a row that is not finite, and one that is", bits([[1.0, NAN], [1.0, 2.0]])),
        ("infinity", bits([[-INF, 1.0]])),
    ]
    return [
        {"operation": "grid", "what": what, "digits": digits, "x": x}
        for digits in (2, 1)
        for what, x in inputs
    ]


def weights() -> list[Case]:
    inputs: list[tuple[str, Case]] = [
        ("four channels", wide(10, [4, 6], -3)),
        ("a convolution's", even(11, [2, 3, 2, 2])),
        ("scale 1 for 8 bits, with ties", bits([[127, 0.5, 1.5, -2.5, 126.5, -126.5, 3.25]])),
        ("scale 1 for 15 bits, with ties", bits([[-16383, 0.5, 1.5, -2.5, 16382.5, 128, -129]])),
        ("a channel of zeros", bits([[0.0, -0.0], [1.0, -3.0]])),
        ("channels about the smallest", bits([[2.0**-100, -(2.0**-101)], [2.0**-101, TINY]])),
        ("huge weights", bits([[BIG, -BIG, 2.0**126, 1.0]])),
        ("a weight that is not finite", bits([[1.0, INF]])),
    ]
    cases: list[Case] = [
        {"operation": "weight", "what": what, "digits": digits, "weight": weight}
        for digits in (1, 2)
        for what, weight in inputs
    ]
    for profile in DIGITS:
        networks: list[list[Any]] = [
            [
                "text_encoder",
                [
                    {"name": "encoder.fc.weight", "kind": "q", "value": wide(20, [3, 4])},
                    {"name": "encoder.fc.bias", "kind": "f", "value": even(21, [3])},
                    {"name": "embeddings.weight", "kind": "f", "value": wide(22, [5, 4])},
                ],
            ],
            ["unet", [{"name": "conv_in.weight", "kind": "q", "value": wide(23, [2, 1, 3, 3])}]],
            ["vae", [{"name": "quant_conv.weight", "kind": "q", "value": wide(24, [2, 2, 1, 1])}]],
        ]
        what = "one of each kind; the text encoder has 15 bits in every profile"
        cases.append(
            {"operation": "digest", "what": what, "profile": profile, "networks": networks}
        )
    return cases


def linears() -> list[Case]:
    def case(what: str, x: Case, weight: Case, bias: Case | None = None, only: str = "") -> None:
        for profile in (only,) if only else DIGITS:
            cases.append(
                {"operation": "linear", "what": what, "profile": profile}
                | {"x": x, "weight": weight, "bias": bias}
            )

    cases: list[Case] = []
    case("three rows, with bias", wide(30, [3, 10], 2), wide(31, [4, 10], -1), even(32, [4]))
    case("without bias", wide(33, [2, 77]), wide(34, [5, 77]))
    case("rows of a sequence", wide(35, [2, 3, 9], 5), even(36, [3, 9], -3), wide(37, [3]))
    case("sums beyond 24 bits", even(38, [2, 3000]), even(39, [3, 3000]), even(40, [3]))
    top, low = 0.99999994, 0.9921875  # 16384 = (64, 0) and 16256 = (64, -128) on the 15-bit grid
    wide_weight = [16383.0, 16256.0, 16256.0, -16256.0]  # (64, -1), (64, -128), (-63, -128)
    for terms in (1, 2, 1024, 1025, 4096, 65536):
        case(f"extreme digits, {terms} terms", repeat([top], [1, terms]), repeat([-1], [1, terms]))
        case(
            f"extreme digits of alternating signs, {terms} terms",
            repeat([low, -low], [2, terms]),
            repeat([-1, 1], [2, terms]),
        )
    for terms in (4, 1024, 65536):
        case(
            f"extreme low digits, {terms} terms",
            repeat([low, low, low, -low], [1, terms]),
            repeat(wide_weight, [2, terms]),
        )
    case("a single term", bits([[3.0]]), bits([[-0.3], [7.0]]), bits([0.1, -0.1]))
    case("products of zeros have a plus sign", bits([[0.0, -1.0]]), bits([[-1.0, 0.0]]))
    case("a row of zeros gives the bias", bits([[0.0, -0.0]]), even(41, [2, 2]), even(42, [2]))
    case("a bias of minus zero", bits([[0.0, 0.0]]), even(43, [1, 2]), bits([-0.0]))
    case("subnormal results", bits([[2.0**-70, 2.0**-71]]), bits([[2.0**-70, 2.0**-72]]))
    case("an input below the grid", bits([[TINY, -TINY]]), bits([[2.0**100, 1.0]]))
    case("overflow", bits([[BIG, BIG]]), bits([[BIG, BIG], [-BIG, -BIG]]))
    case("huge input, tiny weight", bits([[BIG, -1.0]]), bits([[2.0**-99, 2.0**-90]]))
    case("a row that is not finite", bits([[NAN, 1.0], [1.0, 2.0], [-INF, 0.0]]), even(44, [2, 2]))
    case("65,537 terms", repeat([1.0], [1, 65537]), repeat([1.0], [1, 65537]), only="w8a15")
    return cases


def convolutions() -> list[Case]:
    cases: list[Case] = []

    def case(
        what: str, x: Case, weight: Case, bias: Case | None = None, only: str = "", **how: list[int]
    ) -> None:
        geometry = {"stride": [1, 1], "padding": [0, 0], "dilation": [1, 1]} | how
        for profile in (only,) if only else DIGITS:
            cases.append(
                {"operation": "conv2d", "what": what, "profile": profile}
                | {"x": x, "weight": weight, "bias": bias}
                | geometry
            )

    same: dict[str, Any] = {"padding": [1, 1]}
    case("one by one", wide(50, [2, 5, 3, 4]), even(51, [4, 5, 1, 1]), even(52, [4]))
    case("two samples, three by three", wide(53, [2, 3, 5, 4], 4), wide(54, [4, 3, 3, 3]), **same)
    case(
        "stride two",
        even(55, [1, 4, 6, 7]),
        even(56, [3, 4, 3, 3]),
        even(57, [3]),
        stride=[2, 2],
        padding=[1, 1],
    )
    case(
        "all geometry differs by axis",
        even(58, [1, 2, 9, 8]),
        even(59, [2, 2, 2, 3]),
        stride=[2, 1],
        padding=[1, 3],
        dilation=[3, 2],
    )
    case("sums beyond 24 bits", even(60, [1, 500, 3, 3]), even(61, [2, 500, 3, 3]), **same)
    low = 0.9921875
    for channels in (1, 114, 512):
        case(
            f"extreme digits, {channels} channels",
            repeat([low, -low], [1, channels, 3, 3]),
            repeat([16383.0, -16256.0], [2, channels, 3, 3]),
            **same,
        )
    case("65,536 terms", repeat([-low], [1, 65536, 1, 1]), repeat([1.0], [1, 65536, 1, 1]))
    case("products of zeros have a plus sign", bits([[[[-1.0]]]]), bits([[[[0.0]]], [[[1.0]]]]))
    sample = np.ones((3, 1, 2, 2), np.float32)
    sample[1, 0, 1, 0] = NAN
    case("a sample that is not finite", bits(sample), even(62, [2, 1, 2, 2]), **same)
    case("a sample of zeros", repeat([0.0], [1, 2, 2, 2]), even(63, [2, 2, 1, 1]), even(64, [2]))
    return cases
