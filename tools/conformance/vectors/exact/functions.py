"""Inputs of norms, activations, elementary functions and whole small networks."""

from __future__ import annotations

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
