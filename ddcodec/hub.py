"""The Hugging Face hub: what a repository holds, what of it is here, and how the rest is fetched.

Nothing is fetched before it is known how much it is, and that it fits the disk. Files go to the
hub library's own cache: those that are there are not fetched again, and a run that was stopped goes
on with the files that are missing.
"""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from ddcodec.arrays import Progress
from ddcodec.errors import DecodeError, RequestError

__all__ = [
    "HubUnreachableError",
    "Repository",
    "cached_folder",
    "cached_names",
    "fetch",
    "is_hub_id",
    "kept_repository",
    "licence_of",
    "look_up",
    "size_text",
]

_HUB_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SPARE = 64 << 20  # bytes of the disk that are left free
_MEGA = 1_000_000
# A licence that the hub has no name for is called "other", and named by the first field.
_LICENCE = ("license_name", "license")
_CARD = "README.md"


RepositoryKind = Literal["model", "dataset"]


class HubUnreachableError(DecodeError):
    """There is no network, the hub is down, or it is switched off: only the cache can help."""


@dataclass(frozen=True)
class Repository:
    """A repository at one commit.

    Attributes:
        name: ``owner/name``.
        revision: the branch, tag or commit that was asked for; None for the default branch.
        commit: the commit that this is, 40 hex digits.
        files: path -> bytes.
        licence: the field of its card, if there is one.
        kind: model or dataset.
        configs: of a data set, as its card lists them; None where it does not.
    """

    name: str
    revision: str | None
    commit: str
    files: Mapping[str, int]
    licence: str | None
    kind: RepositoryKind = "model"
    configs: Any = None

    def cached(self, path: str) -> bool:
        """Whether a file of it is on this machine."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.name, path, revision=self.commit, repo_type=self.kind)
        return isinstance(found, str)

    def missing(self, paths: Collection[str]) -> dict[str, int]:
        """Those of these files that are not on this machine -> bytes."""
        return {path: self.files[path] for path in paths if not self.cached(path)}


def is_hub_id(name: str) -> bool:
    """Whether a name has the form ``owner/name``.

    >>> is_hub_id("owner/name"), is_hub_id("a/b/c"), is_hub_id("/etc")
    (True, False, False)
    """
    return _HUB_ID.fullmatch(name) is not None


def size_text(size: int) -> str:
    """Bytes for people.

    >>> size_text(6_938_000_000), size_text(14_200_000), size_text(1_200)
    ('6.94 GB', '14 MB', '2 kB')
    """
    if size >= 1000 * _MEGA:
        return f"{size / (1000 * _MEGA):.2f} GB"
    return f"{size / _MEGA:.0f} MB" if size >= _MEGA else f"{-(-size // 1000)} kB"


def look_up(name: str, revision: str | None, kind: RepositoryKind = "model") -> Repository:
    """Ask the hub what a repository holds; fetches no file.

    Args:
        name: ``owner/name``.
        revision: a branch, tag or commit; None for the default branch.
        kind: model or dataset.

    Raises:
        HubUnreachableError: it cannot be asked.
        RequestError: there is no such repository or revision.
        DecodeError: it may not be read.
    """
    from huggingface_hub import HfApi

    with _errors(name, revision):
        api = HfApi()
        ask = api.model_info if kind == "model" else api.dataset_info
        info = ask(name, revision=revision, files_metadata=True)
    card = {key: getattr(info.card_data, key, None) for key in _LICENCE}
    return Repository(
        name=name,
        revision=revision,
        commit=str(info.sha),
        files={one.rfilename: one.size or 0 for one in info.siblings or ()},
        licence=_licence(card),
        kind=kind,
        configs=getattr(info.card_data, "configs", None),
    )


def licence_of(card: Path) -> str | None:
    """The licence that a model card states at its head, if there is one and it can be read."""
    try:
        text = card.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    head = re.match(r"---\n(.*?)\n---", text, re.DOTALL)
    stated = re.findall(r"^(license(?:_name)?): *(\S.*?) *$", head[1] if head else "", re.MULTILINE)
    return _licence(dict(stated))


def _licence(card: Mapping[str, Any]) -> str | None:
    found = next((card[key] for key in _LICENCE if card.get(key)), None)
    return found if isinstance(found, str) else None


def cached_folder(name: str, revision: str | None, file: str) -> Path | None:
    """The snapshot on this machine, whole or in part, if it has a certain file; asks nobody."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, file, revision=revision)
    return Path(found).parents[file.count("/")] if isinstance(found, str) else None


def kept_repository(name: str, revision: str | None, kind: RepositoryKind) -> Repository | None:
    """A repository as it was when it was last fetched from; asks nobody. None of a new one.

    Args:
        name, revision, kind: as of :func:`look_up`.
    """
    try:
        from huggingface_hub import DatasetCard, get_cached_repo_tree, snapshot_download
        from huggingface_hub.errors import CachedRepoTreeNotFoundError, LocalEntryNotFoundError
    except ImportError:  # older versions of the library keep no lists
        return None
    try:
        # Asked for its card alone, as a snapshot that lacks files is none to the library.
        folder = snapshot_download(
            name,
            revision=revision,
            repo_type=kind,
            allow_patterns=[_CARD],
            local_files_only=True,
        )
        tree = get_cached_repo_tree(name, revision=revision, repo_type=kind)
    except (CachedRepoTreeNotFoundError, LocalEntryNotFoundError):
        return None
    card = Path(folder, _CARD)
    said = (
        DatasetCard.load(card, ignore_metadata_errors=True).data.to_dict() if card.exists() else {}
    )
    return Repository(
        name=name,
        revision=revision,
        commit=Path(folder).name,
        files={one.path: one.size for one in tree},
        licence=_licence(said),
        kind=kind,
        configs=said.get("configs"),
    )


