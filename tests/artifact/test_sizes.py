"""The size budget as a person reads it."""

from __future__ import annotations

from ddcodec.artifact.sizes import SizeNode


def test_a_node_shows_its_parts() -> None:
    labels, patches = SizeNode("labels", 1_234, 2_000, 9_000), SizeNode("patches", 20_000, 1, 1)
    whole = SizeNode("file", 21_234, 2_001, 9_001, (patches, labels))
    assert repr(whole) == "SizeNode(file: 21,234 bytes = patches 20,000, labels 1,234)"
    assert repr(labels) == "SizeNode(labels: 1,234 bytes)"
