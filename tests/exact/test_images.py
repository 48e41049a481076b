"""Whole pictures of the packaged prior have the committed digests, in every profile."""

from __future__ import annotations

import json

import pytest

from tools.conformance.vectors import images

STORED = json.loads(images.OUT.read_text(encoding="utf-8"))


def test_pictures_have_their_digests() -> None:
    assert images.answers(table=STORED["schedule"]) == STORED


def test_the_reference_back_end_makes_the_same_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DDCODEC_BACKEND", "float32")
    assert images.answers(table=STORED["schedule"]) == STORED
