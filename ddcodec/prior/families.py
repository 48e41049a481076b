"""Tell which pipelines are priors, from their JSON alone; refuse others by name.

Stable Diffusion 1.x and 2.x (one CLIP text encoder) and SDXL (two), with their fine-tunes and
distillations (spec/prior.md, "Families").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ddcodec.errors import ModelMismatchError, UnsupportedFeatureError
from ddcodec.prior.files import read_config, read_model_index
from ddcodec.recipe.pin import MODEL_INDEX

__all__ = ["NETWORKS", "TEXT_ENCODERS", "Family", "NetworkName", "class_of", "read_family"]

NetworkName = Literal["text_encoder", "text_encoder_2", "unet", "vae"]

NETWORKS: tuple[NetworkName, ...] = get_args(NetworkName)
"""Of all priors, in the order in which weights are digested; not every prior has each."""
TEXT_ENCODERS: tuple[NetworkName, ...] = ("text_encoder", "text_encoder_2")

Class = tuple[str, str]  # library, class name

_ONE_ENCODER: Mapping[str, Class] = {
    "text_encoder": ("transformers", "CLIPTextModel"),
    "tokenizer": ("transformers", "CLIPTokenizer"),
    "unet": ("diffusers", "UNet2DConditionModel"),
    "vae": ("diffusers", "AutoencoderKL"),
}
_TWO_ENCODERS: Mapping[str, Class] = {
    **_ONE_ENCODER,
    "text_encoder_2": ("transformers", "CLIPTextModelWithProjection"),
    "tokenizer_2": ("transformers", "CLIPTokenizer"),
}
# Parts that change no pixel of a picture made from text.
_IGNORED = ("safety_checker", "feature_extractor", "image_encoder")
_USABLE = "this version runs Stable Diffusion 1.x and 2.x and SDXL; use one of those"


@dataclass(frozen=True)
class Family:
    """What ``model_index.json`` says of a prior.

    Attributes:
        networks: their names, in the order in which weights are digested.
        text_encoders: those of them that read prompts: one or two.
        tokenizers: one for each text encoder.
        scheduler: class name, of diffusers.
        zeros_for_empty: whether the empty prompt stands for zeros where it is the unconditioned
            one (``force_zeros_for_empty_prompt``).
    """

    networks: tuple[NetworkName, ...]
    text_encoders: tuple[NetworkName, ...]
    tokenizers: tuple[str, ...]
    scheduler: str
    zeros_for_empty: bool


def class_of(name: str) -> Class:
    """(library, class name) of a part of any supported pipeline."""
    return _TWO_ENCODERS[name]


def read_family(folder: Path) -> Family:
    """Tell a pipeline's family; reads JSON, and no weights.

    Raises:
        UnsupportedFeatureError: another family, or an option that needs inputs nobody makes here.
        ModelMismatchError: a file is missing or damaged, or parts do not fit each other.
    """
    index, parts = read_config_of(folder), read_model_index(folder)
    _refuse_other_parts(folder, index, parts)
    two = "text_encoder_2" in parts
    for name, wanted in (_TWO_ENCODERS if two else _ONE_ENCODER).items():
        found = parts.get(name)
        if found is None and two:
            raise ModelMismatchError(
                f"{folder / MODEL_INDEX} lists a text_encoder_2, but no {name}; fetch or export "
                "the prior again"
            )
        fast = name.startswith("tokenizer") and found == ("transformers", "CLIPTokenizerFast")
        if found != wanted and not fast:
            raise UnsupportedFeatureError(
                f"the pipeline in {folder} has {name} {'.'.join(found or ('none',))}; this version "
                f"runs {'.'.join(wanted)}"
            )
    _check_options(folder, two)
    zeros = index.get("force_zeros_for_empty_prompt", True) if two else False
    if not isinstance(zeros, bool):
        raise ModelMismatchError(
            f"{folder / MODEL_INDEX} has force_zeros_for_empty_prompt = {zeros!r}, which must be "
            "true or false; fetch or export the prior again"
        )
    return Family(
        networks=("text_encoder", *(("text_encoder_2",) if two else ()), "unet", "vae"),
        text_encoders=("text_encoder", "text_encoder_2") if two else ("text_encoder",),
        tokenizers=("tokenizer", "tokenizer_2") if two else ("tokenizer",),
        scheduler=_scheduler(folder, parts),
        zeros_for_empty=zeros,
    )


def read_config_of(folder: Path, part: str = "") -> dict[str, Any]:
    """``model_index.json``, or the ``config.json`` of a part."""
    return read_config(folder / part / "config.json" if part else folder / MODEL_INDEX)


def _refuse_other_parts(folder: Path, index: Mapping[str, Any], parts: Mapping[str, Class]) -> None:
    """Pipelines that are more, or less, than text encoders, a U-Net and an autoencoder."""
    if index.get("requires_aesthetics_score") or (
        "text_encoder_2" in parts and "text_encoder" not in parts
    ):
        raise UnsupportedFeatureError(
            f"the pipeline in {folder} is SDXL's refiner, which repaints what SDXL drew and draws "
            "nothing by itself; use SDXL base, SDXL-Turbo or a fine-tune of them"
        )
    known = {*_TWO_ENCODERS, *_IGNORED, "scheduler"}
    for name in sorted(parts.keys() - known):
        raise UnsupportedFeatureError(
            f"the pipeline in {folder} has {name} {'.'.join(parts[name])}; {_USABLE}"
        )
    title = str(index.get("_class_name", ""))
    if title.startswith("StableDiffusionXL") and "text_encoder_2" not in parts:
        raise ModelMismatchError(
            f"the pipeline in {folder} is a {title}, but {MODEL_INDEX} lists no text_encoder_2; "
            "fetch or export the prior again"
        )


def _check_options(folder: Path, two: bool) -> None:
    """Options of the supported classes that need inputs this version does not make."""
    unet, vae = read_config_of(folder, "unet"), read_config_of(folder, "vae")
    if unet.get("encoder_hid_dim_type") is not None:
        raise UnsupportedFeatureError(
            f"the U-Net in {folder} has encoder_hid_dim_type = {unet['encoder_hid_dim_type']!r}: "
            f"it reads more than text, as with an IP-adapter; {_USABLE}"
        )
    wanted = {
        "addition_embed_type": (unet, "text_time" if two else None),
        "class_embed_type": (unet, None),
        "num_class_embeds": (unet, None),
        "time_cond_proj_dim": (unet, None),
        "latents_mean": (vae, None),
        "shift_factor": (vae, None),
    }
    for option, (config, value) in wanted.items():
        if config.get(option) != value:
            raise UnsupportedFeatureError(
                f"the prior in {folder} uses {option} = {config.get(option)!r}, which this version "
                f"does not run; {_USABLE}"
            )
    latent = vae.get("latent_channels", 4)
    sides = unet.get("in_channels", 4), unet.get("out_channels", 4)
    if sides != (latent, latent):
        raise UnsupportedFeatureError(
            f"the U-Net in {folder} maps {sides[0]} channels to {sides[1]}, but its latents have "
            f"{latent}; inpainting, editing and learned-variance models are not text-to-image "
            "priors"
        )


def _scheduler(folder: Path, parts: Mapping[str, Class]) -> str:
    import diffusers

    library, scheduler = parts.get("scheduler", ("none", "none"))
    # A name from a file is only ever looked up among the library's own schedulers.
    known = {n for n in dir(diffusers) if n.endswith("Scheduler")}
    if library != "diffusers" or scheduler not in known:
        raise UnsupportedFeatureError(
            f"the pipeline in {folder} has scheduler {library}.{scheduler}, which this version of "
            "diffusers does not have"
        )
    return scheduler
