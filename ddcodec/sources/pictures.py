"""One picture file as RGB pixels: formats, conversions and what had to be done, said by kind."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ddcodec.arrays import UInt8s
from ddcodec.sources.kinds import kind_of
from ddcodec.sources.load_report import LoadReport, PictureError
from ddcodec.sources.paths import printable
from ddcodec.sources.picture_file import PictureFile
from ddcodec.sources.pillow import pillow_warnings, scale_key, to_rgb

__all__ = [
    "SUFFIXES",
    "LoadReport",
    "PictureError",
    "Size",
    "load_image",
    "read_picture",
    "upright_size",
]

Size = tuple[int, int]
"""(width, height) in pixels."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
_JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp", ".mpo")
_OTHER_SUFFIXES = (".png", ".apng", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff")
SUFFIXES = frozenset({*_JPEG_SUFFIXES, *_OTHER_SUFFIXES, ".ppm", ".pgm", ".pbm", ".pnm"})
MAX_PIXELS = 80_000_000
_SWAPPING = (5, 6, 7, 8)
"""Orientations of EXIF that swap width and height."""
# What Pillow's readers are known to raise on damaged files.
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
)


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


def _open(path: PictureFile) -> Image.Image:
    """Open lazily: only the file's header is read, and its size checked."""
    try:
        # Pillow closes a file that it has opened itself.
        content = path if isinstance(path, Path) else path.open("rb")
        image = Image.open(content, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_large(path, _header_size(path)) from error
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise _too_large(path, image.size)
    return image


def _header_size(path: PictureFile) -> Size | None:
    """The size that a header says, where Pillow refuses to open so large a picture."""
    with path.open("rb") as stream:
        prefix = stream.read(16)
        for name in FORMATS:
            factory, accept = Image.OPEN[name]
            stream.seek(0)
            try:
                if accept is None or accept(prefix) is True:
                    return factory(stream, str(path)).size
            except _DAMAGE:
                continue
    return None


def _too_large(path: PictureFile, size: Size | None) -> PictureError:
    pixels = f"{size[0]}x{size[1]}" if size else "too many"
    return PictureError.because(
        f"{printable(path)} has {pixels} pixels, more than {MAX_PIXELS // 10**6} million: shrink "
        "or remove it",
        f"{pixels} pixels",
        "too large",
    )


def _damaged(path: PictureFile, error: BaseException) -> PictureError:
    if isinstance(error, (PermissionError, FileNotFoundError, IsADirectoryError)):
        reason = str(error.strerror)
        return PictureError.because(
            f"cannot read {printable(path)} ({reason}): check the file and permissions", reason
        )
    reason = _reason(path, error)
    return PictureError.because(
        f"{printable(path)} is not a readable picture ({reason}): replace or remove it "
        f"(formats: {', '.join(FORMATS)})",
        reason,
    )


def _reason(path: PictureFile, error: BaseException) -> str:
    if not isinstance(error, UnidentifiedImageError):
        return str(error) or type(error).__name__
    try:
        kind = kind_of(path)
    except OSError:
        kind = None
    # A picture whose signature is right is damaged after it.
    right = {f"a {name} picture" for name in (*FORMATS, "WebP")}
    return "unknown or damaged format" if kind is None or kind.text in right else kind.text


def read_picture(path: PictureFile, size: Size | None) -> tuple[UInt8s, list[str]]:
    """A picture as :func:`load_image` gives it, and the kinds of conversion it needed."""
    with pillow_warnings() as warned, _open(path) as image:
        try:
            notes = _notes(image)
            # Asked of others now, a damaged PNG would be loaded here, and once more without error.
            turned = image.format == "TIFF" and _orientation(image) not in (None, 1)
            scale_key(image)
            # The palette and transparency are complete only after loading.
            image.load()
            # Pillow has turned a TIFF by now, and says so by the orientation that is left.
            orientation = _orientation(image)
            rgb = to_rgb(image, notes)
        except _DAMAGE as error:
            raise _damaged(path, error) from error
    if rgb is None:
        values = "floating-point values" if image.mode == "F" else "values beyond 16 bits"
        raise PictureError.because(
            f"{printable(path)} stores {values}: convert it to an 8-bit picture", values
        )
    if any("EXIF" in text for text in warned) or orientation is None:
        notes.append("bad exif")
    if turned or orientation not in (None, 1):
        notes.append("rotated")
    if orientation not in (None, 1):
        rgb = _upright(rgb, orientation)
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
    if image.info.get("icc_profile") and image.mode != "CMYK":
        notes.append("colour profile")
    # Pillow reads deep colour as 8 bits; only the tile's raw mode still tells.
    deep = any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))
    if deep or image.mode.startswith("I"):
        notes.append("16-bit")
    return notes


def _orientation(image: Image.Image) -> int | None:
    """EXIF's orientation, 1 to 8; None where EXIF cannot be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _DAMAGE:
        return None
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(rgb: Image.Image, orientation: int) -> Image.Image:
    """Pillow turns it; other tags of EXIF, which may be damaged, are kept from it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    rgb.info = {"exif": exif.tobytes()}
    return ImageOps.exif_transpose(rgb)


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


def upright_size(path: PictureFile) -> Size:
    """(width, height) as the picture is shown; only the header is read."""
    with pillow_warnings(), _open(path) as image:
        width, height = image.size
        # Pillow gives the size of a TIFF as it will be turned.
        swapped = image.format != "TIFF" and _orientation(image) in _SWAPPING
    return (height, width) if swapped else (width, height)
