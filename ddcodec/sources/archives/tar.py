"""Tar archives, plain and compressed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Literal, NamedTuple, Self, cast

import zstandard

from ddcodec.errors import SourceError
from ddcodec.sources.archives.inside import Archive, tidy
from ddcodec.sources.paths import printable
from ddcodec.sources.picture_file import MAX_FILE_BYTES
from ddcodec.sources.spool import ByteRanges, Spool

__all__ = ["TarArchive", "first_names"]

_MAX_HEADER = 1 << 20
# No set of pictures shrinks to less than a thousandth; what does is made to fill disks.
_MOST_TIMES, _ALWAYS = 1000, 1 << 30
_HOPS = 8
_LONG = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
_LONG_NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_DAMAGE = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError)
_OPENERS: Mapping[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda stream: cast(IO[bytes], gzip.GzipFile(fileobj=stream)),
    b"\xfd7zXZ\0": lambda stream: cast(IO[bytes], lzma.LZMAFile(stream)),  # noqa: SIM115
    b"BZh": lambda stream: cast(IO[bytes], bz2.BZ2File(stream)),
    b"(\xb5/\xfd": lambda stream: cast(
        IO[bytes], zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
    ),
}


def first_names(path: Path, count: int) -> list[str]:
    """The names of the first members of a plain tar archive; none of anything else."""
    try:
        with tarfile.open(path, "r:", tarinfo=_Header, encoding="utf-8") as tar:
            return [tidy(info.name.split("/")) for info in islice(_each(tar), count)]
    except _DAMAGE:
        return []


class _Range(NamedTuple):
    offset: int
    size: int


class TarArchive(Archive):
    """A tar archive. A plain one is read where it is; of a compressed one, which can only be read
    from its beginning, the members are copied to a :class:`Spool`.

    Raises:
        SourceError: it is damaged, no tar archive, or would fill the disk.
    """

    def __init__(self, path: Path) -> None:
        place = printable(path)
        self._at: dict[str, _Range] = {}
        self._ranges: ByteRanges
        links: dict[str, str] = {}
        unreadable: dict[str, Literal["link", "other"]] = {}
        twice = 0
        with _errors(place):
            for name, info, at in self._members(path, place):
                twice += name in self._at or name in links
                if at is not None:
                    self._at[name] = at
                    links.pop(name, None)
                elif info.issym() or info.islnk():
                    links[name] = _target(name, info)
                    self._at.pop(name, None)
                elif not info.isdir():
                    unreadable[name] = "other"
        for name in links:
            found = self._at.get(_followed(name, links))
            if found is None:
                unreadable[name] = "link"
            else:
                self._at[name] = found
        said = (f"{place} has {twice:,} names twice: the last of each was taken",) if twice else ()
        super().__init__(place, {name: at.size for name, at in self._at.items()}, unreadable, said)

    def read(self, name: str) -> bytes:
        """The content of a member."""
        return self._ranges.read(*self._at[name])

    def _members(
        self, path: Path, place: str
    ) -> Iterator[tuple[str, tarfile.TarInfo, _Range | None]]:
        """(name, header, where its content is now) of every member, in order."""
        opener = _opener(path)
        if opener is None:
            self._ranges = ByteRanges(path, place)
            with tarfile.open(path, "r:", tarinfo=_Header, encoding="utf-8") as tar:
                for info in _each(tar):
                    at = _Range(info.offset_data, info.size) if _is_plain(info) else None
                    yield tidy(info.name.split("/")), info, at
            return
        spool = self._ranges = Spool(place)
        with path.open("rb") as file, opener(file) as plain:
            stream = cast(IO[bytes], _Bounded(plain, path.stat().st_size, place))
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header, encoding="utf-8") as tar:
                for info in _each(tar):
                    name = tidy(info.name.split("/"))
                    yield name, info, _copied(tar, info, spool, f"{place}, {printable(name)}")


class _Header(tarfile.TarInfo):
    """A header that ends the reading where it is damaged, which the library takes for the end."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(str(error)) from error

    def _proc_member(self, tar: tarfile.TarFile) -> Self:
        # The library reads names and attributes of any length into memory.
        if self.type in (*_LONG, *_LONG_NAMES) and self.size > _MAX_HEADER:
            raise tarfile.ReadError(f"a name or attribute of {self.size:,} bytes")
        return cast(Self, super()._proc_member(tar))  # type: ignore[misc]


class _Bounded:
    """A decompressed stream that ends with an error where it is a bomb."""

    def __init__(self, stream: IO[bytes], packed: int, place: str) -> None:
        self._stream, self._place = stream, place
        self._left = _ALWAYS + _MOST_TIMES * packed

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise SourceError(
                f"{self._place} unpacks to more than {_MOST_TIMES:,} times its size, which no set "
                "of pictures does: it was not read to its end"
            )
        return data


def _each(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Headers one by one; the library would keep them all."""
    while (info := tar.next()) is not None:
        tar.members.clear()  # type: ignore[attr-defined]
        yield info


def _is_plain(info: tarfile.TarInfo) -> bool:
    return info.isreg() and not info.issparse()


def _copied(tar: tarfile.TarFile, info: tarfile.TarInfo, spool: Spool, name: str) -> _Range | None:
    """Copy a member to the spool, where it is a file."""
    if not _is_plain(info):
        return None
    if info.size > MAX_FILE_BYTES:
        raise SourceError(
            f"{name} has {info.size:,} bytes, more than the {MAX_FILE_BYTES:,} that a picture may "
            "have: unpack the archive, and give the folder"
        )
    stream = tar.extractfile(info)
    assert stream is not None, "a regular file"
    data = stream.read()
    if len(data) != info.size:
        raise tarfile.ReadError("unexpected end of data")
    return _Range(spool.append(data), info.size)


def _target(name: str, info: tarfile.TarInfo) -> str:
    """The name that a link leads to: hard ones name members, others are relative."""
    folder = "" if info.islnk() else posixpath.dirname(name)
    return tidy(posixpath.normpath(posixpath.join(folder, info.linkname)).split("/"))


def _followed(name: str, links: Mapping[str, str]) -> str:
    for _ in range(_HOPS):
        if name not in links:
            return name
        name = links[name]
    return ""


def _opener(path: Path) -> Callable[[IO[bytes]], IO[bytes]] | None:
    with path.open("rb") as stream:
        head = stream.read(8)
    return next((opener for magic, opener in _OPENERS.items() if head.startswith(magic)), None)


@contextmanager
def _errors(place: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SourceError(
            f"{place} is no tar archive, or one that is damaged or not all there ({why}): get it "
            "again"
        ) from error
