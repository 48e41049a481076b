"""Matters that Pillow leaves to its callers: warnings, transparent colours, deep greyscale."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["pillow_warnings", "scale_key", "to_rgb"]

_WHITE = 255


class _Collector:
    """Filters of warnings belong to the whole process, so threads that read share one change."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.readers = 0
        self.here = threading.local()
        self.changed: warnings.catch_warnings[None] | None = None

    def enter(self) -> list[str]:
        with self.lock:
            if not self.readers:
                self.changed = warnings.catch_warnings()
                self.changed.__enter__()
                warnings.filterwarnings("always", module=r"PIL\.")
                before = warnings.showwarning

                def show(message: Warning | str, *args: Any, **kwargs: Any) -> None:
                    texts: list[str] | None = getattr(self.here, "texts", None)
                    if texts is None:
                        before(message, *args, **kwargs)
                    else:
                        texts.append(str(message))

                warnings.showwarning = show
            self.readers += 1
        texts: list[str] = []
        self.here.texts = texts
        return texts

    def leave(self) -> None:
        self.here.texts = None
        with self.lock:
            self.readers -= 1
            if not self.readers and self.changed is not None:
                self.changed.__exit__(None, None, None)
                self.changed = None


_COLLECTOR = _Collector()


@contextmanager
def pillow_warnings() -> Iterator[list[str]]:
    """Collect what Pillow warns of in this thread, in place of printing it."""
    texts = _COLLECTOR.enter()
    try:
        yield texts
    finally:
        _COLLECTOR.leave()


def scale_key(image: Image.Image) -> None:
    """Bring the transparent colour of a PNG to the depth in which Pillow gives its pixels.

    Call it before the picture is loaded. Pillow keeps the colour as the file spells it, and scales
    pixels of two and four bits up to eight, and colours of sixteen bits down to them.
    """
    key = image.info.get("transparency")
    tiles = getattr(image, "tile", ())
    raw = str(tiles[0][3]) if tiles else ""
    if image.format != "PNG" or key is None:
        return
    if raw in ("L;2", "L;4"):
        image.info["transparency"] = key * (85 if raw == "L;2" else 17)
    elif raw.startswith("RGB;16") and isinstance(key, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in key)


def to_rgb(image: Image.Image, notes: list[str]) -> Image.Image | None:
    """RGB, transparency put on white, or None for values that do not fit 16 bits.

    Args:
        image: loaded.
        notes: to which ``transparent`` is added where it is.
    """
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            return None
        grey = ((values * 255 + 32767) // 65535).astype(np.uint8)
        key = image.info.get("transparency")
        if isinstance(key, int):
            notes.append("transparent")
            grey[values == key] = _WHITE
        return Image.fromarray(grey).convert("RGB")
    if image.mode == "F":
        return None
    if image.has_transparency_data:
        notes.append("transparent")
        # Pillow has no way from grey with premultiplied transparency but this one.
        rgba = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        white = Image.new("RGBA", rgba.size, (_WHITE, _WHITE, _WHITE, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")
