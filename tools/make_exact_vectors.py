"""Make the known answers of spec/exact.md: spec/vectors/exact/*.json, but for images.json.

    python tools/make_exact_vectors.py            write them
    python tools/make_exact_vectors.py --check    exit code 1 if they differ from what is there

Expected values come from ``read_exact.py``, which shares no code with the package; inputs are
written down or made of Philox words (spec/codecs.md). The format of the files is described in
spec/exact.md, "Conformance".
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import read_codecs
import read_exact
from read_exact import Array, Unsupported

FOLDER = Path(__file__).resolve().parent.parent / "spec" / "vectors" / "exact"
DIGITS = {"w8a8": (1, 1), "w8a15": (1, 2), "w15a15": (2, 2)}  # of weights, of activations
SHORT = 96  # results of at most so many values are written out
Case = dict[str, Any]


# Tensors as JSON


@cache
def words(stream: int, count: int) -> Array:
    return np.array(read_codecs.words(0, 2, stream, count), np.int64)


def tensor(spec: Case) -> Array:
    """binary32 array of an input's description."""
    shape = tuple(spec["shape"])
    count = prod(shape)
    if "bits" in spec or "repeat" in spec:
        text = spec.get("bits") or spec.get("repeat", "")
        values = np.frombuffer(bytes.fromhex(text), ">u4").astype(np.uint32)
        return np.resize(values, count).view(np.float32).reshape(shape)
    if "from" in spec:
        whole = np.arange(spec["from"], spec["from"] + count)
        return (
            np.ldexp(whole.astype(np.float64), spec["exponent"]).astype(np.float32).reshape(shape)
        )
    w = words(spec["stream"], count)
    if spec["kind"] == "pattern":
        return (w & 0xFF7FFFFF).astype(np.uint32).view(np.float32).reshape(shape)
    shift = (w >> 24) % 16 if spec["kind"] == "wide" else 0
    values = np.ldexp(((w & 0xFFFFFF) - 2**23).astype(np.float64), spec["exponent"] - 23 - shift)
    return values.astype(np.float32).reshape(shape)


def even(stream: int, shape: list[int], exponent: int = 0) -> Case:
    """Evenly spread in -2^exponent..2^exponent."""
    return {"shape": shape, "stream": stream, "kind": "even", "exponent": exponent}


def wide(stream: int, shape: list[int], exponent: int = 0) -> Case:
    """Magnitudes over 16 octaves and more."""
    return {"shape": shape, "stream": stream, "kind": "wide", "exponent": exponent}


def bits(values: Any, shape: list[int] | None = None) -> Case:
    """Values written out; every NaN as 7fc00000."""
    array = np.asarray(values, np.float32)
    patterns = np.where(np.isnan(array), np.uint32(0x7FC00000), array.view(np.uint32))
    return {
        "shape": list(array.shape) if shape is None else shape,
        "bits": patterns.astype(">u4").tobytes().hex(),
    }


def repeat(values: list[float], shape: list[int]) -> Case:
    """The values over and over."""
    return {"shape": shape, "repeat": bits(values)["bits"]}


def result(array: Array) -> Case:
    """A result: written out if it is short, and as SHA-256 of its little-endian bytes if not."""
    whole = bits(array)
    if array.size <= SHORT:
        return whole
    data = np.frombuffer(bytes.fromhex(whole["bits"]), ">u4").astype("<u4").tobytes()
    digest = hashlib.sha256(data).hexdigest()
    return {"shape": whole["shape"], "first": whole["bits"][:64], "sha256": digest}


# Inputs

