"""Make the known answers of spec/exact.md: spec/vectors/exact/*.json, but for images.json.

    python -m tools.conformance.vectors.exact [--check]

The format of the files is described in spec/exact.md, "Conformance".
"""

from __future__ import annotations

from collections.abc import Callable

from tools.conformance.vectors.exact.answers import answered
from tools.conformance.vectors.exact.attention import attentions
from tools.conformance.vectors.exact.functions import functions, networks, norms
from tools.conformance.vectors.exact.layers import convolutions, grids, linears, weights
from tools.conformance.vectors.exact.tensors import Case
from tools.conformance.vectors.maker import VECTORS, Maker, as_list

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


def build() -> dict[str, bytes]:
    return {
        f"{name}.json": as_list([answered(case) for case in cases()])
        for name, cases in FILES.items()
    }


MAKER = Maker(
    "the known answers of spec/exact.md", VECTORS / "exact", build, others=("images.json",)
)
