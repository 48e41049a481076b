"""A second implementation of spec/teacher.md: numpy and plain Python, no torch.

    python -m tools.conformance.reference.teacher FILE.ddz SECTION IMAGE.png ...

Prints the logits, in 1/64 nat, that the stored teacher in a section gives for pictures, as JSON.
Exact operations are those of ``exact.py``, streams those of ``entropy.py``.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tools.conformance.reference import exact
from tools.conformance.reference.container import read
from tools.conformance.reference.entropy import read_matrix
from tools.conformance.reference.grids import F32, Array, Weight
from tools.conformance.reference.parameters import Params, check_parameters
from tools.conformance.reference.refusal import Refused, report, require

DEPTHS = {"convnet3": 3, "convnet4": 4, "convnet5": 5}
WIDTHS = {"resnet18": 64, "resnet18-half": 32}


class Shape(NamedTuple):
    weight: tuple[int, ...]
    vectors: int


class Layer(NamedTuple):
    q: Array  # int64
    scale: Array
    vectors: Array


class Teacher(NamedTuple):
    mean: tuple[int, ...]
    std: tuple[int, ...]
    layers: list[Layer]


def positions(params: Params) -> int:
    """Places of a channel in the map that a ResNet's linear layer sees."""
    side: int = params["side"]
    for _ in range(3 if side <= 64 else 5):
        side = (side + 1) // 2
    return side * side


def shapes(params: Params) -> list[Shape]:
    """Section 2."""
    arch, classes, side = params["arch"], params["classes"], params["side"]
    require(arch in {**DEPTHS, **WIDTHS}, "unsupported", f"architecture {arch}")
    if arch in DEPTHS:
        s = side >> DEPTHS[arch]
        terms = 128 * s * s
        found = [Shape((128, 128 if i else 3, 3, 3), 2) for i in range(DEPTHS[arch])]
        found.append(Shape((classes, terms), 1))
    else:
        w = c = WIDTHS[arch]
        f = 3 if side <= 64 else 7
        found = [Shape((w, 3, f, f), 1)]
        for i in range(4):
            for j in range(2):
                o = 2**i * w
                found += [Shape((o, c, 3, 3), 1), Shape((o, o, 3, 3), 1)]
                found += [Shape((o, c, 1, 1), 1)] if i > 0 and j == 0 else []
                c = o
        found.append(Shape((classes, 8 * w), 1))
        terms = 8 * w * positions(params)
    require(1 <= terms <= 65536, "unsupported", f"{terms} terms")
    require(sum(prod(s.weight) for s in found) <= 2**24, "unsupported", "too many weights")
    return found


