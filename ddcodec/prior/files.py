"""The files of a prior's folder: which ones count, and their digests (spec/prior.md, "Pin")."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ddcodec.errors import ModelMismatchError
from ddcodec.files import read_json
from ddcodec.recipe.pin import MODEL_INDEX, SETTINGS, PriorPin

__all__ = ["COMPONENTS", "check_files", "digest_files", "read_config", "read_model_index"]

# Every pipeline component that influences pixels, with the stem of its weight file (None: no
# weights). A safety checker or a feature extractor does not, so it is neither read nor pinned.
COMPONENTS: Mapping[str, str | None] = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "text_encoder_2": "model",
    "tokenizer": None,
    "tokenizer_2": None,
    "scheduler": None,
}

_PICKLES = (".bin", ".ckpt", ".pt", ".pth")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def digest_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a diffusers folder that influences decoding.

    These are ``model_index.json`` and, of each component in ``COMPONENTS``, the settings
    (``.json``, ``.txt``, ``.model``) and the weights that are loaded: the default variant in
    safetensors format, whole or in shards.

    Returns:
        Relative posix path -> 64 hex digits, sorted by path.

    Raises:
        ModelMismatchError: not a diffusers folder, a component is missing, or its weights are
            not in safetensors format.
    """
    paths = [folder / MODEL_INDEX]
    for name in read_model_index(folder):
        if name in COMPONENTS:
            paths += _component_files(folder, name)
    relative = sorted((PurePosixPath(p.relative_to(folder)).as_posix(), p) for p in paths)
    return {name: _sha256(path) for name, path in relative}


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


def check_files(folder: Path, pin: PriorPin) -> None:
    """Compare a folder with a pin, file by file.

    Raises:
        ModelMismatchError: names the first file that differs, is missing or is not pinned.
    """
    found = digest_files(folder)
    for path in sorted({*pin.files, *found}):
        if path not in found:
            problem = f"{path} is missing"
        elif path not in pin.files:
            problem = f"{path} is not among the pinned files"
        elif found[path] != pin.files[path]:
            problem = f"{path} differs (SHA-256 {found[path][:12]}…, not {pin.files[path][:12]}…)"
        else:
            continue
        raise ModelMismatchError(
            f"the prior in {folder} is not the one this artifact was made with: {problem}. "
            f"The artifact needs {pin.describe()!r}; pass that one as prior="
        )


def _component_files(folder: Path, name: str) -> list[Path]:
    here = folder / name
    if not here.is_dir():
        raise ModelMismatchError(
            f"{folder} lists {name} in {MODEL_INDEX} but has no folder {name}; "
            "fetch or export the prior again"
        )
    settings = [p for p in here.iterdir() if p.is_file() and p.suffix in SETTINGS]
    # Flax or ONNX side files and weight maps of variants that are never loaded stay out.
    settings = [p for p in settings if ".safetensors.index." not in p.name]
    settings = [p for p in settings if ".bin.index." not in p.name]
    stem = COMPONENTS[name]
    return settings if stem is None else settings + _weight_files(here, stem)


def _weight_files(here: Path, stem: str) -> list[Path]:
    index = here / f"{stem}.safetensors.index.json"
    whole = here / f"{stem}.safetensors"
    # With both, libraries differ in which they load, so both are pinned.
    found = [whole] if whole.is_file() else []
    if index.is_file():
        found += [index, *_shards(index)]
    if found:
        return found
    others = sorted(p.name for p in here.iterdir())
    pickles = [n for n in others if n.endswith(_PICKLES)]
    variants = [n for n in others if n.endswith(".safetensors")]
    if pickles:
        raise ModelMismatchError(
            f"{here / pickles[0]} is a pickle, which can run code when it is read and is never "
            f"opened; save the pipeline with safe_serialization=True to get {whole.name}"
        )
    if variants:
        raise ModelMismatchError(
            f"{here} holds only the variant {variants[0]}; load that variant in diffusers and "
            f"save the pipeline to get {whole.name}"
        )
    raise ModelMismatchError(f"{whole} is missing; fetch or export the prior again")


def _shards(index: Path) -> list[Path]:
    weight_map = read_config(index).get("weight_map")
    names = sorted(set(weight_map.values())) if isinstance(weight_map, dict) else []
    if not names or not all(isinstance(n, str) and _PART.fullmatch(n) for n in names):
        raise ModelMismatchError(f"{index} names no usable shards; export the prior again")
    paths = [index.with_name(n) for n in names]
    for path in paths:
        if not path.is_file():
            raise ModelMismatchError(f"{path} is missing; fetch or export the prior again")
    return paths


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelMismatchError(f"{path} cannot be read: {error}") from error
