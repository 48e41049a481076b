"""A second reader of heads, written from the tables of spec/table.md, section 1.

    python -m tools.conformance.reference.head FILE...

Checks every field of the head of each file. The fields of views and layouts are those of
spec/synthesis.md, those of a prior's pin of spec/prior.md. Exit codes are those of
``container.py``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tools.conformance.reference.container import read
from tools.conformance.reference.refusal import each_file, require

Map = dict[str, Any]

COMMON = "prompt vectors negative time_ids size guidance profile batch weights"
SYNTHESES = {
    "stored": "",
    "text2image": f"{COMMON} grid",
    "image2image": f"{COMMON} base signal share",
}
LAYOUTS = {"single": (1, 1), "collage": (2, 64)}
VIEWS = ("identity", "pad-crop", "resized-crop", "stored")
LABELS = ("soft", "hard", "teacher")
EXACT = ("w8a8", "w8a15", "w15a15")
MOST_NAME, MOST_PROMPT = 1 << 10, 1 << 12  # bytes
MOST_CLASSES, MOST_SLOTS, MOST_ROWS = 1 << 20, 1 << 24, 1 << 31


def check_head(head: Any) -> None:
    """Refuse a head that is not as the tables say."""
    fields(head, "classes rows origins recipe", "names prior")
    classes = head["classes"]
    texts(classes, "classes")
    require(1 <= len(classes) <= MOST_CLASSES, "header", "the number of classes")
    require(len(set(classes)) == len(classes), "header", "a class twice")
    check_names(head)
    rows, origins = (ranges(head[name], len(classes)) for name in ("rows", "origins"))
    require(origins == len(classes), "header", "a class of no origin")
    recipe = head["recipe"]
    check_recipe(recipe)
    require(rows * recipe["ipc"] * recipe["views"] <= MOST_ROWS, "header", "too many rows")
    stored = recipe["synthesis"]["kind"] == "stored"
    require(stored != ("prior" in head), "header", "a prior too many, or none")
    if not stored:
        check_pin(head["prior"])


def fields(value: Any, names: str, optional: str = "") -> None:
    """Refuse what is no map of these fields."""
    require(isinstance(value, dict), "header", "no map")
    needed, allowed = {*names.split()}, {*names.split(), *optional.split()}
    require(needed <= value.keys() <= allowed, "header", f"fields other than {names}")


def kind(value: Any, known: Sequence[str], name: str = "kind") -> str:
    """A field that names one of several."""
    require(isinstance(value, dict), "header", "no map")
    found = value.get(name)
    require(isinstance(found, str), "header", f"{name} is no text")
    require(found in known, "unsupported", f"{name} {found}")
    return str(found)


def integer(value: Any, low: int, high: int) -> None:
    good = type(value) is int and low <= value <= high
    require(good, "header", f"{value} is not within {low}..{high}")


def integers(value: Any, count: int, low: int, high: int) -> None:
    require(isinstance(value, list) and len(value) == count, "header", f"not {count} integers")
    for one in value:
        integer(one, low, high)


def ratio(value: Any) -> None:
    integers(value, 2, 0, 2**31 - 1)
    require(value[1] > 0, "header", "a denominator of 0")


def texts(value: Any, name: str) -> None:
    good = isinstance(value, list) and all(isinstance(one, str) and one for one in value)
    require(good, "header", f"{name} is not a list of texts")
    short = all(len(one.encode()) <= MOST_NAME for one in value)
    require(short, "header", f"{name} has a long one")


def ranges(value: Any, classes: int) -> int:
    """The number of classes in them."""
    require(isinstance(value, list) and bool(value), "header", "no ranges")
    end = 0
    for one in value:
        integers(one, 2, 0, classes)
        start, count = one
        good = count >= 1 and start >= end and start + count <= classes
        require(good, "header", f"range {one}")
        end = start + count
    return sum(count for _, count in value)


def check_names(head: Map) -> None:
    """Readable names are one text per class, or absent where they are those of the classes."""
    if "names" not in head:
        return
    names, classes = head["names"], head["classes"]
    texts(names, "names")
    require(len(names) == len(classes), "header", "names are not one per class")
    plain = all(ord(c) >= 32 and ord(c) != 127 for one in names for c in one)
    require(plain, "header", "a control character in a name")
    require(names != classes, "header", "names that repeat the classes")


def check_recipe(recipe: Any) -> None:
    fields(recipe, "size ipc views variations synthesis layout view labels evaluation")
    integers(recipe["size"], 2, 1, 8192)
    integer(recipe["ipc"], 1, MOST_SLOTS)
    integer(recipe["views"], 1, MOST_SLOTS)
    stored = kind(recipe["synthesis"], [*SYNTHESES]) == "stored"
    integer(recipe["variations"], 1, 1 if stored else MOST_SLOTS)
    check_synthesis(recipe["synthesis"])
    low, high = LAYOUTS[kind(recipe["layout"], [*LAYOUTS])]
    fields(recipe["layout"], "kind grid")
    integer(recipe["layout"]["grid"], low, min(high, max(1, *recipe["size"])))
    require(recipe["layout"]["grid"] <= min(recipe["size"]), "header", "a grid beyond the picture")
    check_view(recipe["view"], min(recipe["size"]), recipe["ipc"])
    kind(recipe["labels"], LABELS)
    fields(recipe["labels"], "kind temperature")
    ratio(recipe["labels"]["temperature"])
    n, d = recipe["labels"]["temperature"]
    require(d <= 64 * n <= 65536 * d, "header", "the temperature")
    fields(recipe["evaluation"], "mean std protocol")
    integers(recipe["evaluation"]["mean"], 3, 0, 65536)
    integers(recipe["evaluation"]["std"], 3, 1, 65536)
    require(isinstance(recipe["evaluation"]["protocol"], str), "header", "the protocol")


def check_synthesis(synthesis: Map) -> None:
    fields(synthesis, f"kind {SYNTHESES[synthesis['kind']]}")
    if synthesis["kind"] == "stored":
        return
    profile = kind(synthesis, (*EXACT, "float"), "profile")
    prompt = synthesis["prompt"]
    require(isinstance(prompt, str) and prompt.count("{}") == 1, "header", "the prompt")
    require(isinstance(synthesis["negative"], str), "header", "the negative prompt")
    for text in (prompt, synthesis["negative"]):
        require(len(text.encode()) <= MOST_PROMPT, "header", "a long prompt")
    vectors = synthesis["vectors"]
    require(isinstance(vectors, list) and 1 <= len(vectors) <= 3, "header", "vectors")
    if vectors != [0] or type(vectors[0]) is not int:
        integers(vectors, max(2, len(vectors)), 1, 65536)
    ids = synthesis["time_ids"]
    integers(ids, 6 if ids else 0, 0, 8192)
    integers(synthesis["size"], 2, 1, 8192)
    ratio(synthesis["guidance"])
    low, high = (0, 0) if profile in EXACT else (1, 4096)
    integer(synthesis["batch"], low, high)
    weights = synthesis["weights"]
    bound = isinstance(weights, bytes) and len(weights) == 32
    require(bound if profile in EXACT else weights is None, "header", "weights")
    if synthesis["kind"] == "text2image":
        integer(synthesis["grid"], 1, 64)
        return
    kind(synthesis, ("patches", "latents"), "base")
    integer(synthesis["signal"], 0, 0x7F7FFFFF)
    ratio(synthesis["share"])
    require(synthesis["share"][0] <= synthesis["share"][1], "header", "a share above 1")


def check_view(view: Any, side: int, ipc: int) -> None:
    """spec/synthesis.md, section 3."""
    found = kind(view, VIEWS)
    drawn = " ".join([*AMOUNTS, "flip_percent vflip partners"])
    fields(view, "kind pad scale flip cutmix", "slots" if found == "stored" else drawn)
    if "slots" in view:
        integer(view["slots"], ipc + 1, MOST_SLOTS)
        require(view["cutmix"] == 1, "header", "slots of nothing")
    low, high = (1, min(8192, side - 1)) if found == "pad-crop" else (0, 0)
    integer(view["pad"], low, high)
    integers(view["scale"], 3, 1, 4096 if found == "resized-crop" else 1)
    require(view["scale"] == sorted(view["scale"]), "header", "a scale out of order")
    for name in ("flip", "cutmix"):
        integer(view[name], 0, 1)
    if "flip_percent" in view:
        integer(view["flip_percent"], 1, 100)
        require(view["flip"] == 1 and view["flip_percent"] != 50, "header", "flip_percent")
    if "vflip" in view:
        integer(view["vflip"], 1, 100)
    if "partners" in view:
        integer(view["partners"], 1, 65535)
        require(view["cutmix"] == 1, "header", "partners of nothing")
    for name, (count, low, high) in AMOUNTS.items():
        if name in view:
            integers(view[name], count + 1, 0, max(high, 100))
            integers(view[name][:-1], count, low, high)
            integer(view[name][-1], 1, 100)
    if "brightness" in view:
        require(any(view["brightness"][:2]), "header", "brightness of nothing")
    if "gamma" in view:
        require(view["gamma"][0] <= view["gamma"][1], "header", "a gamma out of order")


# Of each field of amounts: how many before the percent, and their range.
AMOUNTS = {"rotate": (1, 1, 180), "brightness": (2, 0, 100), "gamma": (2, 10, 1000)}


def check_pin(pin: Any) -> None:
    """spec/prior.md, section 1."""
    fields(pin, "source revision files digest")
    source, revision = pin["source"], pin["revision"]
    part = r"[^/\\\x00-\x1f\x7f]{1,200}"
    named = isinstance(source, str) and re.fullmatch(f"{part}(/{part})?", source)
    require(bool(named) and ".." not in source, "header", "the source")
    if "/" in source:
        commit = isinstance(revision, str) and re.fullmatch("[0-9a-f]{40}", revision)
        require(bool(commit), "header", "no revision of a hub id")
    else:
        require(revision is None, "header", "a revision of no hub id")
    files = pin["files"]
    texts(files, "files")
    require(1 <= len(files) <= 256, "header", "the number of files")
    name = "[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
    for path in files:
        good = re.fullmatch(f"{name}(/{name})?", path)
        known = path.endswith((".json", ".txt", ".model", ".safetensors"))
        require(bool(good) and known, "header", f"file {path}")
    require(all(a < b for a, b in pairwise(files)), "header", "files out of order")
    require("model_index.json" in files, "header", "no model_index.json")
    digest = pin["digest"]
    require(isinstance(digest, bytes) and len(digest) == 32, "header", "the digest")


def judged(data: bytes) -> str:
    """Say that the head of a file is one; raises ``Refused`` where it is not."""
    check_head(read(data)[0]["head"])
    return "a head"


if __name__ == "__main__":
    sys.exit(each_file(sys.argv[1:], __doc__, judged))
