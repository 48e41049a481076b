"""Every entry of the attack log can be run, and every vector is in it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOG = (ROOT / "spec" / "threat_model.md").read_text(encoding="utf-8").split("## Attack log")[1]
ROWS = [line for line in LOG.splitlines() if line.startswith("| ") and "| runnable |" not in line]
# Malformed by construction rather than an attack; they need no entry of their own.
PLAIN = {
    "n_not_a_map.ddz",
    "n_field_missing.ddz",
    "n_field_unknown.ddz",
    "n_digest_short.ddz",
    "n_head_list.ddz",
    "n_kinds_unsorted.ddz",
    "n_codecs_unsorted.ddz",
    "n_flags_unknown.ddz",
    "n_codec_version.ddz",
    "n_box_start.ddz",
}


def test_every_attack_names_something_that_exists() -> None:
    assert len(ROWS) > 30
    for row in ROWS:
        names = re.findall(r"`([^`]+\.ddz|tests/[^`]+)`", row.split("|")[3])
        assert names, row
        for name in names:
            path, _, test = name.partition("::")
            if test:
                assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), name
            else:
                assert (ROOT / "spec" / "vectors" / path).is_file(), name


def test_every_refused_vector_is_in_the_log() -> None:
    vectors = {p.name for p in (ROOT / "spec" / "vectors").glob("*.ddz") if p.name[:2] != "y_"}
    assert {name for name in vectors if f"`{name}`" not in LOG} == PLAIN
