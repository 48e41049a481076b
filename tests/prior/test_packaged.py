from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load, load_file

from ddcodec.errors import DecodeError
from ddcodec.prior.files import digest_files
from ddcodec.prior.packaged import (
    DIGESTS,
    INTEGERS,
    PACKED,
    dequantise,
    safetensors_bytes,
    tiny_folder,
    unpack,
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder; nothing this process has unpacked is remembered."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DDCODEC_CACHE", str(folder))
    tiny_folder.cache_clear()
    yield folder
    tiny_folder.cache_clear()


def test_a_row_is_its_integers_times_its_scale() -> None:
    integers = np.array([[3, -127], [0, 5]], np.int8)
    scale = np.array([0.5, 0.1], np.float32)
    expected = np.array([[1.5, -63.5], [0, np.float32(5) * np.float32(0.1)]], np.float32)
    assert (dequantise(integers, scale) == expected).all()
    assert dequantise(integers, scale).dtype == np.float32
    assert dequantise(np.array([2, 4], np.int16), scale[:1]).tolist() == [1, 2]


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
matrices = arrays.arrays(np.float32, arrays.array_shapes(max_dims=4, max_side=4), elements=finite)


@given(st.dictionaries(st.text("abc.", min_size=1), matrices, min_size=1))
def test_safetensors_reads_what_we_write(tensors: dict[str, np.ndarray]) -> None:
    data = safetensors_bytes(tensors)
    found = load(data)
    assert {n: t.tobytes() for n, t in found.items()} == {
        n: t.tobytes() for n, t in tensors.items()
    }
    assert {n: t.shape for n, t in found.items()} == {n: t.shape for n, t in tensors.items()}
    assert (len(data) - sum(t.nbytes for t in tensors.values())) % 8 == 0


def test_the_prior_unpacks_to_the_promised_files(cache: Path) -> None:
    folder = tiny_folder()
    assert folder.is_relative_to(cache)
    promised = json.loads((PACKED / DIGESTS).read_text())
    pinned = digest_files(folder)
    assert {path: promised[path] for path in pinned} == pinned
    assert set(promised) - set(pinned) == {"ddcodec.json"}
    assert not list(folder.rglob(INTEGERS))


def test_weights_are_integers_in_the_package(cache: Path) -> None:
    packed = load_file(PACKED / "unet" / INTEGERS)
    unpacked = load_file(tiny_folder() / "unet" / "diffusion_pytorch_model.safetensors")
    name = "conv_in.weight"
    assert packed[name].dtype == np.int8
    assert np.abs(packed[name].astype(int)).max() == 127
    by_row = packed[f"{name}.scale"][:, None, None, None]
    assert (unpacked[name] == packed[name].astype(np.float32) * by_row).all()


@pytest.mark.parametrize("path", ["vae/diffusion_pytorch_model.safetensors", "ddcodec.json"])
def test_a_damaged_cache_is_made_again(cache: Path, path: str) -> None:
    folder = tiny_folder()
    whole = (folder / path).read_bytes()
    (folder / path).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    tiny_folder.cache_clear()
    with pytest.warns(UserWarning, match="is damaged: it is unpacked again"):
        assert tiny_folder() == folder
    assert (folder / path).read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path / "file"))
    assert (tiny_folder() / "model_index.json").is_file()


def test_a_damaged_package_says_what_to_do(tmp_path: Path) -> None:
    broken = Path(shutil.copytree(PACKED, tmp_path / "broken"))
    weights = broken / "unet" / INTEGERS
    data = weights.read_bytes()
    for damaged in (data[: len(data) // 2], data[:-1] + bytes([data[-1] ^ 1])):
        weights.write_bytes(damaged)
        with pytest.raises(DecodeError, match="install ddcodec again"):
            unpack(broken, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["broken"]


def test_unpacking_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine.txt").write_text("mine")
    with pytest.raises(OSError, match="exists by now"):
        unpack(PACKED, tmp_path / "kept")
    assert [p.name for p in tmp_path.rglob("*.*")] == ["mine.txt"]
