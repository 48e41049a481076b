"""An image folder: one subfolder per class, pictures inside.

Class order is the order of the names and file order the order of the relative names, so the
same folder gives the same class indices on every machine and file system.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from ddcodec.errors import SourceError
from ddcodec.sources.findings import class_findings, layout_findings
from ddcodec.sources.layout import check_folder, find_classes
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.mistaken import advice
from ddcodec.sources.paths import printable
from ddcodec.sources.picture_file import PictureFile
from ddcodec.sources.splits import Role
from ddcodec.sources.tree import Folder, Place, counted

__all__ = ["ImageFolder", "TreeSource", "scan", "scan_tree"]


@dataclass(frozen=True, kw_only=True)
class TreeSource(ListedSource):
    """A tree of pictures, on the disk or in an archive, whose folders are the classes.

    Attributes:
        root: the folder of the classes.
        folders: the folder of each class.
        beside: folders with pictures that were passed by, such as a test split.
    """

    root: Place
    folders: tuple[Place, ...]
    beside: tuple[Place, ...] = ()

    def names(self, class_index: int) -> tuple[str, ...]:
        """Relative POSIX names of a class's files, in order and in Unicode's form NFC."""
        folder = self.folders[class_index]
        return tuple(_relative(folder, path) for path in self.files[class_index])

    def with_classes(self, indices: Sequence[int]) -> Self:
        """Some of the classes, in another order."""
        chosen = super().with_classes(indices)
        return replace(chosen, folders=tuple(self.folders[c] for c in indices))


@dataclass(frozen=True, kw_only=True)
class ImageFolder(TreeSource):
    """An image folder: ``classes`` sorted by name, ``files[c]`` sorted by relative POSIX name."""

    files: tuple[tuple[Path, ...], ...]
    root: Path
    folders: tuple[Path, ...]


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
    check_folder(Path(folder))
    return ImageFolder(**_scanned(Folder(Path(folder)), split))


def scan_tree(folder: Folder, split: Role = "train") -> TreeSource:
    """The same of a folder that is listed already, or of one in an archive.

    Raises: as :func:`scan`.
    """
    kind = ImageFolder if isinstance(folder.path, Path) else TreeSource
    return kind(**_scanned(folder, split))


def _scanned(folder: Folder, split: Role) -> dict[str, Any]:
    """The fields of the source that a tree is."""
    root, beside = find_classes(folder, split)
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
    unused = ", ".join(printable(path.name) for path in beside)
    return {
        "root": root.path,
        "classes": classes,
        "files": files,
        "folders": tuple(part.path for part in parts),
        "beside": beside,
        "place": printable(root.path) + (f" (not used: {unused})" if unused else ""),
        "warnings": (
            *layout_findings(root, dict(zip(classes, parts, strict=True)), left_out),
            *class_findings(counts),
        ),
    }


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


def _relative(folder: Place, path: PictureFile) -> str:
    """The name of a file in its class; Unicode's forms of one name are one name."""
    below = str(path)[len(str(folder)) :].lstrip(os.sep)  # a tenth of the time of relative_to
    return unicodedata.normalize("NFC", below.replace(os.sep, "/"))


def _order(folder: Place, path: PictureFile) -> tuple[str, str]:
    return _relative(folder, path), str(path)
