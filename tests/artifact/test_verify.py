"""Which pictures a sample holds."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from ddcodec.artifact.verify import drift_message, spread_sample

DIGEST = hashlib.sha256(b"an artifact").digest()


@given(st.integers(1, 5000), st.integers(1, 300), st.binary(min_size=32, max_size=32))
def test_a_sample_has_one_picture_in_each_stretch(total: int, count: int, digest: bytes) -> None:
    chosen = spread_sample(total, count, digest)
    count = min(count, total)
    assert len(chosen) == count
    assert chosen == spread_sample(total, count, digest)
    for i, picture in enumerate(chosen):
        assert total * i // count <= picture < total * (i + 1) // count


def test_a_full_sample_is_everything_and_others_vary_by_artifact() -> None:
    assert spread_sample(7, 7, DIGEST) == spread_sample(7, 9, DIGEST) == list(range(7))
    other = hashlib.sha256(b"another").digest()
    assert spread_sample(1000, 20, DIGEST) != spread_sample(1000, 20, other)


def test_many_drifted_pictures_are_not_all_listed() -> None:
    said = drift_message([f"cat/{i}" for i in range(50)], 60, None, None, {"pillow": "11"})
    assert said.startswith("50 of 60 pictures") and "cat/4, ..." in said and "cat/5" not in said
    assert "Stored pictures decode alike on every machine" in said


def test_an_environment_may_be_unknown() -> None:
    said = drift_message(["a/0"], 1, ("float", "float"), None, {"torch": "2"})
    assert "made in an environment not recorded; this is torch 2" in said
