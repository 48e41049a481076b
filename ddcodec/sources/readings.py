"""Ways to read a place on the disk as pictures with classes, found by what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ddcodec.errors import RequestError
from ddcodec.sources.archives.inside import SEPARATOR, Archive, InArchive
from ddcodec.sources.archives.shards import is_shard, shard_source
from ddcodec.sources.archives.tar import TarArchive, first_names
from ddcodec.sources.archives.zip import ZipArchive
from ddcodec.sources.folder import scan_tree
from ddcodec.sources.kinds import kind_of
from ddcodec.sources.layout import training_split
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.paths import printable
from ddcodec.sources.picture_file import PictureFile
from ddcodec.sources.splits import Role, split_place, training_split_of
from ddcodec.sources.tables.cifar import CifarLayout, cifar_layouts, cifar_source
from ddcodec.sources.tables.npz import npz_source, npz_splits
from ddcodec.sources.tables.parquet import parquet_source
from ddcodec.sources.tables.split_files import DEFAULT, Splits, chosen_files, from_paths
from ddcodec.sources.tree import Folder

__all__ = ["Reading", "file_readings", "folder_readings", "list_reading"]

# So many members of a tar archive tell whether it is a shard.
_FIRST = 64


@dataclass(frozen=True)
class Reading:
    """One way to read a place.

    Attributes:
        text: what it is then, for people.
        open: gives the source, of a role or of the part that the user named, and of the columns
            that the user named.
        training: gives the part that is for training, where there is one: its name; or, of a folder
            on the disk, its path, which may also be beside it.
    """

    text: str
    open: Callable[[Role, str | None, Mapping[str, str]], ListedSource]
    training: Callable[[], str | Path | None]


def folder_readings(path: Path) -> list[Reading]:
    """What a folder on the disk can be read as.

    Raises:
        SourceError: it cannot be listed.
    """
    root = Folder(path)
    others = [one for one in root.other_files() if isinstance(one, Path)]
    names = {one.relative_to(path).as_posix(): one for one in others}
    tables = {name: one for name, one in names.items() if name.endswith(".parquet")}
    shards = {name: one for name, one in names.items() if name.endswith(".tar")}
    place, found = printable(path), list(_cifar_readings(root))
    if tables:
        configs = from_paths(list(tables))
        read = partial(_open_parquet, configs, tables, place)
        found.append(Reading(f"{len(tables)} Parquet files", read, partial(_training, configs)))
    if any(is_shard(first_names(one, _FIRST)) for one in shards.values()):
        configs = from_paths(list(shards))
        read = partial(_open_shards, configs, shards, place)
        text = f"{len(shards)} shards of WebDataset"
        found.append(Reading(text, read, partial(_training, configs)))
    # One without pictures is refused by the reading of trees, which says what there is instead.
    if root.holds_pictures or not found:
        found.append(_tree_reading(root, "a folder of pictures"))
    return found


def file_readings(path: Path) -> list[Reading]:
    """What a file can be read as.

    Raises:
        SourceError: it is damaged.
        OSError: it cannot be read.
    """
    kind = kind_of(path)
    place = printable(path)
    match "" if kind is None else kind.reader:
        case "zip":
            return _archive_readings(ZipArchive(path), path)
        case "tar":
            return _archive_readings(TarArchive(path), path)
        case "npz":
            splits = npz_splits(path)
            read = partial(_open_npz, path)
            return [Reading("an NPZ file", read, lambda: training_split_of(list(splits)))]
        case "parquet":
            return [list_reading([path], place)]
    return []


def list_reading(paths: Sequence[Path], place: str) -> Reading:
    """Files that are one data set together: shards, or Parquet files.

    Raises:
        RequestError: they are of other kinds.
        OSError: one cannot be read.
    """
    names = {str(path): path for path in paths}
    splits: Mapping[str, Splits] = {DEFAULT: {"": list(names)}}
    kinds = {"" if (kind := kind_of(path)) is None else kind.reader for path in paths}
    if kinds == {"parquet"}:
        return Reading("Parquet", partial(_open_parquet, splits, names, place), lambda: None)
    if kinds <= {"tar", "zip"}:
        return Reading("shards", partial(_open_shards, splits, names, place), lambda: None)
    raise RequestError(
        f"{place} are neither shards of WebDataset nor Parquet files: give files of one data set"
    )


def _archive_readings(archive: Archive, path: Path) -> list[Reading]:
    if is_shard(archive.sizes):
        read = partial(_open_shard, archive, path)
        return [Reading("a shard of WebDataset", read, lambda: None)]
    root = Folder(archive.root)
    found = list(_cifar_readings(root))
    if root.holds_pictures or not found:
        found.append(_tree_reading(root, "an archive of folders of pictures"))
    return found


def _tree_reading(root: Folder, text: str) -> Reading:
    def read(role: Role, inner: str | None, asked: Mapping[str, str]) -> ListedSource:
        _no_columns(asked, str(root.path))
        found = scan_tree(root if inner is None else _inner(root, inner), role)
        odd = root.path.archive.warnings if isinstance(root.path, InArchive) else ()
        return replace(found, warnings=(*odd, *found.warnings)) if odd else found

    return Reading(text, read, partial(_training_folder, root))


def _training_folder(root: Folder) -> str | Path | None:
    if isinstance(root.path, InArchive):
        found = training_split(_innermost(root))
        return found.inner if isinstance(found, InArchive) else None
    place = root.path.resolve()
    for above in (place, place.parent):
        beside = training_split(Folder(above))
        if isinstance(beside, Path) and beside != place:
            return beside
    return None


def _innermost(root: Folder) -> Folder:
    """The first folder that holds more than another folder."""
    while not root.others and not root.pictures and len(root.folders) == 1:
        (root,) = root.folders
    return root


def _inner(root: Folder, name: str) -> Folder:
    """A folder in an archive, by its name there."""
    place = printable(root.path)
    if not isinstance(root.path, InArchive):
        raise RequestError(
            f"{place} is a folder: give the one that you mean in it, {printable(Path(place, name))}"
        )
    archive, wanted = root.path.archive, name.strip("/")
    if archive.holds(wanted):
        return Folder(InArchive(archive, wanted))
    inside = [str(one.path) for one in root.walk() if f"/{one.path}".endswith(f"/{wanted}")]
    near = (
        f"did you mean {printable(inside[0])}"
        if inside
        else "it has " + ", ".join(printable(folder.name) for folder in root.folders[:12])
    )
    raise RequestError(f"{place} has no folder {name!r}: {near}")


def _cifar_readings(root: Folder) -> Iterator[Reading]:
    """Of CIFAR's files, directly in a folder or in the only one there."""
    root = _innermost(root)
    files: dict[str, PictureFile] = {one.name: one for one in root.others}
    for layout in cifar_layouts(files.keys()):
        read = partial(_open_cifar, layout, files, printable(root.path))
        yield Reading(layout.text, read, lambda: "train")


