"""A repository of the hub to be written: looked at first, written in one commit, read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ddcodec.errors import EncodeError, RequestError

__all__ = ["Target"]

_ALWAYS = frozenset({".gitattributes"})
"""Files that the hub puts into every repository."""

_SHOWN = 3


@dataclass(frozen=True)
class Target:
    """A data set of the hub, as it was when it was looked at.

    Attributes:
        name: ``owner/name``.
        commit: its last one.
    """

    name: str
    commit: str

    @classmethod
    def of(cls, name: str, *, private: bool, update: bool) -> Target:
        """A repository, which is made if it is not there.

        Raises:
            RequestError: nobody is logged in or may write there, it holds other files, or is
                public where it should not be.
            EncodeError: the hub cannot be reached.
        """
        from huggingface_hub import HfApi, get_token

        if get_token() is None:
            raise RequestError(
                "nobody is logged in to the hub: run `hf auth login`, or set HF_TOKEN to a token "
                "that may write"
            )
        api = HfApi()
        with _errors(name):
            # Where nobody asks for privacy, an organisation's own default decides.
            api.create_repo(name, repo_type="dataset", private=private or None, exist_ok=True)
            info = api.dataset_info(name)
        if private and not info.private:
            raise RequestError(
                f"{name} exists and is public: make it private on its page, or choose another name"
            )
        held = sorted({one.rfilename for one in info.siblings or ()} - _ALWAYS)
        if held and not update:
            more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
            raise RequestError(
                f"{name} exists and holds {', '.join(held[:_SHOWN])}{more}: choose another name, "
                "or allow an update of it"
            )
        return cls(name, str(info.sha))

    def send(self, files: Mapping[str, Path], message: str) -> str:
        """Write files in one commit; returns it.

        Raises:
            RequestError: somebody else has written meanwhile, or this user may not.
            EncodeError: the hub cannot be reached, or refuses the card.
        """
        from huggingface_hub import CommitOperationAdd, HfApi

        operations = [CommitOperationAdd(name, file) for name, file in files.items()]
        with _errors(self.name):
            made = HfApi().create_commit(
                self.name,
                operations,
                commit_message=message,
                repo_type="dataset",
                parent_commit=self.commit,
            )
        return str(made.oid)

    def compare(self, sums: Mapping[str, tuple[str, str]], commit: str) -> None:
        """Ask the hub for what it has.

        Args:
            sums: path -> SHA-256, and the SHA-1 by which git calls it.
            commit: in which to look.

        Raises:
            EncodeError: it lacks a file, or has other bytes, or cannot be reached.
        """
        from huggingface_hub import HfApi
        from huggingface_hub.hf_api import RepoFile

        with _errors(self.name):
            found = HfApi().get_paths_info(
                self.name, list(sums), repo_type="dataset", revision=commit
            )
        there = {
            one.path: one.lfs.sha256 if one.lfs is not None else one.blob_id
            for one in found
            if isinstance(one, RepoFile)
        }
        wrong = [name for name, known in sums.items() if there.get(name) not in known]
        if wrong:
            raise EncodeError(
                f"the hub has other bytes of {', '.join(wrong)} in {self.name} than were sent: "
                "push again, and do not use what is there"
            )


@contextmanager
def _errors(name: str) -> Iterator[None]:
    """The hub library's errors, each as one of ours that says what to do."""
    from huggingface_hub import errors as hub

    try:
        yield
    except hub.HfHubHTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403):
            raise RequestError(
                f"the hub refuses to let you write {name}: check the owner's name, and log in with "
                "a token that may write (`hf auth login`)"
            ) from error
        if status in (409, 412):
            raise RequestError(
                f"somebody has just pushed to {name}, so nothing was written: look at it, and push "
                "again"
            ) from error
        raise EncodeError(f"the hub did not take {name} ({_reason(error)}): try again") from error
    except hub.HFValidationError as error:
        raise RequestError(f"{name!r} is no name of a repository ({_reason(error)})") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise EncodeError(
            f"{name} cannot be written on the hub ({_reason(error)}): try again with a network"
        ) from error


def _reason(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