BIG = 3.4028234663852886e38  # the largest binary32 number
TINY = 2.0**-149  # the smallest
NAN, INF = float("nan"), float("inf")


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
    cases = [
        {"operation": "weight", "what": what, "digits": digits, "weight": weight}
        for digits in (1, 2)
        for what, weight in inputs
    ]
    for profile in DIGITS:
        networks = [
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
    signs = bits(np.repeat(np.float32([low, -low]), 1008).reshape(wall))
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


def norms() -> list[Case]:
    cases: list[Case] = []

    def group(
        what: str, x: Case, groups: int, gamma: Case | None, beta: Case | None, eps: float = 1e-5
    ) -> None:
        cases.append(
            {"operation": "group norm", "what": what, "x": x, "groups": groups}
            | {"gamma": gamma, "beta": beta, "eps": eps}
        )

    def layer(what: str, x: Case, gamma: Case | None, beta: Case | None, eps: float = 1e-5) -> None:
        cases.append(
            {"operation": "layer norm", "what": what, "x": x}
            | {"gamma": gamma, "beta": beta, "eps": eps}
        )

    gamma, beta = even(180, [6]), even(181, [6])
    group("two samples, three groups", even(182, [2, 6, 2, 3], 2), 3, gamma, beta)
    group("without factor and offset", even(183, [2, 6, 2, 2]), 2, None, None, 1e-6)
    group("factor only", even(184, [1, 6, 2, 2]), 6, gamma, None)
    group("offset only", even(185, [1, 6, 2, 2]), 1, None, beta)
    group("one axis of positions", wide(186, [2, 6, 5], 6), 2, gamma, beta)
    group("no positions", wide(187, [3, 6]), 2, gamma, beta)
    group("many values", even(188, [1, 6, 40, 40], 4), 2, gamma, beta)
    group(
        "a mean far from zero",
        {"shape": [1, 6, 3, 4], "from": 100000, "exponent": -10},
        2,
        gamma,
        beta,
    )
    group("constant groups", repeat([12.3456789], [1, 6, 2, 2]), 3, gamma, beta)
    group("groups of zeros", repeat([0.0, -0.0], [1, 6, 2, 2]), 3, gamma, beta)
    group("zeros without offset have a plus sign", bits([[-0.0, 1.0, -1.0, 0.0]]), 1, None, None)
    group("perfect squares, no epsilon", repeat([3.0, -3.0], [1, 6, 2, 2]), 3, gamma, beta, 0.0)
    group("no variance, no epsilon", repeat([3.0], [1, 6, 1, 1]), 6, gamma, beta, 0.0)
    group("an epsilon that exceeds the variance", even(189, [1, 6, 2, 2], -12), 2, gamma, beta)
    group("blocks far smaller than epsilon", even(190, [1, 6, 2, 2], -40), 2, gamma, beta)
    group("subnormal", repeat([TINY, -TINY, 2.0**-127], [1, 6, 2, 2]), 2, gamma, beta)
    group("huge", repeat([BIG, -BIG, 2.0**126], [1, 6, 2, 2]), 2, gamma, beta)
    group("a group of one value", even(191, [2, 6, 1, 1], 3), 6, gamma, beta)
    spoilt = np.ones((1, 4, 1, 2), np.float32)
    spoilt[0, 2, 0, 1] = INF
    group("a group that is not finite", bits(spoilt), 2, None, None)
    group("too many values", repeat([1.0], [1, 1, 2**23 + 1]), 1, None, None)
    gamma, beta = even(193, [8]), even(194, [8])
    layer("three rows", wide(195, [3, 8], 3), gamma, beta)
    layer("rows of a sequence, another epsilon", even(196, [2, 2, 8], -2), gamma, beta, 1e-6)
    layer("without factor and offset", even(197, [2, 8]), None, None)
    layer("a wide row", even(198, [2, 768], 1), even(199, [768]), even(200, [768]))
    layer("a constant row and one of zeros", bits([[0.7] * 8, [0.0] * 8]), gamma, beta)
    layer("a lone large value", bits([[1000.0, 0.1, -0.1, 0, 0, 0, 0, 0]]), gamma, beta)
    layer("a row of one value", bits([[5.0], [-5.0]]), None, bits([0.5]))
    layer("tiny", even(201, [2, 8], -80), gamma, beta)
    layer("huge", even(202, [2, 8], 127), gamma, beta)
    layer("a row that is not finite", bits([[1.0] * 7 + [NAN], [1.0, 2.0] * 4]), gamma, beta)
    return cases


def functions() -> list[Case]:
    cases: list[Case] = []
    step = 2.0**-11
    special = [0.0, -0.0, TINY, -TINY, 2.0**-126, 2.0**-12, -(2.0**-12), 3 * 2.0**-12]
    special += [-3 * 2.0**-12, step, -step, 1.0, -1.0, 1 / 3, 16 - step, 16 - step / 2, 16.0]
    special += [16.5, -16 + step, -16 + step / 2, -16.0, -16.5, 8.0, -8.0, 100.0, -100.0]
    special += [2.0**20, -(2.0**20), 1e30, -1e30, BIG, -BIG, INF, -INF, NAN]
    for name in ("sigmoid", "silu", "gelu", "tanh"):
        cases += [
            {"operation": name, "what": "special values", "x": bits(special)},
            {"operation": name, "what": "numbers of all sizes", "x": wide(210, [500], 5)},
            {"operation": name, "what": "every entry of the table, and every tie between two"}
            | {"x": {"shape": [131201], "from": -65600, "exponent": -12}},
        ]
    quarter = 1.5707963267948966
    special = [0.0, -0.0, TINY, -TINY, 2.0**-126, 2.0**-25, -(2.0**-24), 2.0**-12, 1.0, -1.0]
    special += [quarter, -quarter, 2 * quarter, 3 * quarter, 4 * quarter, 22.0, 355.0, 999.0]
    special += [88.72283, 88.72284, -87.33655, -103.97208, -103.97209, -150.0, 1e9, -1e22, BIG]
    special += [-BIG, INF, -INF, NAN]
    for name in ("exp", "sin", "cos"):
        cases += [
            {"operation": name, "what": "special values", "x": bits(special)},
            {"operation": name, "what": "-64..64", "x": even(211, [90], 6)},
            {"operation": name, "what": "numbers of all sizes", "x": wide(212, [300], 9)},
            {"operation": name, "what": "patterns"}
            | {"x": {"shape": [300], "stream": 213, "kind": "pattern"}},
        ]
    for number in (3.0, 10.0, 0.1, 7.0, 127.5, 0.18215, 24.0, 1.0):
        cases.append(
            {"operation": "divide", "what": f"by {number}", "x": wide(214, [40], 8)}
            | {"number": number}
        )
    times = bits([0.0, 1.0, 20.0, 499.5, 981.0, 999.0])
    for width, shift, flip in ((48, 0.0, True), (48, 1.0, False), (320, 0.0, True), (7, 0.0, True)):
        cases.append(
            {"operation": "time embedding", "what": f"width {width}", "timesteps": times}
            | {"width": width, "shift": shift, "flip": flip}
        )
    for factors in ([2, 2], [1, 3]):
        cases.append(
            {"operation": "upsample", "what": f"by {factors}", "x": even(215, [1, 2, 2, 3])}
            | {"factors": factors}
        )
    ties = [(n + 0.5 - 127.5) / 127.5 for n in (0, 1, 100, 101, 253, 254)]
    edges = [0.0, -0.0, 1.0, -1.0, 1.5, -1.5, 1e30, -1e30, 0.99607843, -0.99607843]
    cases += [
        {"operation": "pixels", "what": "edges and ties", "x": bits([*edges, *ties])},
        {"operation": "pixels", "what": "evenly spread", "x": even(216, [64])},
        {"operation": "pixels", "what": "a value that is not finite", "x": bits([0.0, NAN])},
    ]
    return cases


def networks() -> list[Case]:
    convolutional = {
        "conv1.weight": even(230, [8, 3, 3, 3], -1),
        "conv1.bias": even(231, [8], -2),
        "norm.weight": even(232, [8], 1),
        "norm.bias": even(233, [8], -1),
        "conv2.weight": even(234, [3, 8, 1, 1]),
        "conv2.bias": even(235, [3], -3),
    }
    attending = {
        "query.weight": even(240, [8, 12], 1),
        "key.weight": even(241, [8, 12], 1),
        "value.weight": even(242, [8, 12]),
        "value.bias": even(243, [8], -2),
        "out.weight": even(244, [5, 8]),
        "out.bias": even(245, [5]),
    }
    structure = {
        "convolutional": "conv1 (3 x 3, padding 1), group norm (4 groups, eps 1e-6), silu, conv2",
        "attending": "query, key, value (linear), 2 heads of width 4, attention, out (linear)",
    }
    return [
        {"operation": name, "what": structure[name], "profile": profile, "x": x}
        | {"parameters": parameters}
        for name, x, parameters in (
            ("convolutional", even(236, [2, 3, 6, 5], 1), convolutional),
            ("attending", even(246, [2, 6, 12]), attending),
        )
        for profile in DIGITS
    ]


# Answers


def optional(spec: Case | None) -> Array | None:
    return None if spec is None else tensor(spec)


def answer_grid(case: Case) -> Case:
    grid = read_exact.quantise(tensor(case["x"]), (1,), case["digits"])
    known = bool(np.isfinite(grid.scale).all())
    return {"q": grid.q.ravel().tolist() if known else None, "scale": bits(grid.scale)}


def answer_weight(case: Case) -> Case:
    weight = read_exact.quantise_weight(tensor(case["weight"]), case["digits"])
    return {"q": weight.q.ravel().tolist(), "scale": bits(weight.scale)}


def answer_digest(case: Case) -> Case:
    networks = []
    for name, parameters in case["networks"]:
        digits = 2 if name == "text_encoder" else DIGITS[case["profile"]][0]
        values = {
            p["name"]: read_exact.quantise_weight(tensor(p["value"]), digits)
            if p["kind"] == "q"
            else tensor(p["value"])
            for p in parameters
        }
        networks.append((name, values))
    return {"sha256": read_exact.weights_digest(networks).hex()}


def answer_linear(case: Case) -> Case:
    weight_digits, digits = DIGITS[case["profile"]]
    weight = read_exact.quantise_weight(tensor(case["weight"]), weight_digits)
    y = read_exact.linear(tensor(case["x"]), weight, optional(case["bias"]), digits)
    return {"y": result(y)}


def answer_conv2d(case: Case) -> Case:
    weight_digits, digits = DIGITS[case["profile"]]
    weight = read_exact.quantise_weight(tensor(case["weight"]), weight_digits)
    geometry = {name: tuple(case[name]) for name in ("stride", "padding", "dilation")}
    y = read_exact.conv2d(tensor(case["x"]), weight, optional(case["bias"]), digits, **geometry)
    return {"y": result(y)}


def mask_of(case: Case) -> Array | None:
    """The boolean or additive mask of an attention case."""
    if case["mask"] is None:
        return optional(case["additive mask"])
    flags = np.array([c == "1" for c in case["mask"]["keep"]])
    return flags.reshape(case["mask"]["shape"])


def answer_attention(case: Case) -> Case:
    sides = (tensor(case[name]) for name in ("query", "key", "value"))
    y = read_exact.attention(
        *sides, case["digits"], mask=mask_of(case), causal=case["causal"], scale=case["scale"]
    )
    return {"y": result(y)}


def answer_group_norm(case: Case) -> Case:
    gamma, beta = optional(case["gamma"]), optional(case["beta"])
    y = read_exact.group_norm(tensor(case["x"]), case["groups"], gamma, beta, case["eps"])
    return {"y": result(y)}


def answer_layer_norm(case: Case) -> Case:
    gamma, beta = optional(case["gamma"]), optional(case["beta"])
    return {"y": result(read_exact.layer_norm(tensor(case["x"]), gamma, beta, case["eps"]))}


def answer_time_embedding(case: Case) -> Case:
    times, width = tensor(case["timesteps"]), case["width"]
    return {"y": result(read_exact.timestep_embedding(times, width, case["shift"], case["flip"]))}


def answer_pixels(case: Case) -> Case:
    return {"bytes": read_exact.to_uint8(tensor(case["x"])).tobytes().hex()}


def answer_convolutional(case: Case) -> Case:
    weight_digits, digits = DIGITS[case["profile"]]
    p = {name: tensor(value) for name, value in case["parameters"].items()}
    first, second = (
        read_exact.quantise_weight(p[f"conv{i}.weight"], weight_digits) for i in (1, 2)
    )
    h = read_exact.conv2d(tensor(case["x"]), first, p["conv1.bias"], digits, padding=(1, 1))
    h = read_exact.silu(read_exact.group_norm(h, 4, p["norm.weight"], p["norm.bias"], 1e-6))
    return {"y": result(read_exact.conv2d(h, second, p["conv2.bias"], digits))}


def answer_attending(case: Case) -> Case:
    weight_digits, digits = DIGITS[case["profile"]]
    p = {name: tensor(value) for name, value in case["parameters"].items()}

    def linear(name: str, x: Array) -> Array:
        weight = read_exact.quantise_weight(p[f"{name}.weight"], weight_digits)
        return read_exact.linear(x, weight, p.get(f"{name}.bias"), digits)

    x = tensor(case["x"])
    heads = [
        linear(name, x).reshape(*x.shape[:2], 2, 4).swapaxes(1, 2)
        for name in ("query", "key", "value")
    ]
    h = read_exact.attention(*heads, digits)
    return {"y": result(linear("out", h.swapaxes(1, 2).reshape(*x.shape[:2], 8)))}


def plain(name: str) -> Callable[[Case], Case]:
    function = getattr(read_exact, name)
    return lambda case: {"y": result(function(tensor(case["x"])))}


ANSWERS: dict[str, Callable[[Case], Case]] = {
    "grid": answer_grid,
    "weight": answer_weight,
    "digest": answer_digest,
    "linear": answer_linear,
    "conv2d": answer_conv2d,
    "attention": answer_attention,
    "group norm": answer_group_norm,
    "layer norm": answer_layer_norm,
    **{name: plain(name) for name in ("sigmoid", "silu", "gelu", "tanh", "exp", "sin", "cos")},
    "divide": lambda case: {"y": result(read_exact.divide(tensor(case["x"]), case["number"]))},
    "time embedding": answer_time_embedding,
    "upsample": lambda case: {
        "y": result(read_exact.upsample(tensor(case["x"]), tuple(case["factors"])))
    },
    "pixels": answer_pixels,
    "convolutional": answer_convolutional,
    "attending": answer_attending,
}
FILES: dict[str, Callable[[], list[Case]]] = {
    "grids": grids,
    "weights": weights,
    "linear": linears,
    "conv2d": convolutions,
    "attention": attentions,
    "norms": norms,
    "functions": functions,
    "networks": networks,
}


def build(name: str) -> str:
    """The text of one file: a list, one case a line."""
    lines = []
    for case in FILES[name]():
        try:
            answer = ANSWERS[case["operation"]](case)
        except Unsupported:
            answer = {"error": True}
        lines.append(json.dumps(case | answer))
    return "[\n " + ",\n ".join(lines) + "\n]\n"


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    wrong = 0
    for name in FILES:
        path, text = FOLDER / f"{name}.json", build(name)
        if not arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"differs: {path.name}", file=sys.stderr)
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
