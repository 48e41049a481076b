"""Make the known answers of spec/teacher.md, spec/vectors/teacher/vectors.json.

    python -m tools.conformance.vectors.teacher [--check]

The rule by which the networks' weights and images are made stands in the file itself.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from math import prod
from typing import Any

import numpy as np

from tools.conformance.reference.entropy import write_matrix
from tools.conformance.reference.grids import F32, Array
from tools.conformance.reference.parameters import Params
from tools.conformance.reference.refusal import Refused
from tools.conformance.reference.teacher import (
    Layer,
    Teacher,
    decode,
    digest,
    outputs,
    rounded,
    shapes,
)
from tools.conformance.vectors.maker import VECTORS, Maker, as_map

ABOUT = [
    "Known answers of spec/teacher.md, made by tools/conformance/vectors/teacher.py.",
    "sections: parameters and raw bytes, and the SHA-256 of what they decode to, or an error. A "
    "case without raw has the raw bytes of the first one; edit [a, b, hex] puts other bytes in "
    "the place of bytes a to b - 1.",
    "networks: y, binary32 in big-endian hexadecimal, and logits of two images. Mean is 30000, "
    "31000, 32000 and std is 15000, 16000, 17000. Weights are made of bytes b of SHAKE128 over "
    "the ASCII text ddz/teacher/ARCH/L/PART, ARCH being the architecture and L the layer's number "
    "from 0, one byte for each number in C order.",
    "PART q: the integer is b mod (2 top + 1) - top, top being 2^(bits - 1) - 1.",
    "PART scale: (256 + b) / 2^(8 + e); a channel of the layer has n weights, n has k binary "
    "digits, and e = floor(k / 2) + bits - 1.",
    "PART 0 and PART 1, the first and the second further number: a gamma is (128 + b) / 256, "
    "every other number is (b - 128) / 256.",
    "The first image, [side][side][3], is bytes of SHAKE128 over ddz/teacher/ARCH/images; the "
    "second is (8 y + 4 x + 40 c) mod 256 in row y, column x, channel c.",
]
MEAN, STD = (30000, 31000, 32000), (15000, 16000, 17000)
NETWORKS: tuple[tuple[str, Params], ...] = (
    ("a last map of one place", {"arch": "convnet3", "bits": 4, "classes": 3, "side": 8}),
    ("odd maps", {"arch": "convnet4", "bits": 8, "classes": 2, "side": 19}),
    ("five blocks", {"arch": "convnet5", "bits": 3, "classes": 2, "side": 32}),
    ("a small picture", {"arch": "resnet18-half", "bits": 5, "classes": 4, "side": 17}),
    ("a large picture", {"arch": "resnet18-half", "bits": 6, "classes": 3, "side": 66}),
    ("full width", {"arch": "resnet18", "bits": 4, "classes": 2, "side": 9}),
)


def shake(text: str, *shape: int) -> Array:
    data = hashlib.shake_128(f"ddz/teacher/{text}".encode()).digest(prod(shape))
    return np.frombuffer(data, np.uint8).astype(np.int64).reshape(shape)


def network(params: Params) -> Teacher:
    """Weights by the rule of ``ABOUT``."""
    layers = []
    for number, shape in enumerate(shapes(params)):
        part, out, n = f"{params['arch']}/{number}/", shape.weight[0], prod(shape.weight[1:])
        top = 2 ** (params["bits"] - 1) - 1
        q = shake(part + "q", *shape.weight) % (2 * top + 1) - top
        e = n.bit_length() // 2 + params["bits"] - 1
        scale = ((256 + shake(part + "scale", out)) / 2.0 ** (8 + e)).astype(F32)
        first, second = shake(part + "0", out), shake(part + "1", out)
        gamma = shape.vectors == 2
        vectors = [(first + (128 if gamma else -128)) / 256, (second - 128) / 256][: shape.vectors]
        layers.append(Layer(q, scale, np.array(vectors, F32)))
    return Teacher(MEAN, STD, layers)


def images(params: Params) -> Array:
    """uint8 [2, side, side, 3]."""
    side = params["side"]
    noise = shake(f"{params['arch']}/images", side, side, 3)
    y, x, c = np.indices((side, side, 3))
    return np.stack([noise, (8 * y + 4 * x + 40 * c) % 256]).astype(np.uint8)


def sparse(params: Params) -> Teacher:
    """A network of zeros but for a weight in 97, so that its bytes are few."""
    full = network(params)
    layers = [
        Layer(np.where(np.arange(q.size).reshape(q.shape) % 97, 0, q), scale, vectors)
        for q, scale, vectors in full.layers
    ]
    return full._replace(layers=layers)


def write(teacher: Teacher) -> bytes:
    """Section 3, with one table for all: nearly all zero, a wide tail."""
    raw = struct.pack("<6I", *teacher.mean, *teacher.std)
    for q, scale, vectors in teacher.layers:
        out = len(q)
        rows = q.reshape(out, -1).T
        words = np.concatenate([scale[None], vectors]).astype(np.float16).view(np.uint16).ravel()
        raw += (words & 255).astype(np.uint8).tobytes() + (words >> 8).astype(np.uint8).tobytes()
        tables, shifts = bytes([0xF7]) * out, bytes(out)
        lanes = max(1, min(len(rows), q.size // 2048))
        stream = write_matrix(rows.tolist(), lanes, tables, shifts)
        raw += tables + shifts + struct.pack("<I", len(stream)) + stream
    return raw


def sections() -> list[dict[str, Any]]:
    """The first case has the raw bytes; the others change them, or the parameters."""
    params: Params = {"arch": "convnet3", "bits": 4, "classes": 2, "side": 8}
    raw = write(sparse(params))
    high = 24 + 3 * 128  # the first layer's high bytes, after 3 x 128 low ones
    tables, end = high + 3 * 128, len(raw)
    edits: list[tuple[str, int, int, str]] = [
        ("a byte too many", end, end, "00"),
        ("cut in a stream", end - 100, end, ""),
        ("cut in the statistics", 20, end, ""),
        ("a mean above one", 2, 3, "02"),
        ("a deviation of nothing", 12, 16, "00000000"),
        ("a negative scale", high, high + 1, "a0"),
        ("a gamma that is not finite", high + 128, high + 129, "7f"),
        ("a shift above 7", tables + 128, tables + 129, "08"),
        ("another table", tables, tables + 1, "10"),
    ]
    changes: list[tuple[str, Params]] = [
        ("more bits than it needs", {"bits": 8}),
        ("beyond its bits", {"bits": 3}),
        ("another number of classes", {"classes": 3}),
        ("another size of the last map", {"side": 16}),
        ("too small for three halvings", {"side": 7}),
        ("too many terms", {"side": 8192}),
        ("too many weights", {"side": 180, "classes": 1000}),
        ("an unknown architecture", {"arch": "vgg11"}),
        ("two bits", {"bits": 2}),
        ("an architecture that is no text", {"arch": 3}),
        ("a parameter too many", {"stride": 1}),
    ]
    cases = [{"what": "a weight in 97 is not zero", "params": params, **expected(params, raw)}]
    cases[0]["raw"] = raw.hex()
    for what, start, stop, text in edits:
        found = expected(params, raw[:start] + bytes.fromhex(text) + raw[stop:])
        cases.append({"what": what, "params": params, **found, "edit": [start, stop, text]})
    for what, change in changes:
        found = expected({**params, **change}, raw)
        cases.append({"what": what, "params": {**params, **change}, **found})
    return cases


def expected(params: Params, raw: bytes) -> dict[str, Any]:
    try:
        return {"sha256": digest(decode(params, raw))}
    except Refused as error:
        return {"error": error.code}


def networks() -> list[dict[str, Any]]:
    cases = []
    for what, params in NETWORKS:
        y = outputs(params, network(params), images(params))
        case = {"what": what, "params": params, "y": y.astype(">f4").tobytes().hex()}
        cases.append(case | {"logits": rounded(y)})
    return cases


def build() -> dict[str, bytes]:
    parts = {"about": ABOUT, "sections": sections(), "networks": networks()}
    return {"vectors.json": as_map(parts)}


MAKER = Maker("the known answers of spec/teacher.md", VECTORS / "teacher", build)


if __name__ == "__main__":
    sys.exit(MAKER.main())
