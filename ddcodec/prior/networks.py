"""The parts of a diffusers folder: float32, frozen, from safetensors only, loaded when needed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor

from ddcodec.errors import ModelMismatchError, UnsupportedFeatureError
from ddcodec.prior.engine import NetworkName
from ddcodec.prior.files import read_config, read_model_index
from ddcodec.prior.quiet import quiet_libraries

__all__ = ["NETWORKS", "Components"]

NETWORKS: tuple[NetworkName, ...] = get_args(NetworkName)

# The pipeline families this version runs: one CLIP text encoder, one conditional U-Net, one
# convolutional autoencoder (Stable Diffusion 1.x, 2.x and their fine-tunes and distillations).
_SUPPORTED = {
    "unet": ("diffusers", "UNet2DConditionModel"),
    "vae": ("diffusers", "AutoencoderKL"),
    "text_encoder": ("transformers", "CLIPTextModel"),
    "tokenizer": ("transformers", "CLIPTokenizer"),
}


class Components:
    """The parts of a text-to-image pipeline, each of its library's class.

    The tokenizer, the scheduler and the configurations are read at once. A network's weights are
    read when the network is first asked for: encoders train through float networks, while
    decoders in an exact profile never hold them.

    Args:
        folder: checked (``pin.digest_files`` has accepted it).
        device: where networks go.

    Raises:
        UnsupportedFeatureError: another pipeline family (SDXL's two text encoders, say).
        ModelMismatchError: a file is damaged; for a network, when it is first asked for: weights
            are missing or of a wrong shape.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.folder = folder
        self.device = device
        scheduler = _check_index(folder)
        with quiet_libraries(), _library_errors(folder):
            self.tokenizer: Any = _library("transformers").CLIPTokenizer.from_pretrained(
                folder / "tokenizer", local_files_only=True
            )
            self.scheduler: Any = getattr(_library("diffusers"), scheduler).from_pretrained(
                folder / "scheduler", local_files_only=True
            )
        self._configs: Mapping[NetworkName, Any] = {n: self.skeleton(n).config for n in NETWORKS}
        _check_family(self.config("unet"), self.config("vae"))

    @cached_property
    def text_encoder(self) -> Any:
        return self._loaded("text_encoder")

    @cached_property
    def unet(self) -> Any:
        return self._loaded("unet")

    @cached_property
    def vae(self) -> Any:
        return self._loaded("vae")

    def config(self, name: NetworkName) -> Any:
        """A network's configuration, defaults included; reads no weights."""
        return self._configs[name]

    def skeleton(self, name: NetworkName) -> Any:
        """A network without its weights: parameters on the ``meta`` device, buffers on the CPU."""
        folder, cls = self.folder / name, _class_of(name)
        with quiet_libraries(), _library_errors(self.folder), torch.device("meta"):
            if _SUPPORTED[name][0] == "transformers":
                network = cls(cls.config_class.from_pretrained(folder, local_files_only=True))
            else:
                network = cls.from_config(cls.load_config(folder, local_files_only=True))
        for key, buffer in list(network.named_buffers()):
            owner, _, last = key.rpartition(".")
            setattr(network.get_submodule(owner), last, _buffer(name, key, buffer))
        return network.eval().requires_grad_(False)

    def checkpoint(self, name: NetworkName) -> Any:
        """A network with the weights of its files, as they are stored, on the CPU.

        Weights are mapped from the files where these name them as the library does now, so that
        one network costs no memory beyond the page cache; older layouts are converted by the
        library.
        """
        state = self._mapped(name)
        network = self.skeleton(name)
        shapes = {key: value.shape for key, value in network.state_dict().items()}
        if state is None or {key: value.shape for key, value in state.items()} != shapes:
            return self._from_library(name)
        network.load_state_dict(state, assign=True)
        return network.requires_grad_(False)

    def _mapped(self, name: NetworkName) -> dict[str, Tensor] | None:
        from safetensors.torch import load_file

        stem = "model" if name == "text_encoder" else "diffusion_pytorch_model"
        whole = self.folder / name / f"{stem}.safetensors"
        index = self.folder / name / f"{stem}.safetensors.index.json"
        # With both files the library chooses.
        if whole.is_file() == index.is_file():
            return None
        with _library_errors(self.folder):
            files = [whole.name]
            if index.is_file():
                weight_map = read_config(index)["weight_map"]
                files = sorted(set(weight_map.values()))
            parts = [load_file(self.folder / name / file) for file in files]
        return {key: value for part in parts for key, value in part.items()}

    def _loaded(self, name: NetworkName) -> Any:
        return self._from_library(name).to(self.device)

    def _from_library(self, name: NetworkName) -> Any:
        folder = self.folder / name
        with quiet_libraries(), _library_errors(self.folder):
            network, report = _class_of(name).from_pretrained(
                folder,
                torch_dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                low_cpu_mem_usage=False,
                output_loading_info=True,
            )
        _check_complete(folder, report)
        return network.eval().requires_grad_(False)


def _buffer(name: NetworkName, key: str, empty: Tensor) -> Tensor:
    """What a constructor puts into a buffer, which the ``meta`` device has swallowed."""
    if key.endswith("position_ids"):
        return torch.arange(empty.shape[-1], dtype=empty.dtype).expand(empty.shape).clone()
    raise UnsupportedFeatureError(
        f"the prior's {name} has a buffer {key}, which this version does not know; use a Stable "
        "Diffusion 1.x or 2.x pipeline"
    )


def _class_of(name: str) -> Any:
    library, cls = _SUPPORTED[name]
    return getattr(_library(library), cls)


def _library(name: str) -> Any:
    """An untyped library: what comes out of it is ``Any``, and stays inside this package."""
    return importlib.import_module(name)


def _check_index(folder: Path) -> str:
    """Refuse other pipeline families by name; return the scheduler's class name."""
    index = read_model_index(folder)
    for second in ("text_encoder_2", "text_encoder_3", "prior", "transformer"):
        if second in index:
            raise UnsupportedFeatureError(
                f"the pipeline in {folder} has a {second}; this version runs pipelines with one "
                "CLIP text encoder and a U-Net (Stable Diffusion 1.x and 2.x); use one of those"
            )
    for name, wanted in _SUPPORTED.items():
        found = index.get(name)
        fast = name == "tokenizer" and found == ("transformers", "CLIPTokenizerFast")
        if found != wanted and not fast:
            raise UnsupportedFeatureError(
                f"the pipeline in {folder} has {name} {'.'.join(found or ('none',))}; this version "
                f"runs {'.'.join(wanted)}"
            )
    library, scheduler = index.get("scheduler", ("none", "none"))
    # A name from a file is only ever looked up among the library's own schedulers.
    known = {n for n in dir(_library("diffusers")) if n.endswith("Scheduler")}
    if library != "diffusers" or scheduler not in known:
        raise UnsupportedFeatureError(
            f"the pipeline in {folder} has scheduler {library}.{scheduler}, which this version of "
            "diffusers does not have"
        )
    return scheduler


def _check_complete(folder: Path, report: Any) -> None:
    """A library fills missing weights with random numbers; that must not pass for a prior."""
    for problem in ("missing_keys", "mismatched_keys", "error_msgs"):
        found = list(report.get(problem) or ())
        if found:
            raise ModelMismatchError(
                f"the weights in {folder} do not fit their config.json "
                f"({problem.replace('_', ' ')}: {found[0]}, {len(found)} in all); "
                "fetch or export the prior again"
            )


def _check_family(unet: Any, vae: Any) -> None:
    """Refuse options of the supported classes that need inputs this version does not make."""
    needs = {
        "addition_embed_type": unet.addition_embed_type,
        "class_embed_type": unet.class_embed_type,
        "encoder_hid_dim_type": unet.encoder_hid_dim_type,
        "time_cond_proj_dim": unet.time_cond_proj_dim,
        "latents_mean": vae.latents_mean,
        "shift_factor": vae.shift_factor,
    }
    for option, value in needs.items():
        if value is not None:
            raise UnsupportedFeatureError(
                f"this prior uses {option} = {value!r}, which this version does not run; use a "
                "Stable Diffusion 1.x or 2.x pipeline"
            )
    latent = vae.latent_channels
    if unet.in_channels != latent or unet.out_channels != latent:
        raise UnsupportedFeatureError(
            f"this prior's U-Net maps {unet.in_channels} channels to {unet.out_channels}, but its "
            f"latents have {latent}; inpainting and learned-variance models are not "
            "text-to-image priors"
        )


@contextmanager
def _library_errors(folder: Path) -> Iterator[None]:
    """What the libraries raise about unreadable files, said as a ddcodec error."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelMismatchError(
            f"the prior in {folder} cannot be loaded: {error}; fetch or export it again"
        ) from error
