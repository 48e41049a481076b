"""A prior's weight files: which are loaded, what they may hold (spec/prior.md, "Variants")."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ddcodec.errors import ModelMismatchError, UnsupportedFeatureError
from ddcodec.files import read_json

__all__ = ["STEMS", "check_numbers", "choose_variant", "file_names", "weight_files"]

STEMS: Mapping[str, str] = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "text_encoder_2": "model",
}
"""Network -> what the names of its weight files begin with."""

_PICKLES = (".bin", ".ckpt", ".pt", ".pth")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
# Each has an exact binary32 form, but for F64, which is rounded once.
_NUMBERS = ("F64", "F32", "F16", "BF16")


def choose_variant(where: str, names: Mapping[str, Collection[str]]) -> str | None:
    """The variant to load: none if every network has plain files, else the one that all have.

    Args:
        where: the prior, for messages.
        names: network -> names of the files in its folder.

    Returns:
        ``fp16``, say, or None for ``diffusion_pytorch_model.safetensors`` without a variant.

    Raises:
        ModelMismatchError: a network has no safetensors weights, no variant is there for every
            network, or several are.
    """
    found = {name: _variants(STEMS[name], files) for name, files in names.items()}
    for name, variants in found.items():
        if not variants:
            raise ModelMismatchError(_no_weights(where, name, names[name]))
    common = set[str | None].intersection(*map(set, found.values())) if found else {None}
    if None in common:
        return None
    chosen = sorted(v for v in common if v)
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise ModelMismatchError(
            f"the weights in {where} come in the variants {' and '.join(chosen)} and not plain, "
            "and nothing says which to use; remove the files of all but one"
        )
    first = next(name for name, variants in found.items() if None not in variants)
    variant = sorted(v for v in found[first] if v)[0]
    lacking = [name for name, variants in found.items() if variant not in variants]
    raise ModelMismatchError(
        f"{where}/{first} holds only the variant {variant}, which {' and '.join(lacking)} "
        f"{'lacks' if len(lacking) == 1 else 'lack'}; fetch the files of one variant for every "
        f"part, or {STEMS[first]}.safetensors for {first}"
    )


def weight_files(here: Path, stem: str, variant: str | None) -> list[Path]:
    """The weight files of one network: whole, or in shards with their index, or both.

    Args:
        here: the network's folder.
        stem: its name in ``STEMS``.
        variant: as ``choose_variant`` returned it.

    Raises:
        ModelMismatchError: they are not there, or a shard is missing.
    """
    # With both a whole file and shards, libraries differ in which they load, so both count.
    whole, index = (here / name for name in file_names(stem, variant))
    found = [whole] if whole.is_file() else []
    if index.is_file():
        found += [index, *_shards(index)]
    if not found:
        raise ModelMismatchError(f"{whole} is missing; fetch or export the prior again")
    return found


def check_numbers(path: Path) -> None:
    """Refuse weights whose numbers are not floats of 16 bits or more; reads no weights.

    Raises:
        UnsupportedFeatureError: they are integers, say, or floats of 8 bits.
        SafetensorError: the file is damaged or cut short.
    """
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        for key in file.keys():  # noqa: SIM118
            kind = file.get_slice(key).get_dtype()
            # Old text encoders store the numbers of their positions.
            if kind not in _NUMBERS and not key.endswith("position_ids"):
                raise UnsupportedFeatureError(
                    f"{path} holds {kind} numbers ({key}); use the same prior in float32, float16 "
                    "or bfloat16"
                )


def file_names(stem: str, variant: str | None) -> tuple[str, str]:
    """Names of the whole file, and of the index of shards."""
    dotted = f".{variant}" if variant else ""
    return f"{stem}{dotted}.safetensors", f"{stem}.safetensors.index{dotted}.json"


def _variants(stem: str, names: Iterable[str]) -> set[str | None]:
    whole = re.compile(rf"{stem}(?:\.([A-Za-z0-9_]+))?\.safetensors")
    index = re.compile(rf"{stem}\.safetensors\.index(?:\.([A-Za-z0-9_]+))?\.json")
    matches = (pattern.fullmatch(name) for name in names for pattern in (whole, index))
    return {match[1] for match in matches if match}


def _no_weights(where: str, name: str, names: Collection[str]) -> str:
    wanted = f"{STEMS[name]}.safetensors"
    pickles = sorted(n for n in names if n.endswith(_PICKLES))
    if pickles:
        return (
            f"{where}/{name}/{pickles[0]} is a pickle, which can run code when it is read and is "
            f"never opened; save the pipeline with safe_serialization=True to get {wanted}"
        )
    return f"{where}/{name}/{wanted} is missing; fetch or export the prior again"


def _shards(index: Path) -> list[Path]:
    try:
        weight_map = read_json(index).get("weight_map")
    except (OSError, ValueError) as error:
        raise ModelMismatchError(
            f"{index} cannot be read as JSON ({error}); fetch or export the prior again"
        ) from error
    names = list(weight_map.values()) if isinstance(weight_map, dict) else []
    if not names or not all(isinstance(n, str) and _PART.fullmatch(n) for n in names):
        raise ModelMismatchError(f"{index} names no usable shards; export the prior again")
    paths = [index.with_name(n) for n in sorted(set(names))]
    for path in paths:
        if not path.is_file():
            raise ModelMismatchError(f"{path} is missing; fetch or export the prior again")
    return paths
