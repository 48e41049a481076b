"""Mosaics: exact in PNG, close in WebP and AV1, and safe against hostile pictures."""

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

from ddcodec.codecs import mosaic_avif
from ddcodec.codecs.av1_still import bare_picture, whole_file
from ddcodec.codecs.mosaic import Mosaic, grid
from ddcodec.codecs.mosaic_avif import MosaicAvif
from ddcodec.codecs.mosaic_png import MosaicPng
from ddcodec.codecs.mosaic_webp import MosaicWebp
from ddcodec.errors import EncodeError, MissingDependencyError, PayloadError

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


@pytest.mark.parametrize("kind", [MosaicAvif, MosaicWebp])
@given(st.integers(1, 8), st.integers(8, 20), st.integers(8, 20))
@settings(max_examples=10)
def test_lossy_mosaics_keep_smooth_patches_close_and_decode_the_same_twice(
    kind: type[MosaicAvif | MosaicWebp], n: int, height: int, width: int
) -> None:
    patches = smooth(n, height, width)
    codec = kind(width=width, height=height, quality=90)
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


def test_png_is_sliced_exactly_and_lossy_ones_not_at_all() -> None:
    patches = smooth(12, 5, 7).reshape(3, 2, 2, 5, 7, 3)
    codec = MosaicPng(width=7, height=5)
    raw = codec.slice_raw(codec.encode(patches), slice(1, 3), slice(0, 1), patches.shape)
    np.testing.assert_array_equal(codec.decode(raw, (2, 1, 2, 5, 7, 3)), patches[1:, :1])
    with pytest.raises(EncodeError, match="give the shape as"):
        codec.slice_raw(raw, slice(0, 1), slice(0, 1), (12, 5, 7, 3))
    for lossy in (of(MosaicAvif, patches), of(MosaicWebp, patches)):
        with pytest.raises(EncodeError, match="copy the section whole"):
            lossy.slice_raw(lossy.encode(patches), slice(0, 1), slice(0, 1), patches.shape)


@pytest.mark.parametrize("kind", [MosaicAvif, MosaicWebp])
def test_quality_is_the_encoders_affair(kind: type[MosaicAvif | MosaicWebp]) -> None:
    fine, coarse = kind(8, 8, quality=95), kind(8, 8, quality=5)
    assert fine == coarse
    assert fine.params() == coarse.params() == {"width": 8, "height": 8}
    noise = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)
    assert len(coarse.encode(noise)) < len(fine.encode(noise))
    with pytest.raises(EncodeError, match="quality"):
        kind(8, 8, quality=101)


@pytest.mark.parametrize("quality", [0, 25, 60, 100])
@pytest.mark.parametrize("side", [1, 15, 16, 40])
def test_whatever_the_encoder_writes_is_within_the_profile(quality: int, side: int) -> None:
    noise = np.random.default_rng(side).integers(0, 256, (5, side, side, 3), dtype=np.uint8)
    for patches in (noise, np.zeros_like(noise)):
        for codec in (MosaicWebp(side, side, quality=quality), MosaicPng(side, side)):
            assert codec.decode(codec.encode(patches), patches.shape).shape == patches.shape


COLOURS = hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 9), st.just(3)))


@given(COLOURS)
def test_planes_lose_no_more_than_their_rounding(picture: np.ndarray) -> None:
    back = mosaic_avif._rgb(mosaic_avif._planes(picture))
    assert np.abs(back.astype(int) - picture).max() <= 2


@given(st.integers(1, 5), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=20)
def test_av1_takes_patches_of_any_size_and_flat_ones_take_few_bytes(
    n: int, height: int, width: int
) -> None:
    patches = np.full((n, height, width, 3), (200, 30, 90), np.uint8)
    codec = MosaicAvif(width=width, height=height, quality=70)
    raw = codec.encode(patches)
    assert len(raw) < 200
    assert np.abs(codec.decode(raw, patches.shape).astype(int) - patches).max() <= 16


def test_the_bare_picture_of_a_whole_file_is_what_it_was_made_of() -> None:
    raw = MosaicAvif(8, 8).encode(smooth(4, 8, 8))
    assert bare_picture(whole_file(raw, 16, 48), 16, 48) == raw
    with pytest.raises(EncodeError, match="still picture"):
        bare_picture(whole_file(raw, 16, 48), 16, 47)
    with pytest.raises(EncodeError, match="no media data"):
        bare_picture(b"", 16, 48)


def test_the_encoder_of_pillow_keeps_to_grey_in_full_range() -> None:
    colour = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(colour, "AVIF", subsampling="4:4:4")
    with pytest.raises(EncodeError, match="another kind of file"):
        bare_picture(colour.getvalue(), 16, 16)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("_KNOWN_ANSWER", "", "shows other pixels"),
        ("_KNOWN_PICTURE", b"\0\0", "cannot open an AVIF picture"),
    ],
)
def test_another_avif_decoder_is_refused_before_it_shows_anything(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object, message: str
) -> None:
    raw = MosaicAvif(8, 8).encode(smooth(4, 8, 8))
    mosaic_avif._check_decoder.cache_clear()
    monkeypatch.setattr(mosaic_avif, name, value)
    with pytest.raises(MissingDependencyError, match=f"{message}.*pip install"):
        MosaicAvif(8, 8).decode(raw, (4, 8, 8, 3))


def test_a_pillow_without_avif_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    mosaic_avif._check_decoder.cache_clear()
    monkeypatch.setattr(mosaic_avif.features, "check", lambda name: name != "avif")
    with pytest.raises(MissingDependencyError, match=r"cannot open AVIF pictures.*pip install"):
        MosaicAvif(8, 8).encode(smooth(4, 8, 8))


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
        pytest.param(MosaicAvif, b"", id="no-tools"),
        pytest.param(MosaicAvif, b"\0", id="no-frame"),
        pytest.param(MosaicAvif, picture(), id="png-as-avif"),
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
    kind = data.draw(st.sampled_from([MosaicAvif, MosaicPng, MosaicWebp]))
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
