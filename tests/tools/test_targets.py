"""What guided fuzzing begins with: inputs that get far, and are read or refused."""

from __future__ import annotations

import pytest

from ddcodec.container import Reader
from ddcodec.errors import DdcodecError
from tools.conformance.fuzz import VECTORS
from tools.conformance.mutations import with_true_sums
from tools.conformance.targets import TARGETS, seeds


@pytest.mark.parametrize("target", ["container", "entropy"])
def test_the_seeds_are_read_or_refused(target: str) -> None:
    read = 0
    for seed in seeds(target):
        try:
            TARGETS[target](seed)
            read += 1
        except DdcodecError:
            pass
    assert read >= 4


def test_sums_are_made_true_of_a_damaged_section() -> None:
    damaged = bytearray((VECTORS / "y_one_section.ddz").read_bytes())
    damaged[-1] ^= 1
    with pytest.raises(DdcodecError, match="checksum"):
        Reader.from_bytes(bytes(damaged)).verify("digest")
    Reader.from_bytes(with_true_sums(bytes(damaged))).verify("digest")
