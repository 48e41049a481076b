"""Files of the same bytes in different classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from ddcodec.sources.picture_file import PictureFile, sha256_of

__all__ = ["shared_files"]

_HEAD = 4096
_Place = tuple[int, int]


def shared_files(files: Sequence[Sequence[PictureFile]]) -> tuple[tuple[_Place, ...], ...]:
    """Groups of files of the same bytes that are not all of one class.

    Files are told apart by size, then by their beginnings, and only what is left is read whole.
    Files that cannot be read are like no other.

    Args:
        files: files of each class.

    Returns:
        The places of each group, (class, number), in order.
    """
    groups: list[list[_Place]] = [[(c, n) for c in range(len(files)) for n in range(len(files[c]))]]
    for key in (_size, _beginning, _whole):
        groups = [group for wider in groups for group in _alike(wider, files, key)]
    return tuple(map(tuple, sorted(groups)))


def _alike(
    places: Iterable[_Place],
    files: Sequence[Sequence[PictureFile]],
    key: Callable[[PictureFile], Hashable],
) -> list[list[_Place]]:
    """Places whose files have the same key, where they are of more than one class."""
    groups = defaultdict[Hashable, list[_Place]](list)
    for place in places:
        try:
            groups[key(files[place[0]][place[1]])].append(place)
        except OSError:
            continue
    return [group for group in groups.values() if len({c for c, _ in group}) > 1]


def _size(path: PictureFile) -> int:
    size = path.stat().st_size
    if not size:
        raise OSError("an empty file is no picture")
    return size


def _beginning(path: PictureFile) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_HEAD)


def _whole(path: PictureFile) -> bytes:
    return sha256_of(path)
