"""Pixels as the bytes of a picture file, so that whatever a source gives is read in one way."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from ddcodec.errors import SourceError
from ddcodec.recipe.fields import MAX_SIDE

__all__ = ["array_bytes", "check_pixels", "picture_bytes", "pixel_bytes"]


def pixel_bytes(pixels: np.ndarray[Any, Any]) -> bytes:
    """A PPM or PGM of uint8 [h, w, 3] or [h, w]: a header of a dozen bytes, and the pixels.

    >>> pixel_bytes(np.zeros((1, 2), np.uint8))
    b'P5\\n2 1\\n255\\n\\x00\\x00'
    """
    height, width = pixels.shape[:2]
    kind = b"P5" if pixels.ndim == 2 else b"P6"
    return b"%b\n%d %d\n255\n%b" % (kind, width, height, pixels.tobytes())


def check_pixels(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    """Refuse an array that is no picture.

    Args:
        shape: of one picture.
        dtype: of its values.
        name: what to call it in messages.

    Raises:
        SourceError: saying what pictures are.
    """
    fits = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
    if not fits or 0 in shape or dtype != np.uint8:
        first = " The channels stand first: move them to the end." if _channels_first(shape) else ""
        tenth = " Multiply values of 0..1 by 255 and round them." if dtype.kind == "f" else ""
        raise SourceError(
            f"{name} has shape {list(shape)} and type {dtype}, and a picture is uint8 [height, "
            f"width], [height, width, 3] or [height, width, 4].{first}{tenth}"
        )
    if max(shape[:2]) > MAX_SIDE:
        raise SourceError(
            f"{name} has {shape[1]}x{shape[0]} pixels, more than {MAX_SIDE} on a side: shrink it"
        )


def _channels_first(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] in (1, 3) and shape[2] not in (1, 3, 4)


def array_bytes(pixels: np.ndarray[Any, Any], name: str) -> bytes:
    """The picture file of uint8 [h, w], [h, w, 1], [h, w, 3] or, with transparency, [h, w, 4].

    Raises:
        SourceError: it is no such array.
    """
    check_pixels(pixels.shape, pixels.dtype, name)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        return _saved(Image.fromarray(pixels), "PNG")
    return pixel_bytes(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)


def picture_bytes(image: Image.Image, name: str) -> bytes:
    """The picture file of an image of Pillow's, turned upright as its EXIF says; without loss.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ("RGB", "L") and "transparency" not in upright.info:
            return pixel_bytes(np.asarray(upright))
        deep = upright.mode in ("CMYK", "YCbCr", "LAB", "HSV", "F")
        return _saved(upright, "TIFF" if deep else "PNG")
    except (OSError, ValueError, SyntaxError, KeyError) as error:
        raise SourceError(f"{name} cannot be read ({error}): replace or remove it") from error


def _saved(image: Image.Image, format: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **({"compress_level": 1} if format == "PNG" else {}))
    return stream.getvalue()