def cached_names(name: str, folder: Path) -> frozenset[str]:
    """What the repository of a snapshot holds: as the hub once said, else what is in the folder."""
    try:
        from huggingface_hub import get_cached_repo_tree
        from huggingface_hub.errors import CachedRepoTreeNotFoundError
    except ImportError:  # older versions of the library keep no lists
        return _names_in(folder)
    try:
        return frozenset(one.path for one in get_cached_repo_tree(name, revision=folder.name))
    except CachedRepoTreeNotFoundError:
        return _names_in(folder)


def _names_in(folder: Path) -> frozenset[str]:
    return frozenset(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def fetch(
    repository: Repository, paths: Collection[str], progress: Progress | None = None
) -> Path | None:
    """Fetch what is missing of some files; returns the snapshot's folder, None for no files.

    Args:
        repository: from ``look_up``.
        paths: of files that it has.
        progress: called with megabytes, first before anything is fetched; without it the hub
            library shows bars of its own.

    Raises:
        DecodeError: they do not fit the disk, or cannot be fetched; what is whole is kept.
    """
    if not paths:
        return None
    from huggingface_hub import snapshot_download

    missing = repository.missing(paths)
    size = sum(missing.values())
    _check_disk(repository, size)
    more: dict[str, Any] = {}
    if progress is not None and missing:
        what = f"fetching {size_text(size)} of {repository.name} (MB)"
        progress(what, 0, _megabytes(size))
        more["tqdm_class"] = _told_bars(
            lambda done: progress(what, min(done, size) // _MEGA, _megabytes(size))
        )
    with _errors(repository.name, repository.revision):
        # By the name that was asked for, so that the cache knows that name without a network.
        folder = snapshot_download(
            repository.name,
            revision=repository.revision,
            repo_type=repository.kind,
            allow_patterns=sorted(paths),
            **more,
        )
    if Path(folder).name != repository.commit:
        raise DecodeError(f"{repository.name} has just changed on the hub; try again")
    if repository.missing(paths):  # the library takes what there is if the network goes
        raise HubUnreachableError(
            f"{repository.name} is not all there; try again with a network: files that are whole "
            "are kept"
        )
    if progress is not None and missing:
        progress(what, _megabytes(size), _megabytes(size))
    return Path(folder)


def _megabytes(size: int) -> int:
    return -(-size // _MEGA)


def _check_disk(repository: Repository, size: int) -> None:
    """Before hours of fetching: does it fit?"""
    from huggingface_hub import constants

    if not size:
        return
    cache = Path(constants.HF_HUB_CACHE)
    place = next(p for p in (cache, *cache.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    if free < size + _SPARE:
        raise DecodeError(
            f"{repository.name} needs {size_text(size)} in {cache}, where {size_text(free)} are "
            "free; free some space, or set HF_HUB_CACHE to a folder on another disk"
        )


def _told_bars(tell: Callable[[int], None]) -> type:
    """A class of progress bars for the hub library, which draw nothing and tell bytes."""
    from tqdm import tqdm

    class Told(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # Files are counted by another bar, and bytes by two: as received and as written.
            self._told = kwargs.get("unit") == "B"
            self._bytes = 0
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            self._bytes += int(n or 0)
            if self._told:
                self._furthest()

        def _furthest(self) -> None:
            seen["most"] = max(seen["most"], self._bytes)
            tell(seen["most"])

    seen = {"most": 0}
    return Told


@contextmanager
def _errors(name: str, revision: str | None) -> Iterator[None]:
    """The hub library's errors, each as one of ours that says what to do."""
    from huggingface_hub import errors as hub

    at = f"{name}@{revision}" if revision else name
    # Transport errors are of the HTTP library that this version of the hub's uses.
    transport = cast(type[BaseException], hub.HfHubHTTPError.__mro__[1])
    of_xet = cast(type[BaseException], getattr(hub, "XetDownloadError", RuntimeError))
    try:
        yield
    except hub.GatedRepoError as error:
        problem = f"the hub asks for a login to read {at}; accept its terms and run 'hf auth login'"
        raise DecodeError(problem) from error
    except hub.RepositoryNotFoundError as error:
        raise RequestError(
            f"there is no folder and no hub repository {name!r}; check the name (a private one "
            "needs 'hf auth login')"
        ) from error
    except hub.RevisionNotFoundError as error:
        raise RequestError(f"{name} has no revision {revision!r}; check the name") from error
    except hub.HFValidationError as error:
        raise RequestError(f"{name!r} is no name of a hub repository ({error})") from error
    except (OSError, transport, of_xet, RuntimeError) as error:
        if _is_full(error):
            raise DecodeError(
                f"the disk is full, so {at} is not all there; free some space and try again: "
                "files that are whole are kept"
            ) from error
        raise HubUnreachableError(
            f"{at} cannot be fetched from the hub ({_reason(error)}); try again with a network: "
            "files that are whole are kept"
        ) from error


def _is_full(error: BaseException) -> bool:
    # Code in Rust, which fetches large files, tells it in words.
    number = getattr(error, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in str(error)


def _reason(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
