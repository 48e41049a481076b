"""Messages about other things than a folder of pictures, each with the way from there."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from ddcodec.sources.archives.inside import InArchive
from ddcodec.sources.kinds import CIFAR, Kind, kind_of, kind_of_files
from ddcodec.sources.paths import printable
from ddcodec.sources.tree import Folder, Place, counted

__all__ = ["advice", "no_folder", "no_pictures"]

_SHOWN = 5
_PAGE = 'the page "Quickstart" of the documentation has the lines for it'


def no_folder(folder: Path) -> str:
    """Why what was given is no folder, and what to do."""
    text = str(folder)
    if folder.exists():
        return _is_a_file(folder)
    if "://" in text or re.match(r"(https?|hf|s3|gs):/", text):
        text = re.sub(r":/+", "://", text, count=1)  # of which a path has lost a slash
        return (
            f"{text} is an address that is not read: fetch the pictures, and give their folder or "
            "archive; data sets of the hub are written hf://datasets/OWNER/NAME"
        )
    close = _close(folder)
    if close is not None:
        return f"no such folder: {printable(folder)}; did you mean {printable(close)}?"
    if re.fullmatch(r"[\w.-]+/[\w.-]+", text) and not folder.parent.exists():
        return f"no such folder: {text}; if it is a data set of the hub, write hf://datasets/{text}"
    return f"no such folder: {printable(folder)}; give the folder with a subfolder per class"


def _close(folder: Path) -> Path | None:
    """A folder beside whose name is much like the one that was given."""
    try:
        beside = [path.name for path in folder.absolute().parent.iterdir() if path.is_dir()]
    except OSError:
        return None
    lower = {name.lower(): name for name in beside}
    close = difflib.get_close_matches(folder.name.lower(), lower, n=1, cutoff=0.75)
    return folder.with_name(lower[close[0]]) if close else None


def _is_a_file(path: Path) -> str:
    try:
        kind = kind_of(path) if path.is_file() else Kind("a device or a pipe")
    except OSError as error:
        return f"cannot read {printable(path)} ({error.strerror}): check the permissions"
    return f"{printable(path)} is {_what_and_way(path, kind)}"


def _what_and_way(path: Place, kind: Kind | None) -> str:
    if isinstance(path, InArchive) and kind is not None:
        return f"{kind.text}: unpack the archive, and give the folder or the file in it"
    if isinstance(path, InArchive) or kind is None:
        return "a file, not a folder: give the folder with a subfolder per class"
    if kind.reader:
        return f"{kind.text}, which is read as it is: give {printable(path)}"
    if kind.family == "archive":
        stem = path.name.split(".")[0]
        bare = stem if stem not in ("", path.name) else f"{path.name}-unpacked"
        name, folder = printable(path), printable(path.with_name(bare))
        command = kind.unpack.format(file=_quoted(name), folder=_quoted(folder))
        if "{folder}" in kind.unpack:
            return f"{kind.text}: unpack it (`{command}`), then give the folder {folder}"
        return f"{kind.text}: unpack it (`{command}`), and then what is in it"
    if kind.text.endswith(CIFAR):
        return f"{kind.text}: give the folder or the archive of all its files"
    if kind.family == "table":
        return f"{kind.text}, not a folder: write its pictures as files, CLASS/NUMBER.png; {_PAGE}"
    if kind.family == "artifact":
        return "a .ddz artifact already: decode it, and give the folder of its pictures"
    if kind.family == "picture":
        return f"{kind.text}, not a folder: give the folder with a subfolder per class"
    return f"{kind.text}, not a folder of pictures: give the folder with a subfolder per class"


def no_pictures(root: Folder) -> str:
    """What a folder holds in the place of pictures, and what to do."""
    others, left_out = root.other_files(), root.left_out()
    if not left_out:
        return (
            f"{printable(root.path)} has no class subfolders with pictures: give the folder with a "
            "subfolder per class, pictures inside"
        )
    kept = f"{printable(root.path)} holds no pictures by name, but {_by_folder(root)}"
    kind = kind_of_files(others[:20])
    if kind is not None:
        path = next(other for other in others if kind_of_files([other]) == kind)
        return f"{kept}; {printable(path)} is {_what_and_way(path, kind)}"
    return f"{kept}{advice(root)}: give the folder with a subfolder per class, pictures inside"


def _by_folder(root: Folder) -> str:
    """What there is in the place of pictures, for a few of the folders."""
    if not root.folders:
        return counted(root.left_out())
    listed = [
        f"{counted(folder.left_out()) or 'nothing'} in {printable(folder.name)}"
        for folder in root.folders[:_SHOWN]
    ]
    return "; ".join(listed)


def advice(folder: Folder) -> str:
    """What the files that were left out are by content, where they are pictures after all."""
    one_of_each = {path.suffix.lower(): path for path in reversed(folder.other_files())}
    for _, path in sorted(one_of_each.items()):
        try:
            kind = kind_of(path)
        except OSError:
            continue
        if kind is not None and kind.family == "picture":
            way = "save it as PNG or JPEG" if path.suffix else "give it the suffix of its kind"
            return f" ({printable(path.name)} is {kind.text}: {way})"
    return ""


def _quoted(text: str) -> str:
    return f"'{text}'" if re.search(r"[^\w./-]", text) else text
