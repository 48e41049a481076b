"""The demo's digits: all of them, split the same way each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddcodec.errors import RequestError
from ddcodec.sources.digits import CLASSES, write_digits
from ddcodec.sources.folder import scan


def test_digits_are_complete_stratified_and_repeatable(tmp_path: Path) -> None:
    first, second = (scan(write_digits(tmp_path / name)) for name in ("a", "b"))
    test = scan(tmp_path / "a" / "test")
    assert set(first.classes) == set(CLASSES) == set(test.classes)
    assert len(first) + len(test) == 1797
    for class_index in range(10):
        shares = len(test.files[class_index]), len(first.files[class_index])
        assert shares[0] / sum(shares) == pytest.approx(0.2, abs=0.01)
    assert first.fingerprint == second.fingerprint
    assert first.native_size() == (32, 32)


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is not the digits"):
        write_digits(tmp_path)
