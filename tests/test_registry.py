"""spec/registry.md lists the kinds, codecs and compressions of the code, no more and no fewer."""

from __future__ import annotations

import re
from pathlib import Path

from ddcodec import codecs
from ddcodec.container import KIND_FLAGS
from ddcodec.container.compression import COMPRESSIONS

SPEC = Path(__file__).resolve().parents[1] / "spec" / "registry.md"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without backticks."""
    part = SPEC.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if re.match(r"\| `", line)]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def test_kinds_and_their_flags() -> None:
    assert {kind: int(flags.split()[0]) for kind, flags, *_ in rows("Kinds")} == KIND_FLAGS


def test_codecs_with_version_and_compression() -> None:
    listed = {(name, int(version), store) for name, version, _, store, *_ in rows("Codecs")}
    assert listed == {(c.name, c.version, c.compression) for c in codecs.REGISTRY}


def test_each_codec_is_for_a_registered_kind() -> None:
    assert {kind for _, _, kind, *_ in rows("Codecs")} == set(KIND_FLAGS)


def test_compressions() -> None:
    assert tuple(name for name, *_ in rows("Compressions")) == COMPRESSIONS
