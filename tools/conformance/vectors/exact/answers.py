"""Answers of the second implementation to each case."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tools.conformance.reference import exact
from tools.conformance.reference.grids import Array, Unsupported, quantise, quantise_weight
from tools.conformance.vectors.exact.tensors import DIGITS, Case, bits, result, tensor


def optional(spec: Case | None) -> Array | None:
    return None if spec is None else tensor(spec)


def answer_grid(case: Case) -> Case:
    grid = quantise(tensor(case["x"]), (1,), case["digits"])
    known = bool(np.isfinite(grid.scale).all())
    return {"q": grid.q.ravel().tolist() if known else None, "scale": bits(grid.scale)}


def answer_weight(case: Case) -> Case:
    weight = quantise_weight(tensor(case["weight"]), case["digits"])
    return {"q": weight.q.ravel().tolist(), "scale": bits(weight.scale)}


def answer_digest(case: Case) -> Case:
    networks = []
    for name, parameters in case["networks"]:
        digits = 2 if name == "text_encoder" else DIGITS[case["profile"]][0]
        values = {
            p["name"]: quantise_weight(tensor(p["value"]), digits)
            if p["kind"] == "q"
            else tensor(p["value"])
            for p in parameters
        }
        networks.append((name, values))
    return {"sha256": exact.weights_digest(networks).hex()}


def answer_linear(case: Case) -> Case:
    weight_digits, digits = DIGITS[case["profile"]]
    weight = quantise_weight(tensor(case["weight"]), weight_digits)
    y = exact.linear(tensor(case["x"]), weight, optional(case["bias"]), digits)
    return {"y": result(y)}


def answer_conv2d(case: Case) -> Case:
    weight_digits, digits = DIGITS[case["profile"]]
    weight = quantise_weight(tensor(case["weight"]), weight_digits)
    geometry = {name: tuple(case[name]) for name in ("stride", "padding", "dilation")}
    y = exact.conv2d(tensor(case["x"]), weight, optional(case["bias"]), digits, **geometry)
    return {"y": result(y)}


def mask_of(case: Case) -> Array | None:
    """The boolean or additive mask of an attention case."""
    if case["mask"] is None:
        return optional(case["additive mask"])
    flags = np.array([c == "1" for c in case["mask"]["keep"]])
    return flags.reshape(case["mask"]["shape"])


def answer_attention(case: Case) -> Case:
    query, key, value = (tensor(case[name]) for name in ("query", "key", "value"))
    y = exact.attention(
        query,
        key,
        value,
        case["digits"],
        mask=mask_of(case),
        causal=case["causal"],
        scale=case["scale"],
    )
    return {"y": result(y)}


def answer_group_norm(case: Case) -> Case:
    gamma, beta = optional(case["gamma"]), optional(case["beta"])
    y = exact.group_norm(tensor(case["x"]), case["groups"], gamma, beta, case["eps"])
    return {"y": result(y)}


def answer_layer_norm(case: Case) -> Case:
    gamma, beta = optional(case["gamma"]), optional(case["beta"])
    return {"y": result(exact.layer_norm(tensor(case["x"]), gamma, beta, case["eps"]))}


def answer_time_embedding(case: Case) -> Case:
    times, width = tensor(case["timesteps"]), case["width"]
    return {"y": result(exact.timestep_embedding(times, width, case["shift"], case["flip"]))}


def answer_pixels(case: Case) -> Case:
    return {"bytes": exact.to_uint8(tensor(case["x"])).tobytes().hex()}


def answer_convolutional(case: Case) -> Case:
    weight_digits, digits = DIGITS[case["profile"]]
    p = {name: tensor(value) for name, value in case["parameters"].items()}
    first, second = (quantise_weight(p[f"conv{i}.weight"], weight_digits) for i in (1, 2))
    h = exact.conv2d(tensor(case["x"]), first, p["conv1.bias"], digits, padding=(1, 1))
    h = exact.silu(exact.group_norm(h, 4, p["norm.weight"], p["norm.bias"], 1e-6))
    return {"y": result(exact.conv2d(h, second, p["conv2.bias"], digits))}


def answer_attending(case: Case) -> Case:
    weight_digits, digits = DIGITS[case["profile"]]
    p = {name: tensor(value) for name, value in case["parameters"].items()}

    def linear(name: str, x: Array) -> Array:
        weight = quantise_weight(p[f"{name}.weight"], weight_digits)
        return exact.linear(x, weight, p.get(f"{name}.bias"), digits)

    x = tensor(case["x"])
    query, key, value = (
        linear(name, x).reshape(*x.shape[:2], 2, 4).swapaxes(1, 2)
        for name in ("query", "key", "value")
    )
    h = exact.attention(query, key, value, digits)
    return {"y": result(linear("out", h.swapaxes(1, 2).reshape(*x.shape[:2], 8)))}


def plain(name: str) -> Callable[[Case], Case]:
    function = getattr(exact, name)
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
    "divide": lambda case: {"y": result(exact.divide(tensor(case["x"]), case["number"]))},
    "time embedding": answer_time_embedding,
    "upsample": lambda case: {
        "y": result(exact.upsample(tensor(case["x"]), tuple(case["factors"])))
    },
    "pixels": answer_pixels,
    "convolutional": answer_convolutional,
    "attending": answer_attending,
}


def answered(case: Case) -> Case:
    """The case and its answer, or that there is no exact form."""
    try:
        return case | ANSWERS[case["operation"]](case)
    except Unsupported:
        return case | {"error": True}
