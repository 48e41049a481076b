"""Make the known answers of spec/labels.md, in spec/vectors/labels.

    python -m tools.conformance.vectors.labels [--check]

What the files hold is described in spec/labels.md, "Conformance".
"""

from __future__ import annotations

from tools.conformance.vectors.labels.artifacts import artifacts
from tools.conformance.vectors.labels.features import feature_cases
from tools.conformance.vectors.labels.matrices import matrices
from tools.conformance.vectors.labels.sections import sections
from tools.conformance.vectors.maker import VECTORS, Maker, as_map


def build() -> dict[str, bytes]:
    files = artifacts()
    parts = {
        "matrices": matrices(),
        "sections": sections(),
        "features": feature_cases(),
        "artifacts": [entry for entry, _ in files.values()],
    }
    return {"vectors.json": as_map(parts)} | {name: data for name, (_, data) in files.items()}


MAKER = Maker("the known answers of spec/labels.md", VECTORS / "labels", build)
