"""The image folder an artifact is made from: one subfolder per class, pictures inside.

Class order is the order of the names and file order the order of the relative names, so the
same folder gives the same class indices on every machine and file system.
"""

from __future__ import annotations

import hashlib
import os
import random
import struct
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ddcodec.errors import SourceError

__all__ = ["LoadReport", "Source", "load_image", "load_images", "native_size", "scan"]

Size = tuple[int, int]
Progress = Callable[[int, int], None]
Pixels = NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
)
MAX_PIXELS = 80_000_000
_BATCH = 256
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


@dataclass(frozen=True)
class Source:
    """An image folder: ``classes`` sorted by name, ``files[c]`` sorted by relative POSIX name.

    ``warnings`` are findings of :func:`scan` that did not stop it.
    """

    root: Path
    classes: tuple[str, ...]
    files: tuple[tuple[Path, ...], ...]
    folders: tuple[Path, ...]
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(len(files) for files in self.files)

    def names(self, class_index: int) -> tuple[str, ...]:
        """Relative POSIX names of a class's files, in order."""
        folder = self.folders[class_index]
        return tuple(path.relative_to(folder).as_posix() for path in self.files[class_index])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over class names, relative file names and file contents.

        Two threads that ask at once both compute the same value; nothing is locked or written.
        """
        return self.compute_fingerprint()

    def compute_fingerprint(self, progress: Progress | None = None) -> str:
        """Same as ``fingerprint``, with ``progress(done, total)`` in files."""
        total, done = len(self), 0
        outer = hashlib.sha256(b"ddz/source/1\0")
        for class_index, name in enumerate(self.classes):
            _update_text(outer, b"C", name)
            files = zip(self.names(class_index), self.files[class_index], strict=True)
            for relative, path in files:
                _update_text(outer, b"F", relative)
                outer.update(_file_sha256(path))
                done += 1
                if progress is not None:
                    progress(done, total)
        value = outer.hexdigest()
        self.__dict__["fingerprint"] = value
        return value


@dataclass
class LoadReport:
    """What had to be converted or skipped while loading, counted by kind; a file once only."""

    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[Path] = field(default_factory=list)
    _seen: set[Path] = field(default_factory=set)

    def add(self, path: Path, kinds: Sequence[str]) -> None:
        """Count the conversions of a file, unless it was counted before."""
        if kinds and path not in self._seen:
            self._seen.add(path)
            self.counts.update(kinds)

    def lines(self) -> list[str]:
        """One sentence a kind, such as ``3 greyscale pictures converted to RGB``."""
        return [
            f"{self.counts[kind]} {text.format(s='' if self.counts[kind] == 1 else 's')}"
            for kind, text in _NOTES.items()
            if self.counts[kind]
        ]


def scan(folder: str | os.PathLike[str]) -> Source:
    """List the classes and pictures of an image folder; ``folder/train`` is used when present.

    Raises:
        SourceError: no such folder, no class subfolders, a class without pictures, a name that
            is not valid Unicode, or a folder that cannot be read.
    """
    root = _root_of(Path(folder))
    found: dict[str, Path] = {}
    for path in _subfolders(root):
        name = unicodedata.normalize("NFC", path.name)
        if name in found:
            raise SourceError(f"two class folders are both called {name!r} in {root}: rename one")
        found[name] = path
    if not found:
        raise SourceError(_no_classes(root))
    classes = tuple(sorted(found))
    folders = tuple(found[name] for name in classes)
    files: list[tuple[Path, ...]] = []
    ignored = 0
    for name, path in zip(classes, folders, strict=True):
        pictures, others = _pictures(path)
        if not pictures:
            raise SourceError(
                f"class {name!r} has no pictures in {path}: add some, or remove the folder"
            )
        files.append(pictures)
        ignored += others
    s = "" if ignored == 1 else "s"
    warnings = (f"{ignored} file{s} ignored: not a picture by name",) if ignored else ()
    return Source(root, classes, tuple(files), folders, warnings)


def load_image(
    path: str | os.PathLike[str], size: Size | None = None, report: LoadReport | None = None
) -> Pixels:
    """Read one picture as RGB uint8 [h, w, 3].

    ``size`` is (width, height) in pixels: the largest centred crop of that aspect ratio is
    resized with Pillow's antialiased bicubic filter; without it the picture keeps its size.
    Conversions are counted in ``report``.

    Raises:
        SourceError: the file is unreadable, corrupt, too large, or of another format.
    """
    pixels, notes = _load(Path(path), size)
    if report is not None:
        report.add(Path(path), notes)
    return pixels


def load_images(
    source: Source,
    size: Size,
    classes: Sequence[int] | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    report: LoadReport | None = None,
) -> tuple[Pixels, NDArray[np.int64]]:
    """Read pictures as (uint8 [n, h, w, 3], int64 [n] class indices), in class and name order.

    Args:
        source: the folder.
        size: (width, height) in pixels, see :func:`load_image`.
        classes: class indices to read; all when None. Labels keep the source's indices.
        limit: at most this many pictures a class, the first by name.
        progress: called with (done, total) pictures.
        on_error: ``skip`` counts damaged pictures in ``report`` instead of raising.
        report: where conversions and skipped files are counted.

    Raises:
        SourceError: a damaged picture (``raise``), or a class with none left (``skip``).
    """
    wanted = range(len(source.classes)) if classes is None else classes
    jobs = [(c, path) for c in wanted for path in source.files[c][:limit]]
    report = LoadReport() if report is None else report
    pixels = np.empty((len(jobs), size[1], size[0], 3), np.uint8)
    labels = np.empty(len(jobs), np.int64)
    kept = 0
    for done, ((class_index, path), result) in enumerate(_load_all(jobs, size), start=1):
        if isinstance(result, SourceError):
            if on_error == "raise":
                raise result
            if path not in report.skipped:
                report.add(path, ["corrupt"])
                report.skipped.append(path)
        else:
            pixels[kept], notes = result
            labels[kept] = class_index
            report.add(path, notes)
            kept += 1
        if progress is not None:
            progress(done, len(jobs))
    present = set(labels[:kept].tolist())
    for class_index in wanted:
        if class_index not in present:
            name = source.classes[class_index]
            raise SourceError(f"no picture of class {name!r} can be read: replace its files")
    return pixels[:kept], labels[:kept]


def native_size(source: Source, *, sample: int = 256, seed: int = 0) -> Size:
    """The (width, height) that most pictures have, from a seeded sample; damaged ones aside.

    Raises:
        SourceError: no size is shared by more than half of the sample; a size must be chosen.
    """
    paths = [path for files in source.files for path in files]
    if len(paths) > sample:
        paths = random.Random(seed).sample(paths, sample)
    sizes: Counter[Size] = Counter()
    for path in paths:
        with suppress(SourceError):
            sizes[_upright_size(path)] += 1
    if not sizes:
        raise SourceError(f"none of {len(paths)} pictures in {source.root} can be read")
    (size, count), *_ = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    if 2 * count <= sizes.total():
        raise SourceError(
            f"the pictures have {len(sizes)} different sizes (the most common, "
            f"{size[0]}x{size[1]}, is only {100 * count // len(paths)} % of them): "
            "choose one with --size, for example --size 64"
        )
    return size


def _root_of(folder: Path) -> Path:
    if not folder.exists():
        raise SourceError(f"no such folder: {folder}; give the folder with a subfolder per class")
    if not folder.is_dir():
        raise SourceError(f"{folder} is a file, not a folder: unpack it first")
    train = folder / "train"
    # A class may itself be called "train"; only a train/ with subfolders is a split.
    return train if train.is_dir() and _subfolders(train) else folder


def _subfolders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir()]


def _entries(folder: Path) -> list[Path]:
    try:
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise SourceError(f"cannot list {folder} ({error.strerror}): check permissions") from error
    for path in entries:
        try:
            path.name.encode("utf-8")
        except UnicodeEncodeError as error:
            raise SourceError(f"the name {path!r} is not valid Unicode: rename it") from error
    return entries


def _pictures(folder: Path) -> tuple[tuple[Path, ...], int]:
    """All pictures below a folder, sorted by relative name, and how many other files."""
    pictures: list[Path] = []
    others = 0
    pending = [folder]
    while pending:
        for path in _entries(pending.pop()):
            if path.is_dir():
                # A linked folder could lead back here.
                if not path.is_symlink():
                    pending.append(path)
            elif path.suffix.lower() in SUFFIXES:
                pictures.append(path)
            else:
                others += 1
    return tuple(sorted(pictures, key=lambda p: p.relative_to(folder).as_posix())), others


def _no_classes(root: Path) -> str:
    direct = sum(path.suffix.lower() in SUFFIXES for path in _entries(root))
    if direct:
        return (
            f"{root} holds {direct} pictures directly: "
            "put them in one subfolder per class, named after the class"
        )
    return f"{root} has no class subfolders: give the folder with a subfolder per class"


def _update_text(digest: hashlib._Hash, tag: bytes, text: str) -> None:
    data = text.encode("utf-8")
    digest.update(tag + len(data).to_bytes(8, "little") + data)


def _file_sha256(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise SourceError(f"cannot read {path} ({error.strerror}): check the file") from error


def _load_all(
    jobs: list[tuple[int, Path]], size: Size
) -> Iterator[tuple[tuple[int, Path], tuple[Pixels, list[str]] | SourceError]]:
    """Decode in threads (Pillow releases the GIL), in batches so that memory stays bounded."""

    def attempt(job: tuple[int, Path]) -> tuple[Pixels, list[str]] | SourceError:
        try:
            return _load(job[1], size)
        except SourceError as error:
            return error

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        for start in range(0, len(jobs), _BATCH):
            batch = jobs[start : start + _BATCH]
            yield from zip(batch, pool.map(attempt, batch), strict=True)


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


def _load(path: Path, size: Size | None) -> tuple[Pixels, list[str]]:
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


def _upright_size(path: Path) -> Size:
    with _open(path) as image:
        turn, _ = _orientation(image)
        width, height = image.size
    # Orientations 5 to 8 swap the axes.
    swapped = turn is not None and turn in [_ORIENTATIONS[k] for k in (5, 6, 7, 8)]
    return (height, width) if swapped else (width, height)
