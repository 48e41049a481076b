"""The files of a prior's folder: which ones count, and their digests (spec/prior.md, "Pin")."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ddcodec.errors import ModelMismatchError
from ddcodec.files import read_json
from ddcodec.prior.weight_files import STEMS, choose_variant, weight_files
from ddcodec.recipe.pin import MODEL_INDEX, SETTINGS, PriorPin, digest_of_files

__all__ = [
    "COMPONENTS",
    "check_files",
    "digest_files",
    "read_config",
    "read_model_index",
    "variant_of",
]

# Every pipeline component that influences pixels, with the stem of its weight file (None: no
# weights). A safety checker or a feature extractor does not, so it is neither read nor pinned.
COMPONENTS: Mapping[str, str | None] = {
    **STEMS,
    "tokenizer": None,
    "tokenizer_2": None,
    "scheduler": None,
}


def digest_files(folder: Path, like: Iterable[str] = ()) -> dict[str, str]:
    """SHA-256 of every file of a diffusers folder that influences decoding.

    These are ``model_index.json`` and, of each component in ``COMPONENTS``, the settings
    (``.json``, ``.txt``, ``.model``) and the weights that are loaded, in safetensors format,
    whole or in shards, of the folder's variant.

    Args:
        folder: the prior's.
        like: paths of a pin, whose variant is taken; by default as ``choose_variant`` says.

    Returns:
        Relative posix path -> 64 hex digits, sorted by path.

    Raises:
        ModelMismatchError: not a diffusers folder, a component is missing, or its weights are
            not in safetensors format.
    """
    variant = variant_of(folder, like)
    paths = [folder / MODEL_INDEX]
    for name in read_model_index(folder):
        if name in COMPONENTS:
            paths += _settings(folder / name)
        if name in STEMS:
            paths += weight_files(folder / name, STEMS[name], variant)
    relative = sorted((PurePosixPath(p.relative_to(folder)).as_posix(), p) for p in paths)
    return {name: _sha256(path) for name, path in relative}


def variant_of(folder: Path, like: Iterable[str] = ()) -> str | None:
    """The variant of a folder's weights: ``fp16``, say, or None for files without one.

    Args:
        folder: a pipeline's, or a pin's files' if ``like`` is given.
        like: paths of a pin, which hold one variant only.

    Raises:
        ModelMismatchError: a component's folder is missing, or no variant is there for all.
    """
    parts = [name for name in read_model_index(folder) if name in COMPONENTS]
    for name in parts:
        if not (folder / name).is_dir():
            raise ModelMismatchError(
                f"{folder} lists {name} in {MODEL_INDEX} but has no folder {name}; "
                "fetch or export the prior again"
            )
    networks = [name for name in parts if name in STEMS]
    pinned = list(like)
    if pinned:
        found = {n: [p.partition("/")[2] for p in pinned if p.startswith(f"{n}/")] for n in STEMS}
        networks = [name for name in networks if found[name]]
    else:
        found = {name: [p.name for p in (folder / name).iterdir()] for name in networks}
    return choose_variant(str(folder), {name: found[name] for name in networks})


def read_model_index(folder: Path) -> dict[str, tuple[str, str]]:
    """Component -> (library, class name), as ``model_index.json`` lists them; no absent ones.

    Raises:
        ModelMismatchError: the file is missing or is not a diffusers index.
    """
    path = folder / MODEL_INDEX
    if not path.is_file():
        raise ModelMismatchError(
            f"{folder} has no {MODEL_INDEX}; give a text-to-image pipeline in diffusers' layout "
            "(as pipeline.save_pretrained writes it)"
        )
    index = read_config(path)
    out = {}
    for name, value in index.items():
        listed = isinstance(value, list) and len(value) == 2
        if not name.startswith("_") and listed and all(isinstance(v, str) for v in value):
            out[name] = (value[0], value[1])
    return out


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object of a prior; raises ModelMismatchError where there is none."""
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise ModelMismatchError(
            f"{path} cannot be read as JSON ({error}); fetch or export the prior again"
        ) from error


def check_files(folder: Path, pin: PriorPin) -> dict[str, str]:
    """Compare a folder with a pin.

    Returns:
        Relative posix path -> SHA-256 (64 hex digits), as ``digest_files``.

    Raises:
        ModelMismatchError: a file is missing or not pinned, which is named, or one differs.
    """
    found = digest_files(folder, pin.files)
    digest = digest_of_files(found)
    odd = sorted({*pin.files} ^ {*found})
    if odd:
        is_not = "is missing" if odd[0] in pin.files else "is not among the pinned files"
        problem = f"{odd[0]} {is_not}"
    elif digest != pin.digest:
        problem = f"its {len(found)} files have SHA-256 {digest[:12]}…, not {pin.digest[:12]}…"
    else:
        return found
    raise ModelMismatchError(
        f"the prior in {folder} is not the one this artifact was made with: {problem}. "
        f"The artifact needs {pin.describe()!r}; pass that one as prior="
    )


def _settings(here: Path) -> list[Path]:
    settings = [p for p in here.iterdir() if p.is_file() and p.suffix in SETTINGS]
    # Flax or ONNX side files and weight maps of variants that are never loaded stay out.
    settings = [p for p in settings if ".safetensors.index." not in p.name]
    return [p for p in settings if ".bin.index." not in p.name]


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelMismatchError(f"{path} cannot be read: {error}") from error
