"""An image folder: one subfolder per class, pictures inside.

Class order is the order of the names and file order the order of the relative names, so the
same folder gives the same class indices on every machine and file system.
"""

from __future__ import annotations

import hashlib
import os
import random
import unicodedata
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ddcodec.arrays import StepProgress, UInt8s
from ddcodec.errors import SourceError
from ddcodec.sources.pictures import SUFFIXES, Size, read_picture, upright_size

__all__ = ["ImageFolder", "scan"]


@dataclass(frozen=True)
class ImageFolder:
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

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Pictures of each class."""
        return tuple(len(files) for files in self.files)

    def names(self, class_index: int) -> tuple[str, ...]:
        """Relative POSIX names of a class's files, in order."""
        folder = self.folders[class_index]
        return tuple(path.relative_to(folder).as_posix() for path in self.files[class_index])

    def name(self, class_index: int, number: int) -> str:
        """The path of a picture."""
        return str(self.files[class_index][number])

    def read(self, class_index: int, number: int, size: Size | None) -> tuple[UInt8s, list[str]]:
        """A picture as uint8 [h, w, 3], and the kinds of conversion it needed."""
        return read_picture(self.files[class_index][number], size)

    def native_size(self, *, sample: int = 256, seed: int = 0) -> Size:
        """The (width, height) that most pictures have, from a seeded sample; damaged ones aside.

        Raises:
            SourceError: no size is shared by more than half of the sample; one must be chosen.
        """
        paths = [path for files in self.files for path in files]
        if len(paths) > sample:
            paths = random.Random(seed).sample(paths, sample)
        sizes: Counter[Size] = Counter()
        for path in paths:
            with suppress(SourceError):
                sizes[upright_size(path)] += 1
        if not sizes:
            raise SourceError(f"none of {len(paths)} pictures in {self.root} can be read")
        (size, count), *_ = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
        if 2 * count <= sizes.total():
            raise SourceError(
                f"the pictures have {len(sizes)} different sizes (the most common, "
                f"{size[0]}x{size[1]}, is only {100 * count // len(paths)} % of them): "
                "choose one, for example size=64"
            )
        return size

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over class names, relative file names and file contents.

        Two threads that ask at once both compute the same value; nothing is locked or written.
        """
        return self.compute_fingerprint()

    def compute_fingerprint(self, progress: StepProgress | None = None) -> str:
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


def scan(folder: str | os.PathLike[str]) -> ImageFolder:
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
    return ImageFolder(root, classes, tuple(files), folders, warnings)


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
