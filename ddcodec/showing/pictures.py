"""Pictures as the PNG files that a page shows."""

from __future__ import annotations

import base64
import io

from PIL import Image

from ddcodec.arrays import UInt8s

__all__ = ["data_url", "png"]


def png(pixels: UInt8s) -> bytes:
    """A picture, uint8 [height, width, 3], without loss; fast rather than small."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def data_url(pixels: UInt8s) -> str:
    """The same, small rather than fast, as a URL that holds it."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
