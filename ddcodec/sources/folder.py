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
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from ddcodec.arrays import StepProgress, UInt8s
from ddcodec.errors import SourceError
from ddcodec.sources.duplicates import shared_files
from ddcodec.sources.findings import class_findings, layout_findings
from ddcodec.sources.layout import find_classes
from ddcodec.sources.mistaken import advice
from ddcodec.sources.paths import printable
from ddcodec.sources.pictures import Size, read_picture, upright_size
from ddcodec.sources.splits import Role
from ddcodec.sources.tree import Folder, counted

__all__ = ["ImageFolder", "scan"]


@dataclass(frozen=True)
class ImageFolder:
    """An image folder: ``classes`` sorted by name, ``files[c]`` sorted by relative POSIX name.

    ``warnings`` are findings of :func:`scan` that did not stop it, and ``beside`` the folders with
    pictures that it passed by, such as a test split.
    """

    root: Path
    classes: tuple[str, ...]
    files: tuple[tuple[Path, ...], ...]
    folders: tuple[Path, ...]
    warnings: tuple[str, ...] = ()
    beside: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return sum(len(files) for files in self.files)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Pictures of each class."""
        return tuple(len(files) for files in self.files)

    def names(self, class_index: int) -> tuple[str, ...]:
        """Relative POSIX names of a class's files, in order and in Unicode's form NFC."""
        folder = self.folders[class_index]
        return tuple(_relative(folder, path) for path in self.files[class_index])

    def name(self, class_index: int, number: int) -> str:
        """The path of a picture, as messages say it."""
        return printable(self.files[class_index][number])

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
        reason: SourceError | None = None
        for path in paths:
            try:
                sizes[upright_size(path)] += 1
            except SourceError as error:
                reason = reason or error
        if not sizes:
            raise SourceError(
                f"none of {len(paths)} pictures in {printable(self.root)} can be read: {reason}"
            )
        (size, count), *_ = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
        if 2 * count <= sizes.total():
            raise SourceError(
                f"the pictures have {len(sizes)} different sizes (the most common, "
                f"{size[0]}x{size[1]}, is only {100 * count // len(paths)} % of them): "
                "choose one, for example size=64"
            )
        return size

    @property
    def place(self) -> str:
        """Where the classes are, and what beside them is not used."""
        beside = ", ".join(printable(path.name) for path in self.beside)
        return printable(self.root) + (f" (not used: {beside})" if beside else "")

    @cached_property
    def shared_pictures(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Byte-identical pictures of different classes, as (class index, number), in order."""
        return shared_files(self.files)

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


def scan(folder: str | os.PathLike[str], split: Role = "train") -> ImageFolder:
    """List the classes and pictures of an image folder.

    The training split is used where there are splits (``train/``, ``Training/``, ``seg_train/``),
    and the level that an archive adds is passed by; ``root`` and ``beside`` say what was done.

    Args:
        folder: the folder with a subfolder per class, or one that holds it.
        split: the one to take: train; or test, for which a validation split stands in.

    Raises:
        SourceError: no such folder, no class subfolders, a class without pictures, splits of which
            none is clearly meant, a class name that is not Unicode, or a folder that cannot be
            read. The message says what to give instead.
    """
    root, beside = find_classes(Path(folder), split)
    found: dict[str, Folder] = {}
    left_out: Counter[str] = Counter()
    for part in root.folders:
        name = _class_name(part)
        if name in found:
            raise SourceError(
                f"two class folders are both called {name!r} in {printable(root.path)}: rename one"
            )
        if not part.holds_pictures:
            raise SourceError(_empty(name, part))
        found[name] = part
        left_out += part.left_out()
    classes = tuple(sorted(found))
    parts = [found[name] for name in classes]
    files = tuple(
        tuple(sorted(part.all_pictures, key=partial(_order, part.path))) for part in parts
    )
    counts = dict(zip(classes, map(len, files), strict=True))
    return ImageFolder(
        root=root.path,
        classes=classes,
        files=files,
        folders=tuple(part.path for part in parts),
        beside=beside,
        warnings=(
            *layout_findings(root, dict(zip(classes, parts, strict=True)), left_out),
            *class_findings(counts),
        ),
    )


def _class_name(folder: Folder) -> str:
    try:
        folder.name.encode()
    except UnicodeEncodeError as error:
        raise SourceError(
            f"the name of the class folder {printable(folder.path)} is not UTF-8, and class names "
            "are stored as such: rename it"
        ) from error
    return unicodedata.normalize("NFC", folder.name)


def _empty(name: str, folder: Folder) -> str:
    left_out = folder.left_out()
    there = f", but {counted(left_out)}{advice(folder)}" if left_out else ""
    return (
        f"class {name!r} has no pictures in {printable(folder.path)}{there}: add some, or remove "
        "the folder if it is no class"
    )


def _relative(folder: Path, path: Path) -> str:
    """The name of a file in its class; Unicode's forms of one name are one name."""
    below = str(path)[len(str(folder)) :].lstrip(os.sep)  # a tenth of the time of relative_to
    return unicodedata.normalize("NFC", below.replace(os.sep, "/"))


def _order(folder: Path, path: Path) -> tuple[str, str]:
    return _relative(folder, path), str(path)


def _update_text(digest: hashlib._Hash, tag: bytes, text: str) -> None:
    data = os.fsencode(text) if any("\ud800" <= c <= "\udfff" for c in text) else text.encode()
    digest.update(tag + len(data).to_bytes(8, "little") + data)


def _file_sha256(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise SourceError(
            f"cannot read {printable(path)} ({error.strerror}): check the file"
        ) from error
