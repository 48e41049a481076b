"""A second decoder of sections, written from spec/codecs.md alone; nothing of ddcodec, no numpy.

    python tools/read_codecs.py FILE SECTION [TEMPERATURE]

Prints the array of one section (numbered from 0) of a .ddz file as JSON: floats as hexadecimal,
labels as logits, or as probabilities at a TEMPERATURE given as N/D. Mosaics are left to an image
library. Plain Python and slow: it is there to prove that the specification suffices.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import isfinite, prod
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import read_ddz
from read_ddz import Refused, refuse, require

U32 = 0xFFFFFFFF
Shape = Sequence[int]
Params = dict[str, Any]


def philox(counter: Sequence[int], key: Sequence[int]) -> tuple[int, int, int, int]:
    """Section 2: four words of a block."""
    c0, c1, c2, c3 = counter
    for i in range(10):
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        a, b = (key[0] + i * 0x9E3779B9) & U32, (key[1] + i * 0xBB67AE85) & U32
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ a, q & U32, (p >> 32) ^ c3 ^ b, p & U32
    return c0, c1, c2, c3


def words(seed: int, domain: int, stream: int, count: int) -> list[int]:
    """Section 2: the first words of a stream."""
    key = (seed & U32, seed >> 32)
    blocks = (philox((i & U32, i >> 32, stream, domain), key) for i in range(-(-count // 4)))
    return [word for block in blocks for word in block][:count]


def normals(table: bytes, seed: int, stream: int, count: int) -> list[float]:
    """Section 2: noise, from the bytes of the normal table."""
    values = []
    for word in words(seed, 0, stream, -(-count // 2)):
        for half in (word & 0xFFFF, word >> 16):
            (magnitude,) = struct.unpack_from("<i", table, 4 * (half & 0x7FFF))
            values.append((-magnitude if half >> 15 else magnitude) / 65536)
    return values[:count]


def unpack(code: str, raw: bytes) -> list[Any]:
    return list(struct.unpack(f"<{len(raw) // struct.calcsize(code)}{code}", raw))


def join_planes(raw: bytes) -> bytes:
    """Low byte plane, high byte plane -> 16-bit words."""
    half = len(raw) // 2
    return bytes(byte for pair in zip(raw[:half], raw[half:], strict=True) for byte in pair)


def nest(flat: Sequence[Any], shape: Shape) -> Any:
    """A flat sequence in C order as nested lists."""
    if len(shape) == 1:
        return list(flat)
    step = prod(shape[1:])
    return [nest(flat[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def need(raw: bytes, size: int) -> None:
    require(len(raw) == size, "payload", f"{len(raw)} raw bytes instead of {size}")


def finite(values: list[float]) -> list[float]:
    require(all(isfinite(value) for value in values), "payload", "a number is not finite")
    return values


def seed_derived(raw: bytes, shape: Shape, params: Params) -> list[int]:
    classes, slots = shape
    need(raw, 8 + 4 * classes)
    base = unpack("I", raw[:8])
    blocks = (
        philox((key, slot, 0x53454544, 0), base)
        for key in unpack("I", raw[8:])
        for slot in range(slots)
    )
    return [block[0] | block[1] << 32 for block in blocks]


def seed_list(raw: bytes, shape: Shape, params: Params) -> list[int]:
    need(raw, 8 * prod(shape))
    return unpack("Q", raw)


def prompt_fp16(raw: bytes, shape: Shape, params: Params) -> list[float]:
    need(raw, 2 * prod(shape))
    return finite(unpack("e", join_planes(raw)))


def prompt_int8(raw: bytes, shape: Shape, params: Params) -> list[float]:
    classes, tokens, dim = shape
    rows = classes * tokens
    need(raw, rows * (2 + dim))
    halves = join_planes(raw[: 2 * rows])
    scales = finite(unpack("e", halves))
    require(all(byte < 0x80 for byte in halves[1::2]), "payload", "a negative scale")
    q = unpack("b", raw[2 * rows :])
    require(-128 not in q, "payload", "-128 is not used")
    return [value * scales[i // dim] for i, value in enumerate(q)]


def zigzag(raw: bytes) -> list[int]:
    return [w // 2 if w % 2 == 0 else -(w + 1) // 2 for w in unpack("H", join_planes(raw))]


def soft_labels(raw: bytes, shape: Shape, params: Params) -> list[int]:
    classes, slots, views, columns = shape
    require(columns == params["classes"], "payload", "the origin has another number of classes")
    rows = slots * views
    need(raw, 2 * classes * columns * (1 + rows))
    split = 2 * classes * columns
    mean, residual = zigzag(raw[:split]), zigzag(raw[split:])
    q = [
        mean[i // (rows * columns) * columns + i % columns] + value
        for i, value in enumerate(residual)
    ]
    z = [params["step"] * ((value + 0x8000) % 0x10000 - 0x8000) for value in q]
    require(all(-0x8000 <= value < 0x8000 for value in z), "payload", "a logit beyond 16 bits")
    return z


def top_k_labels(raw: bytes, shape: Shape, params: Params) -> list[int]:
    """Section 10."""
    from read_labels import read_packed  # which imports this module

    classes, slots, views, columns = shape
    k, step, ranked, band = (params[name] for name in ("k", "step", "ranked", "band"))
    require(max(k, ranked) <= params["classes"], "header", "k or ranked exceed the classes")
    require(columns == params["classes"], "payload", "the origin has another number of classes")
    require(len(raw) >= 6, "payload", "too few bytes")
    base, length = struct.unpack_from("<hI", raw)
    require(6 + length <= len(raw), "payload", "the orders are cut")
    require(params["common"] == 1 or base == 0, "payload", "a base that nothing is told from")
    orders = read_packed(raw[6 : 6 + length], classes, [0] * ranked)
    for order in orders:
        good = len(set(order)) == ranked and all(0 <= c < columns for c in order)
        require(good, "payload", f"order {order}")
        order += sorted(set(range(columns)) - set(order))
    first = 2 + -(-(k - 1) // band)
    groups = [0, 1, *(2 + j // band for j in range(k - 1)), *(first + j // band for j in range(k))]
    flat: list[int] = []
    for number, row in enumerate(read_packed(raw[6 + length :], classes * slots * views, groups)):
        q, drops, ranks = [row[0]], row[2 : k + 1], row[k + 1 :]
        good = len(set(ranks)) == k and all(0 <= r < columns for r in ranks)
        require(good and min(drops, default=0) >= 0, "payload", f"ranks {ranks} or drops {drops}")
        for drop in drops:
            q.append(q[-1] - drop)
        z = [step * ((base if params["common"] else q[-1]) - row[1])] * columns
        entries = [step * value for value in q]
        fits = all(-0x8000 <= value < 0x8000 for value in [*entries, z[0]])
        require(fits, "payload", "a logit beyond 16 bits")
        for rank, value in zip(ranks, entries, strict=True):
            z[orders[number // (slots * views)][rank]] = value
        flat += z
    return flat


def weights(numerator: int, denominator: int) -> list[int]:
    """Section 6: the table E of a temperature; trailing zeros are left out."""
    known = denominator <= 64 * numerator <= 65536 * denominator
    require(denominator > 0 and known, "header", "the temperature is not within 1/64..1024")
    r, t, k = 0, 1 << 128, 0
    while t > 0:
        r += t if k % 2 == 0 else -t
        k += 1
        t = t * denominator // (64 * numerator * k)
    p, table = 1 << 128, []
    for _ in range(65536):
        entry = (p + (1 << 97)) >> 98
        if not entry:
            break
        table.append(entry)
        p = p * r >> 128
    return table


def probabilities(z: Sequence[int], temperature: tuple[int, int]) -> list[float]:
    """Section 6: binary32 probabilities of one row of logits."""
    table = weights(*temperature)
    top = max(z)
    e = [table[top - value] if top - value < len(table) else 0 for value in z]
    total = sum(e)
    # Python divides integers below 2^53 with one rounding, as binary64 division does.
    return [struct.unpack("<f", struct.pack("<f", entry / total))[0] for entry in e]


def hard_labels(raw: bytes, shape: Shape, params: Params) -> list[int]:
    if raw[:1] == b"\0":
        need(raw, 1)
        return [-1] * prod(shape)
    require(raw[:1] == b"\1", "payload", "unknown mode")
    need(raw, 1 + 2 * prod(shape))
    labels = unpack("H", raw[1:])
    require(0xFFFF not in labels, "payload", "65535 is not used")
    return labels


def pixel_digest(raw: bytes, shape: Shape, params: Params) -> list[int]:
    need(raw, prod(shape))
    return list(raw)


def schedule_table(raw: bytes) -> dict[str, Any]:
    """Section 8."""
    require(len(raw) >= 8, "payload", "no schedule table")
    steps, history, init_scale = struct.unpack_from("<HHf", raw)
    require(1 <= steps <= 4096 and 1 <= history <= 16, "payload", "steps or history")
    need(raw, 8 + steps * (12 + 8 * history))
    rows = nest(finite(unpack("f", raw[8:])), (steps, 3 + 2 * history))
    finite([init_scale])
    for i, row in enumerate(rows):
        require(not any(row[3 + 2 * (i + 1) :]), "payload", "history before the first step")
    return {
        "init_scale": init_scale,
        "timesteps": [row[0] for row in rows],
        "c_in": [row[1] for row in rows],
        "c_noise": [row[2] for row in rows],
        "a": [row[3::2] for row in rows],
        "b": [row[4::2] for row in rows],
    }


CODECS: dict[str, tuple[int, Callable[[bytes, Shape, Params], list[Any]]]] = {
    "hard-labels": (3, hard_labels),
    "pixel-digest": (3, pixel_digest),
    "prompt-fp16": (3, prompt_fp16),
    "prompt-int8": (3, prompt_int8),
    "seed-derived": (2, seed_derived),
    "seed-list": (2, seed_list),
    "soft-labels": (4, soft_labels),
    "top-k-labels": (4, top_k_labels),
}
LIMITS = {
    "soft-labels": {"classes": (1, 65535), "step": (1, 2048)},
    "top-k-labels": {
        "classes": (1, 65535),
        "k": (1, 65535),
        "step": (1, 2048),
        "common": (0, 1),
        "ranked": (0, 65535),
        "band": (1, 65535),
    },
}


def decode(codec: dict[str, Any], raw: bytes, shape: Shape) -> Any:
    """The array of a section as nested lists, or the fields of a schedule table."""
    name, params = codec["name"], codec["params"]
    known = (name in CODECS or name == "schedule-table") and codec["version"] == 1
    require(known, "unknown-codec", f"{name} version {codec['version']} is not decoded here")
    limits = LIMITS.get(name, {})
    require(params.keys() == limits.keys(), "header", "unknown or missing parameters")
    for key, (low, high) in limits.items():
        good = type(params[key]) is int and low <= params[key] <= high
        require(good, "header", f"parameter {key}")
    if name == "schedule-table":
        return schedule_table(raw)
    axes, function = CODECS[name]
    require(len(shape) == axes and min(shape) >= 1, "payload", f"shape {shape}")
    return nest(function(raw, shape, params), shape)


def shape_of(kind: str, box: Sequence[int], head: dict[str, Any]) -> tuple[int, ...]:
    """table.md, section 2: the shape that a section's box implies."""
    recipe = head["recipe"]
    classes, slots, views = box[1], box[3] or recipe["ipc"], box[5] or recipe["views"]
    if kind == "seeds":
        patches, generated = recipe["layout"]["grid"] ** 2, 0
        if recipe["synthesis"]["kind"] == "text2image":
            grid = recipe["synthesis"]["grid"]
            generated = -(-recipe["ipc"] * patches // grid**2)
        return classes, box[3] or max(recipe["ipc"], generated)
    if kind == "prompts":
        return classes, *recipe["synthesis"]["vectors"]
    if kind == "labels" and recipe["labels"]["kind"] == "soft":
        origins = [count for start, count in head["origins"] if start <= box[0] < start + count]
        return classes, slots, views, *origins
    if kind == "labels":
        return classes, slots, views
    return (classes, slots, 4) if kind == "pixels" else ()


def section(path: str, number: int) -> tuple[str, Any]:
    """Kind and decoded array of one section of a file."""
    header, raws = read_ddz.read(Path(path).read_bytes())
    index = header["index"]
    if not 0 <= number < len(raws):
        refuse("header", f"there is no section {number}; the file has {len(raws)}")
    kind = index["kinds"][index["kind"][number]]["name"]
    box = index["box"][6 * number : 6 * number + 6]
    codec = index["codecs"][index["codec"][number]]
    return kind, decode(codec, raws[number], shape_of(kind, box, header["head"]))


def show(value: Any) -> Any:
    """Floats as hexadecimal, so that every bit shows."""
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, dict):
        return {key: show(item) for key, item in value.items()}
    return [show(item) for item in value] if isinstance(value, list) else value


def main(arguments: list[str]) -> int:
    if len(arguments) not in (2, 3) or not arguments[1].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    try:
        kind, array = section(arguments[0], int(arguments[1]))
        if len(arguments) == 3 and kind == "labels":
            ratio = Fraction(arguments[2])
            temperature = ratio.numerator, ratio.denominator
            array = [[[probabilities(z, temperature) for z in s] for s in c] for c in array]
    except Refused as error:
        print(f"{arguments[0]}: {error.code}: {error}", file=sys.stderr)
        return read_ddz.EXIT_CODES.get(error.code, 3)
    print(json.dumps(show(array)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
