"""Trees of pictures as people keep them: links followed once, the debris of systems left aside.

What is no picture by name is counted by kind, so that nothing is left out without a word.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from ddcodec.errors import SourceError
from ddcodec.sources.archives.inside import Entry, InArchive
from ddcodec.sources.paths import printable
from ddcodec.sources.pictures import SUFFIXES

__all__ = ["Folder", "Place", "counted"]

# What operating systems, cloud drives, network drives and tools leave in folders.
_DEBRIS_FOLDERS = re.compile(
    r"__macosx|@eadir|#recycle|@recycle|\$recycle\.bin|#snapshot|@tmp|__pycache__|"
    r"lost\+found|found\.000|\.?@__thumb|system volume information|"
    r"\.(git|svn|hg|dvc|cache|config|venv|idea|vscode|huggingface|ipynb_checkpoints|thumbnails|"
    r"thumbs|appledouble|trash(es|-\d+)?|spotlight-v100|fseventsd|temporaryitems|zfs|snapshots?|"
    r"documentrevisions-v100|picasaoriginals|stfolder|stversions|sync|dropbox\.cache|"
    r"tmp\.drive(down|up)load)"
)
_DEBRIS_FILES = re.compile(
    r"\._.*|\.ds_store|(eh)?thumbs(_vista)?\.db|desktop\.ini|icon\r|\.directory|\.?picasa\.ini|"
    r"zbthumbnail\.info|\.(git\w+|nomedia|localized|apdisk|dropbox|keep|placeholder|npmignore)|"
    r"synofile_thumb_.*|\.nfs[0-9a-f]+",
    re.DOTALL,
)


Place = Path | InArchive
"""Where a folder or a file of a tree is."""


class Folder:
    """One folder, listed when it is first looked at; names are in order, whatever the disk's is.

    Attributes:
        path: where it was found, links included; in an archive there are none.
        real: where it is.
        above: the real places of the folders above, to which no link is followed.
    """

    def __init__(self, path: Place, above: frozenset[str] | None = None) -> None:
        self.path = path
        self.real = os.path.realpath(path) if isinstance(path, Path) else str(path)
        if above is None:
            above = frozenset(map(str, Path(self.real).parents))
        self.above = above

    @property
    def name(self) -> str:
        """Its own name, as the disk spells it."""
        return self.path.name

    @cached_property
    def _entries(self) -> Sequence[os.DirEntry[str] | Entry]:
        if isinstance(self.path, InArchive):
            return self.path.entries()
        try:
            with os.scandir(self.path) as found:
                return sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise SourceError(
                f"cannot list {printable(self.path)} ({error.strerror}): check permissions"
            ) from error

    @cached_property
    def _folders(self) -> tuple[list[Folder], list[Folder]]:
        """Subfolders of this one, and those that are hidden by a dot."""
        seen, hidden = list[Folder](), list[Folder]()
        above = self.above | {self.real}
        # Real folders come first, so that a link to one of them is found to be known.
        for entry in sorted(filter(_is_folder, self._entries), key=lambda one: one.is_symlink()):
            if _DEBRIS_FOLDERS.fullmatch(entry.name.lower()):
                continue
            folder = Folder(self.path / entry.name, above)
            if folder.real not in above:
                (hidden if entry.name.startswith(".") else seen).append(folder)
        return seen, hidden

    @property
    def folders(self) -> list[Folder]:
        """Its subfolders, linked ones too."""
        return self._folders[0]

    @property
    def hidden(self) -> list[Folder]:
        """Subfolders that begin with a dot, and are no known debris."""
        return self._folders[1]

    @cached_property
    def _files(self) -> tuple[list[Place], Counter[str], list[Place]]:
        pictures, left_out, others = list[Place](), Counter[str](), list[Place]()
        for entry in self._entries:
            if _is_folder(entry) or _DEBRIS_FILES.fullmatch(entry.name.lower()):
                continue
            path: Place = self.path / entry.name
            suffix = os.path.splitext(entry.name)[1].lower()
            if not _holds(entry.is_file):
                left_out["broken link" if entry.is_symlink() else "no regular file"] += 1
            elif suffix not in SUFFIXES:
                left_out[suffix or "without a suffix"] += 1
                others.append(path)
            elif entry.name.startswith("."):
                left_out["hidden by a dot"] += 1
            else:
                pictures.append(path)
        return pictures, left_out, others

    @property
    def pictures(self) -> list[Place]:
        """Pictures directly in it, by name."""
        return self._files[0]

    @property
    def others(self) -> list[Place]:
        """Files directly in it that are no pictures by name, by name."""
        return self._files[2]

    def walk(self) -> Iterator[Folder]:
        """This folder and all below, each real one once: by name, and links after the rest."""
        seen, pending, linked = set[str](), [self], list[Folder]()
        while pending or linked:
            folder = pending.pop() if pending else linked.pop(0)
            if folder.real in seen:
                continue
            seen.add(folder.real)
            yield folder
            linked += [below for below in folder.folders if below.path.is_symlink()]
            pending += [below for below in reversed(folder.folders) if not below.path.is_symlink()]

    @cached_property
    def all_pictures(self) -> tuple[Place, ...]:
        """Pictures in it and below."""
        return tuple(path for folder in self.walk() for path in folder.pictures)

    @cached_property
    def parts(self) -> list[Folder]:
        """Its subfolders that hold pictures, at any depth."""
        return [folder for folder in self.folders if folder.holds_pictures]

    @cached_property
    def holds_pictures(self) -> bool:
        """Whether there are pictures in it or below."""
        return any(folder.pictures for folder in self.walk())

    def left_out(self) -> Counter[str]:
        """What is not read in it and below: suffix, or what else is the matter -> files."""
        total: Counter[str] = Counter()
        for folder in self.walk():
            total += folder._files[1]
            for hidden in folder.hidden if folder is not self else ():
                total["in a hidden folder"] += len(hidden.all_pictures)
        return +total

    def other_files(self) -> list[Place]:
        """Files in it and below that are no pictures by name."""
        return [path for folder in self.walk() for path in folder.others]


def counted(left_out: Counter[str]) -> str:
    """``3 .txt, 1 without a suffix``, the most frequent first.

    >>> counted(Counter({".txt": 3, ".heic": 1}))
    '3 .txt, 1 .heic'
    """
    most = sorted(left_out.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {printable(kind)}" for kind, count in most)


def _is_folder(entry: os.DirEntry[str] | Entry) -> bool:
    return _holds(entry.is_dir)


def _holds(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # a link to itself
        return False
