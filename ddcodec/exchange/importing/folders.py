"""Folders of pictures: RDED, SRe2L, CDA, D4M, Minimax, IGD, decoded artifacts and any other.

Read in RDED's synthesize/main.py (3f6453d), SRe2L (8d00cba), D4M (da35d10), Minimax (969fc6f).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.folder import MANIFEST
from ddcodec.exchange.folder import SCHEMA as DECODED
from ddcodec.exchange.importing.base import Format, Found, Wanted
from ddcodec.exchange.importing.place import Place
from ddcodec.files import read_json
from ddcodec.imagenet import is_wordnet_id
from ddcodec.sources.folder import ImageFolder
from ddcodec.sources.paths import printable

__all__ = ["FORMATS", "in_order", "natural"]

_RDED = re.compile(r"\d{5}"), re.compile(r"class\d{5}_id\d{5}\.jpe?g")
_SRE2L = re.compile(r"new\d{3,}"), re.compile(r"class\d{3,}_id\d{3,}\.(jpe?g|png)")
_NUMBER = re.compile(r"(?:new)?(\d+)", re.ASCII)
_SHOWN = 5


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts numbers in names by value: 2 before 10.

    >>> sorted(["10.png", "2.png"], key=natural)
    ['2.png', '10.png']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)


def in_order(folder: ImageFolder, order: Sequence[int], names: Sequence[str]) -> ImageFolder:
    """The same pictures with classes in another order, called otherwise; files by number.

    Args:
        order: for each class, the index of its folder now.
        names: what to call each class.
    """
    files = [
        sorted(folder.files[c], key=lambda path, base=folder.folders[c]: _key(base, path))  # type: ignore[misc]
        for c in order
    ]
    return replace(
        folder,
        classes=tuple(names),
        files=tuple(map(tuple, files)),
        folders=tuple(folder.folders[c] for c in order),
    )


def _key(base: Path, path: Path) -> tuple[tuple[int, str], ...]:
    return natural(path.relative_to(base).as_posix())


def _alike(place: Place, folder: re.Pattern[str], file: re.Pattern[str]) -> str | None:
    if not place.holds_pictures():
        return None
    found = place.pictures
    files = all(file.fullmatch(path.name) for paths in found.files for path in paths)
    if not files or not all(folder.fullmatch(name) for name in found.classes):
        return None
    return f"{found.classes[0]}/{found.files[0][0].name}"


def _fits_d4m(place: Place) -> str | None:
    if not place.holds_pictures() or _fits_rded(place):
        return None
    names = place.pictures.classes
    return f"folders called {names[0]}" if all(map(_is_plain_number, names)) else None


def _is_plain_number(name: str) -> bool:
    return name.isascii() and name.isdecimal()


def _fits_wordnet(place: Place) -> str | None:
    if not place.holds_pictures() or _is_decoded(place):
        return None
    names = place.pictures.classes
    return f"folders called {names[0]}" if all(map(is_wordnet_id, names)) else None


def _fits_folder(place: Place) -> str | None:
    special = (_fits_rded, _fits_sre2l, _fits_d4m, _fits_wordnet, _fits_decoded)
    if not place.holds_pictures() or any(fits(place) for fits in special):
        return None
    return f"{len(place.pictures.classes)} folders of pictures"


_fits_rded = partial(_alike, folder=_RDED[0], file=_RDED[1])
_fits_sre2l = partial(_alike, folder=_SRE2L[0], file=_SRE2L[1])


def _read(place: Place, wanted: Wanted) -> Found:
    """Classes by the number that a folder is called, or else by name."""
    found = place.pictures
    numbers = [_NUMBER.fullmatch(name) for name in found.classes]
    if not all(numbers):
        pictures = in_order(found, range(len(found.classes)), found.classes)
        return Found((found.place,), pictures, names=found.classes, warnings=found.warnings)
    values = [int(match[1]) for match in numbers if match]
    missing = sorted({*range(len(values))} - {*values})
    if missing:
        some = ", ".join(map(str, missing[:_SHOWN])) + (", ..." if len(missing) > _SHOWN else "")
        raise SourceError(
            f"the class folders of {printable(found.root)} are numbers, and those of classes "
            f"{some} are not there (highest: {max(values)}): get the whole set, or give the "
            "folders names of classes"
        )
    order = sorted(range(len(values)), key=values.__getitem__)
    warned = list(found.warnings)
    if order != list(range(len(order))):
        first = next(n for n, c in enumerate(order) if n != c)
        warned.append(
            "class folders are numbers that do not sort as text: they are taken as numbers, and a "
            f"loader that sorts names takes {found.classes[first]!r} for class {first}; labels "
            "that were made with one belong to other classes"
        )
    pictures = in_order(found, order, [str(n) for n in range(len(order))])
    return Found((found.place,), pictures, warnings=tuple(warned))


def _fits_decoded(place: Place) -> str | None:
    return MANIFEST if _is_decoded(place) else None


def _is_decoded(place: Place) -> bool:
    if place.file is not None or MANIFEST not in place.beside:
        return False
    try:
        return read_json(place.at(MANIFEST)).get("schema") == DECODED
    except (OSError, ValueError):
        return False


def _read_decoded(place: Place, wanted: Wanted) -> Found:
    manifest, found = read_json(place.at(MANIFEST)), place.pictures
    names: Any = manifest.get("classes")
    folders: Any = manifest.get("folders")
    if manifest.get("views") != 1:
        raise RequestError(
            f"{printable(place.path)} holds several views of each image: decode the images alone, "
            "which is one view, and import these"
        )
    listed = isinstance(names, list) and isinstance(folders, list)
    if not listed or len(names) != len(folders) or {*map(str, folders)} != {*found.classes}:
        raise SourceError(
            f"{printable(place.at(MANIFEST))} names other classes than there are folders: decode "
            "the artifact again"
        )
    order = [found.classes.index(name) for name in folders]
    recipe = {"decoded_from": str(manifest.get("digest"))}
    left = ("labels.npz is left aside: the artifact that was decoded has these labels",)
    pictures = in_order(found, order, names)
    return Found((found.place,), pictures, names=tuple(names), recipe=recipe, warnings=left)


FORMATS = (
    Format("rded", "RDED: 00000/class00000_id00000.jpg; no labels.", _fits_rded, _read),
    Format("sre2l", "SRe2L, CDA: new000/class000_id000.jpg; their pictures.", _fits_sre2l, _read),
    Format("d4m", "D4M: folders 0, 1, 10, ... of PNG files.", _fits_d4m, _read),
    Format("wordnet", "Minimax, IGD: a folder for each WordNet id.", _fits_wordnet, _read),
    Format("decoded", "A folder that ddcodec has decoded.", _fits_decoded, _read_decoded),
    Format("folder", "Any folder with a subfolder of pictures per class.", _fits_folder, _read),
)
