"""One picture file as RGB pixels: formats, conversions and what had to be done, said by kind."""

from __future__ import annotations

import os
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ddcodec.arrays import UInt8s
from ddcodec.errors import SourceError

__all__ = ["SUFFIXES", "LoadReport", "Size", "load_image", "read_picture", "upright_size"]

Size = tuple[int, int]
"""(width, height) in pixels."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
)
MAX_PIXELS = 80_000_000
_ORIENTATION_TAG = 0x0112
_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's readers are known to raise on damaged files. UserWarning is there for callers
# that turn warnings into errors: Pillow warns before it gives up on some truncated files.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
    UserWarning,
)
_NOTES = {
    "greyscale": "greyscale picture{s} converted to RGB",
    "palette": "palette picture{s} converted to RGB",
    "transparent": "transparent picture{s} composited on white",
    "cmyk": "CMYK picture{s} converted to RGB without a colour profile",
    "colour space": "picture{s} in another colour space converted to RGB",
    "16-bit": "16-bit picture{s} scaled to 8 bits",
    "animated": "animated or multi-page picture{s}: first frame used",
    "rotated": "picture{s} turned upright as EXIF says",
    "bad exif": "picture{s} with damaged EXIF: orientation ignored",
    "corrupt": "corrupt or unreadable picture{s} skipped",
}


@dataclass
class LoadReport:
    """What had to be converted or skipped while loading, counted by kind; a file once only."""

    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def add(self, name: str, kinds: Sequence[str]) -> None:
        """Count the conversions of a picture, unless it was counted before."""
        if kinds and name not in self._seen:
            self._seen.add(name)
            self.counts.update(kinds)

    def describe(self) -> list[str]:
        """One sentence per kind, such as ``3 greyscale pictures converted to RGB``."""
        return [
            f"{self.counts[kind]} {text.format(s='' if self.counts[kind] == 1 else 's')}"
            for kind, text in _NOTES.items()
            if self.counts[kind]
        ]


def load_image(
    path: str | os.PathLike[str], size: Size | None = None, report: LoadReport | None = None
) -> UInt8s:
    """Read one picture as RGB uint8 [h, w, 3].

    ``size`` is (width, height) in pixels: the largest centred crop of that aspect ratio is
    resized with Pillow's antialiased bicubic filter; without it the picture keeps its size.
    Conversions are counted in ``report``.

    Raises:
        SourceError: the file is unreadable, corrupt, too large, or of another format.
    """
    pixels, notes = read_picture(Path(path), size)
    if report is not None:
        report.add(str(path), notes)
    return pixels


def _open(path: Path) -> Image.Image:
    """Open lazily: only the file's header is read, and its size checked."""
    try:
        image = Image.open(path, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise SourceError(f"{path} is too large to be a training picture: {error}") from error
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise SourceError(
            f"{path} has {image.width}x{image.height} pixels, more than {MAX_PIXELS // 10**6} "
            "million: shrink or remove it"
        )
    return image


def _damaged(path: Path, error: BaseException) -> SourceError:
    if isinstance(error, (PermissionError, FileNotFoundError, IsADirectoryError)):
        return SourceError(f"cannot read {path} ({error.strerror}): check the file and permissions")
    kinds = ", ".join(FORMATS)
    return SourceError(
        f"{path} is not a readable picture ({_reason(error)}): replace or remove it "
        f"(formats: {kinds})"
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "unknown or damaged format"
    return str(error) or type(error).__name__


def read_picture(path: Path, size: Size | None) -> tuple[UInt8s, list[str]]:
    """A picture as :func:`load_image` gives it, and the kinds of conversion it needed."""
    with _open(path) as image:
        try:
            notes = _notes(image)
            turn, exif_ok = _orientation(image)
            # The palette and transparency are complete only after loading.
            image.load()
            rgb = _to_rgb(image, notes)
        except _DAMAGE as error:
            raise _damaged(path, error) from error
    if rgb is None:
        raise SourceError(
            f"{path} stores {image.mode} values beyond 16 bits: convert it to an 8-bit picture"
        )
    if not exif_ok:
        notes.append("bad exif")
    if turn is not None:
        notes.append("rotated")
        rgb = rgb.transpose(turn)
    return np.asarray(rgb if size is None else _fit(rgb, size)), notes


def _notes(image: Image.Image) -> list[str]:
    """Conversions this picture needs, as known from its header."""
    notes: list[str] = []
    if getattr(image, "is_animated", False):
        notes.append("animated")
        image.seek(0)
    if image.mode in ("1", "L", "LA", "La", "I") or image.mode.startswith("I;16"):
        notes.append("greyscale")
    elif image.mode in ("P", "PA"):
        notes.append("palette")
    elif image.mode == "CMYK":
        notes.append("cmyk")
    elif image.mode in ("YCbCr", "LAB", "HSV"):
        notes.append("colour space")
    # Pillow reads deep colour as 8 bits; only the tile's raw mode still tells.
    deep = any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))
    if deep or image.mode.startswith("I"):
        notes.append("16-bit")
    return notes


def _orientation(image: Image.Image) -> tuple[Image.Transpose | None, bool]:
    """The turn that makes the picture upright, and whether EXIF could be read."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _DAMAGE:
        return None, False
    return (_ORIENTATIONS.get(value) if isinstance(value, int) else None), True


def _to_rgb(image: Image.Image, notes: list[str]) -> Image.Image | None:
    """RGB, or None for values that do not fit 16 bits."""
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            return None
        grey = ((values * 255 + 32767) // 65535).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.mode == "F":
        return None
    if image.has_transparency_data:
        notes.append("transparent")
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _fit(image: Image.Image, size: Size) -> Image.Image:
    """Largest centred crop with the aspect ratio of ``size``, then antialiased bicubic."""
    if image.size == size:
        return image
    (iw, ih), (w, h) = image.size, size
    if iw * h > w * ih:
        cw, ch = max(1, (2 * ih * w + h) // (2 * h)), ih
    else:
        cw, ch = iw, max(1, (2 * iw * h + w) // (2 * w))
    left, top = (iw - cw) // 2, (ih - ch) // 2
    box = (left, top, left + cw, top + ch)
    return image.resize(size, Image.Resampling.BICUBIC, box=box)


def upright_size(path: Path) -> Size:
    """(width, height) as the picture is shown; only the header is read."""
    with _open(path) as image:
        turn, _ = _orientation(image)
        width, height = image.size
    # Orientations 5 to 8 swap the axes.
    swapped = turn is not None and turn in [_ORIENTATIONS[k] for k in (5, 6, 7, 8)]
    return (height, width) if swapped else (width, height)
