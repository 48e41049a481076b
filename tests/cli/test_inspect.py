"""``ddz inspect``: a size budget that adds up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Ddz


def test_the_tree_shows_every_kind(ddz: Ddz, artifact: Path) -> None:
    done = ddz("inspect", artifact)
    assert done.code == 0
    assert f"{artifact.stat().st_size:,} bytes" in done.out
    assert "3 classes x 4 images x 2 views, 16x16 pixels" in done.out
    for text in ("├─ patches (mosaic-webp v1)", "100.0 %", "per image", "blob, cross, stripes"):
        assert text in done.out
    assert "\x1b" not in done.out  # no colours outside a terminal


def test_the_profile_says_what_it_promises(ddz: Ddz, generating: Path) -> None:
    assert "profile       w8a15: the same pixels on every machine" in ddz("inspect", generating).out
    values = json.loads(ddz("inspect", generating, "--json").out)
    synthesis = values["head"]["recipe"]["synthesis"]
    assert (synthesis["profile"], synthesis["batch"]) == ("w8a15", 0)
    assert len(synthesis["weights"]) == 64


def test_json_adds_up(ddz: Ddz, artifact: Path) -> None:
    values = json.loads(ddz("inspect", artifact, "--json").out)
    assert values["schema"] == "ddcodec.inspect/1"
    assert values["bytes"] == values["sizes"]["bytes"] == artifact.stat().st_size
    assert values["table"] == {"classes": 3, "ipc": 4, "views": 2, "images": 12, "labels": 24}
    assert sums(values["sizes"])
    payload = sum(section["stored"] for section in values["sections"])
    assert payload + container(values["sizes"]) == values["bytes"]


def sums(node: dict[str, Any]) -> bool:
    children = node["children"]
    return not children or (
        sum(child["bytes"] for child in children) == node["bytes"] and all(map(sums, children))
    )


def container(root: dict[str, Any]) -> int:
    return next(c["bytes"] for c in root["children"] if c["name"] == "container")
