"""Mosaics: exact in PNG, close in WebP, and safe against hostile pictures."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from ddcodec.codecs.mosaic import Mosaic, grid
from ddcodec.codecs.mosaic_png import MosaicPng
from ddcodec.codecs.mosaic_webp import MosaicWebp
from ddcodec.errors import EncodeError, PayloadError

PATCHES = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 10), st.integers(1, 9), st.integers(1, 9), st.just(3)),
)


def of(kind: type[Mosaic], patches: np.ndarray) -> Mosaic:
    return kind(width=patches.shape[-2], height=patches.shape[-3])


def smooth(n: int, height: int, width: int) -> np.ndarray:
    """n patches with gentle gradients of different colours."""
    i, y, x, c = np.indices((n, height, width, 3))
    return (60 + 20 * i + 40 * c + 2 * x + y).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 9, 10, 99, 100, 101])
def test_the_grid_is_nearly_square_and_holds_all(n: int) -> None:
    columns, rows = grid(n)
    assert (columns - 1) ** 2 < n <= columns**2
    assert columns * (rows - 1) < n <= columns * rows


@given(PATCHES)
@settings(max_examples=50)
def test_png_round_trips_exactly(patches: np.ndarray) -> None:
    codec = of(MosaicPng, patches)
    np.testing.assert_array_equal(codec.decode(codec.encode(patches), patches.shape), patches)


@given(st.integers(1, 8), st.integers(8, 20), st.integers(8, 20))
@settings(max_examples=20)
def test_webp_keeps_smooth_patches_close_and_decodes_the_same_twice(
    n: int, height: int, width: int
) -> None:
    patches = smooth(n, height, width)
    codec = MosaicWebp(width=width, height=height, quality=90)
    raw = codec.encode(patches)
    decoded = codec.decode(raw, patches.shape)
    np.testing.assert_array_equal(decoded, codec.decode(raw, patches.shape))
    error = np.mean((decoded.astype(float) - patches) ** 2)
    assert 10 * np.log10(255**2 / max(error, 1e-9)) > 25


def test_more_leading_axes_are_patches_in_order() -> None:
    patches = smooth(12, 5, 7)
    codec = MosaicPng(width=7, height=5)
    table = codec.decode(codec.encode(patches), (3, 2, 2, 5, 7, 3))
    np.testing.assert_array_equal(table.reshape(patches.shape), patches)
    assert codec.encode(table) == codec.encode(patches)


def test_png_is_sliced_exactly_and_webp_not_at_all() -> None:
    patches = smooth(12, 5, 7).reshape(3, 2, 2, 5, 7, 3)
    codec = MosaicPng(width=7, height=5)
    raw = codec.slice_raw(codec.encode(patches), slice(1, 3), slice(0, 1), patches.shape)
    np.testing.assert_array_equal(codec.decode(raw, (2, 1, 2, 5, 7, 3)), patches[1:, :1])
    with pytest.raises(EncodeError, match="give the shape as"):
        codec.slice_raw(raw, slice(0, 1), slice(0, 1), (12, 5, 7, 3))
    lossy = of(MosaicWebp, patches)
    with pytest.raises(EncodeError, match="copy the section whole"):
        lossy.slice_raw(lossy.encode(patches), slice(0, 1), slice(0, 1), patches.shape)


def test_quality_is_the_encoders_affair() -> None:
    fine, coarse = MosaicWebp(8, 8, quality=95), MosaicWebp(8, 8, quality=5)
    assert fine == coarse
    assert fine.params() == coarse.params() == {"width": 8, "height": 8}
    noise = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)
    assert len(coarse.encode(noise)) < len(fine.encode(noise))
    with pytest.raises(EncodeError, match="quality"):
        MosaicWebp(8, 8, quality=101)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((1, 8, 8, 3)),
        np.zeros((1, 8, 9, 3), np.uint8),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((0, 8, 8, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(array: np.ndarray) -> None:
    with pytest.raises(EncodeError):
        MosaicPng(8, 8).encode(array)


def test_a_mosaic_too_large_for_webp_says_what_to_do() -> None:
    patches = np.broadcast_to(np.zeros(3, np.uint8), (5, 1, 8000, 3))
    with pytest.raises(EncodeError, match="fewer classes or slots"):
        MosaicWebp(width=8000, height=1).encode(patches)


def test_a_mosaic_beyond_the_limit_is_refused_unseen() -> None:
    with pytest.raises(PayloadError, match="larger than allowed"):
        MosaicPng(1024, 1024).decode(b"", (1 << 30, 1024, 1024, 3))


def picture(mode: str = "RGB", size: tuple[int, int] = (8, 8), form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, form)
    return file.getvalue()


def with_alpha() -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (8, 8), (1, 2, 3, 100)).save(file, "WEBP")
    return file.getvalue()


def animation() -> bytes:
    file = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    return file.getvalue()


def bomb() -> bytes:
    """A PNG header that promises 60,000 x 60,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        pytest.param(MosaicPng, b"", id="empty"),
        pytest.param(MosaicPng, picture(size=(8, 9)), id="size"),
        pytest.param(MosaicPng, picture("RGBA"), id="png-alpha"),
        pytest.param(MosaicPng, picture("L"), id="grey"),
        pytest.param(MosaicPng, picture("P"), id="palette"),
        pytest.param(MosaicPng, picture()[:40], id="png-cut"),
        pytest.param(MosaicPng, picture(form="WEBP"), id="webp-as-png"),
        pytest.param(MosaicPng, bomb(), id="bomb"),
        pytest.param(MosaicWebp, picture(), id="png-as-webp"),
        pytest.param(MosaicWebp, with_alpha(), id="webp-alpha"),
        pytest.param(MosaicWebp, picture(form="WEBP")[:20], id="webp-cut"),
        pytest.param(MosaicWebp, animation(), id="animation"),
    ],
)
def test_hostile_pictures_are_payload_errors(kind: type[Mosaic], raw: bytes) -> None:
    with pytest.raises(PayloadError):
        kind(width=8, height=8).decode(raw, (1, 8, 8, 3))


@given(data=st.data())
@settings(max_examples=200)
def test_damage_never_raises_anything_else(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([MosaicPng, MosaicWebp]))
    codec = kind(width=8, height=8)
    raw = bytearray(codec.encode(smooth(4, 8, 8)))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    try:
        decoded = codec.decode(bytes(raw[:cut]), (4, 8, 8, 3))
    except PayloadError:
        return
    assert decoded.shape == (4, 8, 8, 3)
