"""Make the known answers of heads, spec/vectors/heads/vectors.json.

    python -m tools.conformance.vectors.heads [--check]

Heads to accept, and changes of one field to the last value within its range, to the first beyond,
to another type and to nothing; expected codes come from the second reader.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from typing import Any

from tools.conformance.reference.head import check_head
from tools.conformance.reference.refusal import Refused
from tools.conformance.vectors.artifacts import PIN, PLAIN, STORED, VIEW, generation, head_of
from tools.conformance.vectors.labels.draws import STORED_VIEW
from tools.conformance.vectors.maker import VECTORS, Maker, as_map

ABOUT = [
    "Heads to accept and to refuse (spec/table.md, section 1), made by "
    "tools/conformance/vectors/heads.py. A map of the one field hex stands for bytes.",
    "heads: whole heads by name, all good.",
    "cases: such a head whose value at path is replaced by value, or removed where value is "
    "missing: good, or refused with the code error.",
]
U31 = 2**31 - 1
LONG = "x" * 200
PATH = "a" * 128 + "/" + "b" * 123 + ".json"
Change = tuple[str, Any]  # a path, its parts joined by dots, and a value
GONE = object()


def image2image() -> dict[str, Any]:
    more = {"base": "patches", "kind": "image2image", "share": [3, 4], "signal": 0x3F000000}
    found = {**generation("float", 1, None), **more, "vectors": [0]}
    del found["grid"]
    return found


def heads() -> dict[str, dict[str, Any]]:
    classes = ("cat", "dog", "fox", "owl")
    exact = generation("w8a15", 0, bytes(range(32)))
    pda = {"flip_percent": 80, "vflip": 80, "rotate": [60, 80], "brightness": [20, 20, 50]}
    mixed = {**VIEW, **pda, "gamma": [80, 120, 50], "partners": 2}
    resized = {**PLAIN, "kind": "resized-crop", "scale": [1, 4, 4]}
    named = ["crane", "crane", "fox", "owl"]
    several: dict[str, Any] = {"rows": [[0, 1], [2, 1]], "origins": [[0, 3], [3, 1]]}
    return {
        "stored": head_of(STORED, "soft", classes=classes, view=PLAIN),
        "several": head_of(STORED, "hard", classes=classes) | several | {"names": named},
        "mixed": head_of(STORED, "soft", classes=classes, view=mixed),
        "resized": head_of(STORED, "teacher", classes=classes, view=resized, size=8),
        "views": head_of(STORED, "soft", classes=classes, view={**STORED_VIEW, "slots": 2}),
        "text2image": head_of(exact, "hard", prior=PIN, variations=3),
        "image2image": head_of(image2image(), "hard", prior=PIN),
    }


def cases() -> Iterator[tuple[str, str, Change]]:
    """(head, what the case shows, change)."""
    for head, path, good, bad in (*of_heads(), *of_recipes(), *of_views(), *of_syntheses()):
        for value in good:
            yield head, f"{path} within its range", (path, value)
        for value in bad:
            yield head, f"{path} out of its range", (path, value)
        if path.rsplit(".", 1)[-1] not in OPTIONAL:
            yield head, f"{path} is missing", (path, GONE)
        yield head, f"{path} of another type", (path, True)
    for path in ("", "recipe", "recipe.synthesis", "recipe.layout", "recipe.view", "recipe.labels"):
        yield "stored", f"{path or 'the head'} with an unknown field", (f"{path}.new".strip("."), 0)
    for path in ("synthesis", "layout", "view", "labels"):
        future = {"kind": "x-future", "strength": [1, 2]}
        yield "stored", f"a kind of {path} to come, of other fields", (f"recipe.{path}", future)
        yield "stored", f"{path} without a kind", (f"recipe.{path}", {"strength": 1})


OPTIONAL = ["names", "flip_percent", "vflip", "rotate", "brightness", "gamma", "partners", "slots"]
Row = tuple[str, str, list[Any], list[Any]]


def of_heads() -> list[Row]:
    hub = {"revision": "a1" * 20, "source": "a/b"}
    return [
        (
            "stored",
            "classes",
            [["cat", "a b", "\u00fc", "1"]],
            [[], ["cat"] * 4, ["", *"abc"], [*"abc", 3]],
        ),
        ("several", "names", [["\u4e2d", *"aaa"]], [["a"], [*"abc", ""], [*"abc", "\x7f"], "abcd"]),
        ("several", "names", [["é" * 512, *"aaa"]], [["é" * 512 + ".", *"aaa"]]),
        ("stored", "classes", [["é" * 512, *"bcd"]], [["é" * 512 + ".", *"bcd"]]),
        ("several", "names", [], [["cat", "dog", "fox", "owl"]]),
        (
            "several",
            "rows",
            [[[0, 1], [1, 1]], [[3, 1]]],
            [[], [[0, 0]], [[0, 5]], [[2, 1], [0, 1]]],
        ),
        ("several", "rows", [], [[[0, 2], [1, 1]], [[0]], [[-1, 2]], [[4, 1]], [[0, True]]]),
        (
            "several",
            "origins",
            [[[0, 4]]],
            [[], [[0, 3]], [[0, 3], [2, 2]], [[1, 3]], [[3, 1], [0, 3]]],
        ),
        ("text2image", "prior", [{**PIN, **hub}], [{}, {**PIN, "x": 0}]),
        ("text2image", "prior.source", [LONG, "~"], ["", f"{LONG}x", "a/b", "..", "a\\b", "a\nb"]),
        ("text2image", "prior.revision", [], ["a1" * 20]),
        ("text2image", "prior", [], [{**PIN, **hub, "revision": "A1" * 20}]),
        ("text2image", "prior", [], [{**PIN, **hub, "source": "a/b/c"}]),
        (
            "text2image",
            "prior.files",
            [["model_index.json", "unet/a.safetensors"]],
            [[], ["a.json"]],
        ),
        (
            "text2image",
            "prior.files",
            [[PATH, "model_index.json"]],
            [[PATH.replace(".json", "c.json"), "model_index.json"]],
        ),
        (
            "text2image",
            "prior.files",
            [],
            [
                ["model_index.json"] * 2,
                ["a.bin", "model_index.json"],
                ["../a.json", "model_index.json"],
            ],
        ),
        (
            "text2image",
            "prior.files",
            [],
            [["model_index.json", "a.json"], ["/a.json", "model_index.json"]],
        ),
        ("text2image", "prior.digest", [bytes(32)], [bytes(31), "00" * 32]),
    ]


def of_recipes() -> list[Row]:
    rows = 2**31
    return [
        ("stored", "recipe.size", [[1, 1], [8192, 8192]], [[0, 4], [4, 8193], [4], [4, 4, 4]]),
        ("stored", "recipe.ipc", [1, 2**24], [0, 2**24 + 1]),
        ("stored", "recipe.views", [1, 2**24], [0, 2**24 + 1]),
        ("stored", "recipe", [], [{**heads()["stored"]["recipe"], "ipc": rows >> 9, "views": 513}]),
        ("stored", "recipe.variations", [1], [0, 2]),
        ("text2image", "recipe.variations", [2**24], [0, 2**24 + 1]),
        ("stored", "recipe.synthesis", [], [{"kind": "stored", "grid": 1}]),
        ("stored", "recipe.synthesis", [], [generation("float", 1, None)]),
        ("text2image", "recipe.synthesis", [], [STORED]),
        ("stored", "recipe.synthesis.kind", [], ["video"]),
        ("stored", "recipe.layout.kind", [], ["collage", "spiral"]),
        ("stored", "recipe.layout.grid", [], [0, 2]),
        (
            "stored",
            "recipe.layout",
            [{"grid": 4, "kind": "collage"}],
            [{"grid": 1, "kind": "collage"}],
        ),
        ("stored", "recipe.layout", [], [{"grid": 5, "kind": "collage"}]),
        ("stored", "recipe.labels.kind", ["hard", "teacher"], ["fuzzy"]),
        ("stored", "recipe.labels.temperature", [[1, 64], [1024, 1], [6, 4]], [[1, 65], [1025, 1]]),
        (
            "stored",
            "recipe.labels.temperature",
            [[U31, U31]],
            [[2**31, 2**31], [1, 0], [0, 1], [1]],
        ),
        ("stored", "recipe.evaluation.mean", [[0, 65536, 1]], [[0, 65537, 1], [-1, 0, 0], [1, 1]]),
        ("stored", "recipe.evaluation.std", [[1, 65536, 1]], [[0, 1, 1], [1, 1, 65537]]),
        ("stored", "recipe.evaluation.protocol", ["", "ddz"], [None]),
    ]


def of_views() -> list[Row]:
    return [
        ("stored", "recipe.view.kind", ["resized-crop"], ["pad-crop", "warp"]),
        ("mixed", "recipe.view.pad", [3], [0, 4]),
        ("stored", "recipe.view.pad", [], [1]),
        (
            "resized",
            "recipe.view.scale",
            [[1, 1, 4096]],
            [[0, 1, 1], [1, 1, 4097], [2, 1, 4], [1, 5, 4]],
        ),
        ("stored", "recipe.view.scale", [], [[1, 1, 2]]),
        ("stored", "recipe.view.flip", [1], [2, -1]),
        ("stored", "recipe.view.cutmix", [1], [2]),
        ("mixed", "recipe.view.flip_percent", [1, 100], [0, 50, 101]),
        ("mixed", "recipe.view.flip", [], [0]),
        ("mixed", "recipe.view.vflip", [1, 100], [0, 101]),
        (
            "mixed",
            "recipe.view.rotate",
            [[1, 1], [180, 100]],
            [[0, 0], [0, 1], [181, 1], [1, 0], [1, 101]],
        ),
        (
            "mixed",
            "recipe.view.brightness",
            [[0, 100, 1], [100, 0, 100]],
            [[0, 0, 1], [101, 0, 1], [1, 1, 0]],
        ),
        (
            "mixed",
            "recipe.view.gamma",
            [[10, 1000, 1]],
            [[9, 100, 1], [10, 1001, 1], [120, 80, 1], [100, 100, 0]],
        ),
        ("mixed", "recipe.view.partners", [1, 65535], [0, 65536]),
        ("mixed", "recipe.view.cutmix", [], [0]),
        ("mixed", "recipe.view.slots", [], [2]),
        ("views", "recipe.view.slots", [2**24], [0, 1, 2**24 + 1]),
        ("views", "recipe.view.cutmix", [], [0]),
        ("views", "recipe.view.pad", [], [1]),
        ("views", "recipe.view.scale", [], [[1, 1, 2]]),
        ("views", "recipe.view.flip_percent", [], [80]),
        ("views", "recipe.view.vflip", [], [80]),
        ("views", "recipe.view.rotate", [], [[60, 80]]),
        ("views", "recipe.view.gamma", [], [[80, 120, 50]]),
        ("views", "recipe.view.partners", [], [2]),
    ]


def of_syntheses() -> list[Row]:
    where = "recipe.synthesis"
    return [
        (
            "text2image",
            f"{where}.prompt",
            ["{}", "a {} b", "é" * 2047 + "{}"],
            ["", "a", "{} {}", "é" * 2047 + "{}."],
        ),
        (
            "text2image",
            f"{where}.vectors",
            [[1, 1], [65536, 65536], [1, 2, 3], [0]],
            [[], [0, 1], [1]],
        ),
        ("text2image", f"{where}.vectors", [], [[1, 65537], [1, 2, 3, 4], [False]]),
        ("text2image", f"{where}.negative", ["", "blurry", "é" * 2048], [None, "é" * 2048 + "."]),
        (
            "text2image",
            f"{where}.time_ids",
            [[0, 8192, 0, 0, 1, 1]],
            [[0] * 5, [0, 8193, 0, 0, 1, 1]],
        ),
        ("text2image", f"{where}.size", [[1, 8192]], [[0, 1], [1, 8193]]),
        ("text2image", f"{where}.guidance", [[0, 1], [U31, U31]], [[1, 0], [2**31, 1], [-1, 1]]),
        ("text2image", f"{where}.profile", ["w8a8", "w15a15"], ["float", "w4a4"]),
        ("text2image", f"{where}.batch", [0], [1]),
        ("image2image", f"{where}.batch", [1, 4096], [0, 4097]),
        ("text2image", f"{where}.weights", [bytes(32)], [None, bytes(31)]),
        ("image2image", f"{where}.weights", [None], [bytes(32)]),
        ("text2image", f"{where}.grid", [1, 64], [0, 65]),
        ("image2image", f"{where}.base", ["latents"], ["noise"]),
        ("image2image", f"{where}.signal", [0, 0x7F7FFFFF], [-1, 0x7F800000]),
        ("image2image", f"{where}.share", [[0, 1], [1, 1], [2, 2]], [[2, 1], [1, 0]]),
    ]


def changed(head: dict[str, Any], change: Change) -> dict[str, Any]:
    """The head with another value at a path."""
    path, value = change
    found = copy.deepcopy(head)
    *way, last = path.split(".")
    inner = found
    for key in way:
        inner = inner[key]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return found


def shown(value: Any) -> Any:
    """JSON of a value that may hold bytes."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {key: shown(one) for key, one in value.items()}
    return [shown(one) for one in value] if isinstance(value, list) else value


def build() -> dict[str, bytes]:
    good, listed = heads(), []
    for head in good.values():
        check_head(head)
    for name, what, change in cases():
        path, value = change
        case = {"head": name, "what": what, "path": path.split(".")}
        case |= {} if value is GONE else {"value": shown(value)}
        try:
            check_head(changed(good[name], change))
        except Refused as error:
            case["error"] = error.code
        listed.append(case)
    parts = {"about": ABOUT, "heads": shown(good), "cases": listed}
    return {"vectors.json": as_map(parts)}


MAKER = Maker("the known answers of spec/table.md", VECTORS / "heads", build)


if __name__ == "__main__":
    sys.exit(MAKER.main())
