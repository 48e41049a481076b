"""Archives of arrays that are the same on every system."""

from __future__ import annotations

import io
import sys
import zipfile

import numpy as np
import pytest

from ddcodec.exchange.npz import npz

ARRAYS = {"labels": np.eye(3, dtype=np.float32), "names": np.array(["a", "bc"])}


def test_numpy_reads_what_was_written() -> None:
    with np.load(io.BytesIO(npz(ARRAYS)), allow_pickle=False) as found:
        assert {name: found[name].tolist() for name in found.files} == {
            name: array.tolist() for name, array in ARRAYS.items()
        }


def test_the_bytes_do_not_tell_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    here = npz(ARRAYS)
    monkeypatch.setattr(sys, "platform", "win32")
    assert zipfile.ZipInfo("x").create_system == 0, "Python's own do"
    assert npz(ARRAYS) == here