def _open_cifar(
    layout: CifarLayout,
    files: Mapping[str, PictureFile],
    place: str,
    role: Role,
    inner: str | None,
    asked: Mapping[str, str],
) -> ListedSource:
    _no_columns(asked, place)
    return cifar_source(layout, files, place, role, inner)


def _open_npz(path: Path, role: Role, inner: str | None, asked: Mapping[str, str]) -> ListedSource:
    _no_columns(asked, printable(path))
    return npz_source(path, role, inner)


def _open_parquet(
    configs: Mapping[str, Splits],
    files: Mapping[str, Path],
    place: str,
    role: Role,
    inner: str | None,
    asked: Mapping[str, str],
) -> ListedSource:
    chosen = chosen_files(configs, inner.split("/") if inner else (), role, place)
    named = split_place(place, chosen.split, [chosen.split, *chosen.others])
    return parquet_source({name: files[name] for name in chosen.files}, named, asked)


def _open_shards(
    configs: Mapping[str, Splits],
    files: Mapping[str, Path],
    place: str,
    role: Role,
    inner: str | None,
    asked: Mapping[str, str],
) -> ListedSource:
    _no_columns(asked, place)
    chosen = chosen_files(configs, inner.split("/") if inner else (), role, place)
    paths = [files[name] for name in chosen.files]
    named = split_place(place, chosen.split, [chosen.split, *chosen.others])
    return shard_source([TarArchive(path) for path in paths], named, _beside(paths[0]))


def _open_shard(
    archive: Archive, path: Path, role: Role, inner: str | None, asked: Mapping[str, str]
) -> ListedSource:
    _no_columns(asked, archive.place)
    if inner is not None:
        raise RequestError(f"{archive.place} is one shard, which has no part {inner!r}")
    return shard_source([archive], archive.place, _beside(path))


def _beside(path: Path) -> dict[str, Path]:
    return {one.name: one for one in path.absolute().parent.iterdir() if one.is_file()}


def _training(configs: Mapping[str, Splits]) -> str | None:
    splits = configs.get(DEFAULT, next(iter(configs.values()))) if len(configs) == 1 else {}
    return training_split_of(list(splits))


def _no_columns(asked: Mapping[str, str], place: str) -> None:
    if asked:
        raise RequestError(
            f"{place} has no columns to be named, as {SEPARATOR.join(asked)} is: leave out what "
            "stands after the question mark"
        )
