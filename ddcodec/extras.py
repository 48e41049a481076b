"""Packages that not every installation has, and the extra of ddcodec that brings each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ddcodec.errors import MissingDependencyError

__all__ = ["EXTRAS", "missing", "needed_for"]

EXTRAS: dict[str, tuple[str, ...]] = {
    "torch": (
        "diffusers",
        "huggingface_hub",
        "mpmath",
        "safetensors",
        "scipy",
        "sklearn",
        "threadpoolctl",
        "torch",
        "transformers",
    ),
    "parquet": ("pyarrow",),
    "timm": ("timm",),
    "remote": ("aiohttp", "fsspec"),
    "ray": ("ray",),
    "gpu": ("triton",),
}
"""Extra -> the packages it brings, as they are imported; ``pyproject.toml`` has their versions."""


def missing(what: str, error: ImportError) -> MissingDependencyError:
    """The error that says what to install for something.

    Args:
        what: what was asked for, as the beginning of a sentence.
        error: of the import that failed.

    >>> str(missing("this export", ModuleNotFoundError(name="pyarrow.parquet")))
    "this export needs pyarrow, which is not installed: pip install 'ddcodec[parquet]'"
    """
    package = (error.name or "").partition(".")[0]
    for extra, packages in EXTRAS.items():
        if package in packages:
            return MissingDependencyError(
                f"{what} needs {package}, which is not installed: pip install 'ddcodec[{extra}]'"
            )
    return MissingDependencyError(
        f"{what} needs a package that is not installed ({error}): install it with pip, beside "
        "ddcodec"
    )


@contextmanager
def needed_for(what: str) -> Iterator[None]:
    """A block in which a package of an extra that is not installed is an error that says so.

    An installation that is broken stays the error it is.

    Args:
        what: what the block does, as the beginning of a sentence.

    Raises:
        MissingDependencyError: a package of an extra is not there.

    >>> with needed_for("training"):
    ...     raise ModuleNotFoundError(name="torch")
    Traceback (most recent call last):
    ddcodec.errors.MissingDependencyError: training needs torch, which is not installed: pip...
    """
    try:
        yield
    except ModuleNotFoundError as error:
        known = {package for packages in EXTRAS.values() for package in packages}
        if (error.name or "").partition(".")[0] not in known:
            raise
        raise missing(what, error) from error