def decode(params: Params, raw: bytes) -> Teacher:
    """Section 3."""
    check_parameters("teacher-weights", params)
    expected, at = shapes(params), 0

    def take(count: int) -> bytes:
        nonlocal at
        require(at + count <= len(raw), "payload", "cut short")
        at += count
        return raw[at - count : at]

    mean, std = struct.unpack("<3I", take(12)), struct.unpack("<3I", take(12))
    require(max(mean) <= 65536, "payload", "mean")
    require(min(std) >= 1 and max(std) <= 65536, "payload", "std")
    layers = []
    for shape in expected:
        out, n = shape.weight[0], prod(shape.weight[1:])
        count = out * (1 + shape.vectors)
        planes = take(2 * count)
        words = [planes[i] | planes[count + i] << 8 for i in range(count)]
        floats = np.array(words, np.uint16).view(np.float16).astype(F32).reshape(-1, out)
        require(bool(np.isfinite(floats).all()), "payload", "not finite")
        require(bool((floats[0] > 0).all()), "payload", "a scale is not positive")
        tables, shifts = take(out), take(out)
        require(max(shifts) <= 7, "payload", "a shift above 7")
        stream = take(*struct.unpack("<I", take(4)))
        lanes = max(1, min(n, out * n // 2048))
        matrix = np.array(read_matrix(stream, n, lanes, tables, shifts), np.int64)
        top = 2 ** (params["bits"] - 1) - 1
        require(int(np.abs(matrix).max()) <= top, "payload", "a weight is out of range")
        layers.append(Layer(matrix.T.reshape(shape.weight), floats[0], floats[1:]))
    require(at == len(raw), "payload", "bytes are left over")
    return Teacher(mean, std, layers)


def digest(teacher: Teacher) -> str:
    """Section 7: SHA-256 of all numbers."""
    state = hashlib.sha256(struct.pack("<6I", *teacher.mean, *teacher.std))
    for layer in teacher.layers:
        state.update(layer.q.astype(np.int8).tobytes())
        state.update(layer.scale.astype("<f4").tobytes() + layer.vectors.astype("<f4").tobytes())
    return state.hexdigest()


def convolution(layer: Layer, x: Array, stride: int = 1) -> Array:
    pad = layer.q.shape[2] // 2
    bias = layer.vectors[0] if len(layer.vectors) == 1 else None
    weight = Weight(layer.q, layer.scale, 1)
    return exact.conv2d(x, weight, bias, 2, stride=(stride, stride), padding=(pad, pad))


def relu(x: Array) -> Array:
    return np.maximum(x, F32(0))


def convnet(layers: Sequence[Layer], x: Array) -> Array:
    for layer in layers[:-1]:
        x = convolution(layer, x)
        x = relu(exact.group_norm(x, 128, layer.vectors[0], layer.vectors[1], 1e-5))
        h, w = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
        left = x[:, :, 0:h:2, 0:w:2] + x[:, :, 1:h:2, 0:w:2]
        right = x[:, :, 0:h:2, 1:w:2] + x[:, :, 1:h:2, 1:w:2]
        x = (left + right) * F32(0.25)
    head = layers[-1]
    weight = Weight(head.q, head.scale, 1)
    return exact.linear(x.reshape(len(x), -1), weight, head.vectors[0], 2)


def largest(x: Array) -> Array:
    n, c, h, w = x.shape
    padded = np.full((n, c, h + 2, w + 2), F32(-np.inf))
    padded[:, :, 1:-1, 1:-1] = x
    rows, columns = (h - 1) // 2 + 1, (w - 1) // 2 + 1
    seen = [
        padded[:, :, i : i + 2 * rows - 1 : 2, j : j + 2 * columns - 1 : 2]
        for i in range(3)
        for j in range(3)
    ]
    found: Array = np.max(seen, axis=0)
    return found


def resnet(layers: Sequence[Layer], x: Array, side: int) -> Array:
    x = relu(convolution(layers[0], x, 1 if side <= 64 else 2))
    x = x if side <= 64 else largest(x)
    rest = list(layers[1:-1])
    for i in range(4):
        for j in range(2):
            t = 2 if i > 0 and j == 0 else 1
            y = convolution(rest.pop(0), x, t)
            y = convolution(rest.pop(0), relu(y))
            x = relu(y + (convolution(rest.pop(0), x, t) if t == 2 else x))
    head = layers[-1]
    m = x.shape[2] * x.shape[3]
    weight = Weight(np.repeat(head.q, m, axis=1), head.scale / F32(m), 1)
    return exact.linear(x.reshape(len(x), -1), weight, head.vectors[0], 2)


def outputs(params: Params, teacher: Teacher, images: Array) -> Array:
    """Section 4: uint8 [n, side, side, 3] -> float32 [n, classes]."""
    pixels = images.astype(np.int64)
    above = pixels * 65536 - 255 * np.array(teacher.mean, np.int64)
    x = above.astype(F32) / (255 * np.array(teacher.std, np.int64)).astype(F32)
    x = x.transpose(0, 3, 1, 2)
    if params["arch"] in DEPTHS:
        return convnet(teacher.layers, x)
    return resnet(teacher.layers, x, params["side"])


def rounded(y: Array) -> list[list[int]]:
    """Section 5."""
    require(bool(np.isfinite(y).all()), "payload", "a logit is not finite")
    z = np.clip(np.rint(F32(64) * y), F32(-32768), F32(32767))
    return [[int(v) for v in row] for row in z]


def main(arguments: list[str]) -> int:
    if len(arguments) < 3 or not arguments[1].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    from PIL import Image

    try:
        header, raws = read(Path(arguments[0]).read_bytes())
        index, number = header["index"], int(arguments[1])
        require(number < len(raws), "header", f"there is no section {number}")
        codec = index["codecs"][index["codec"][number]]
        known = codec["name"] == "teacher-weights" and codec["version"] == 1
        require(known, "unknown-codec", f"{codec['name']} holds no teacher")
        teacher = decode(codec["params"], raws[number])
        images = [np.asarray(Image.open(path).convert("RGB")) for path in arguments[2:]]
        found = rounded(outputs(codec["params"], teacher, np.stack(images)))
    except Refused as error:
        return report(arguments[0], error)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
