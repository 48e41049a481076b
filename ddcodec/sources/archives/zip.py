"""Zip archives."""

from __future__ import annotations

import lzma
import weakref
import zipfile
import zlib
from pathlib import Path
from typing import Any

from ddcodec.errors import SourceError
from ddcodec.sources.archives.inside import Archive, tidy
from ddcodec.sources.paths import printable
from ddcodec.sources.picture_file import DamagedFileError

__all__ = ["ZipArchive"]

_UTF8 = 0x800
_ENCRYPTED = 0x1
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    ValueError,
)


class ZipArchive(Archive):
    """A zip archive; its members are read where they are.

    Raises:
        SourceError: it is damaged, or encrypted.
    """

    def __init__(self, path: Path) -> None:
        place = printable(path)
        self._path = path
        self._open()
        self._members: dict[str, zipfile.ZipInfo] = {}
        twice = 0
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        # Some tools of Windows write its separator, against the specification.
        windows = not any("/" in info.filename for info in infos)
        for info in infos:
            if info.flag_bits & _ENCRYPTED:
                raise SourceError(
                    f"{place} is encrypted: unpack it with its password, and give the folder"
                )
            name = _name(info)
            name = tidy((name.replace("\\", "/") if windows else name).split("/"))
            twice += name in self._members
            self._members[name] = info
        sizes = {name: info.file_size for name, info in self._members.items() if name}
        said = (f"{place} has {twice:,} names twice: the last of each was taken",) if twice else ()
        super().__init__(place, sizes, {}, said)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_zip"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()  # a worker reads the file by itself

    def _open(self) -> None:
        try:
            self._zip = zipfile.ZipFile(self._path)
        except (*_DAMAGE, OSError) as error:
            raise SourceError(
                f"{printable(self._path)} is a zip archive that is damaged or not all there "
                f"({error}): get it again"
            ) from error
        weakref.finalize(self, self._zip.close)

    def read(self, name: str) -> bytes:
        """The content of a member; its checksum is compared."""
        info = self._members[name]
        try:
            with self._zip.open(info) as stream:
                # No more than the size that is declared, and bounded, whatever it unpacks to.
                data = stream.read(info.file_size)
                stream.read(1)  # at the end, the checksum is compared
        except _DAMAGE as error:
            raise DamagedFileError(str(error) or type(error).__name__) from error
        if len(data) != info.file_size:
            raise DamagedFileError("it holds less than the archive says")
        return data


def _name(info: zipfile.ZipInfo) -> str:
    """The name of a member; tools that forget to say that it is UTF-8 write so nevertheless."""
    if info.flag_bits & _UTF8 or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename
