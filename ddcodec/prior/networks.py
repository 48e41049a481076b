"""The parts of a diffusers folder: float32, frozen, from safetensors only, loaded when needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ddcodec.errors import DdcodecError, ModelMismatchError, UnsupportedFeatureError, shown
from ddcodec.prior.engine import TIME_IDS
from ddcodec.prior.families import NetworkName, class_of, read_family
from ddcodec.prior.files import variant_of
from ddcodec.prior.plausible import (
    WeightSizes,
    check_network,
    check_parameters,
    check_settings,
)
from ddcodec.prior.quiet import quiet_libraries
from ddcodec.prior.weight_files import STEMS, check_numbers, weight_files

__all__ = ["Components"]


class Components:
    """The parts of a text-to-image pipeline, each of its library's class.

    Tokenizers, the scheduler and the configurations are read at once. A network's weights are
    read when the network is first asked for: encoders train through float networks, while
    decoders in an exact profile never hold them.

    Args:
        folder: in diffusers' layout.
        device: where networks go.
        like: paths of a pin, whose variant of the weights is loaded.

    Attributes:
        family: which networks there are, and what is read of ``model_index.json``.
        variant: of the weight files, as in ``fp16``; None for those without one.
        tokenizers: one for each text encoder.
        scheduler: of diffusers.

    Raises:
        UnsupportedFeatureError: another pipeline family (Flux, say), or weights in numbers that
            are not floats.
        ModelMismatchError: a file is missing or damaged; for a network, when it is first asked
            for: weights are missing or of a wrong shape.
    """

    def __init__(self, folder: Path, device: torch.device, like: Iterable[str] = ()) -> None:
        self.folder = folder
        self.device = device
        self.family = read_family(folder)
        self.variant = variant_of(folder, like)
        names = self.family.networks
        self._weights = {n: weight_files(folder / n, STEMS[n], self.variant) for n in names}
        with quiet_libraries(), _library_errors(folder):
            for path in (path for paths in self._weights.values() for path in paths):
                if path.suffix == ".safetensors":
                    check_numbers(path)
            self._sizes = {name: WeightSizes.of(paths) for name, paths in self._weights.items()}
            for name, sizes in self._sizes.items():
                check_network(folder / name / "config.json", sizes)
            check_settings(folder / "scheduler" / "scheduler_config.json")
            self.tokenizers: tuple[Any, ...] = tuple(
                _library("transformers").CLIPTokenizer.from_pretrained(
                    folder / name, local_files_only=True
                )
                for name in self.family.tokenizers
            )
            for tokenizer in self.tokenizers:  # one whose settings are odd fails when it is used
                tokenizer("a", add_special_tokens=False)
                tokenizer("", padding="max_length", max_length=2)
            self.scheduler: Any = getattr(
                _library("diffusers"), self.family.scheduler
            ).from_pretrained(folder / "scheduler", local_files_only=True)
        self._configs: Mapping[NetworkName, Any] = {n: self.skeleton(n).config for n in names}
        _check_widths(self.config, self.family.text_encoders)
        _check_scaling(self.config("vae").scaling_factor, folder)

    @cached_property
    def text_encoder(self) -> Any:
        return self._loaded("text_encoder")

    @cached_property
    def text_encoder_2(self) -> Any:
        return self._loaded("text_encoder_2")

    @cached_property
    def unet(self) -> Any:
        return self._loaded("unet")

    @cached_property
    def vae(self) -> Any:
        return self._loaded("vae")

    @property
    def text_encoders(self) -> tuple[Any, ...]:
        """The float networks that read prompts, one or two."""
        return tuple(getattr(self, name) for name in self.family.text_encoders)

    def config(self, name: NetworkName) -> Any:
        """A network's configuration, defaults included; reads no weights."""
        return self._configs[name]

    def skeleton(self, name: NetworkName) -> Any:
        """A network without its weights: parameters on the ``meta`` device, buffers on the CPU."""
        folder, cls = self.folder / name, _class_of(name)
        with quiet_libraries(), _library_errors(self.folder), torch.device("meta"):
            if class_of(name)[0] == "transformers":
                network = cls(cls.config_class.from_pretrained(folder, local_files_only=True))
            else:
                network = cls.from_config(cls.load_config(folder, local_files_only=True))
        for key, buffer in list(network.named_buffers()):
            owner, _, last = key.rpartition(".")
            setattr(network.get_submodule(owner), last, _buffer(name, key, buffer))
        parameters = sum(value.numel() for value in network.parameters())
        check_parameters(folder / "config.json", parameters, self._sizes[name])
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

        files = [path for path in self._weights[name] if path.suffix == ".safetensors"]
        # With both a whole file and an index of shards the library chooses.
        if len(self._weights[name]) > 1 and files[0] is self._weights[name][0]:
            return None
        with _library_errors(self.folder):
            parts = [load_file(path) for path in files]
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
                variant=self.variant,
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
        f"the prior's {name} has a buffer {key}, which this version does not know; use a "
        "Stable Diffusion 1.x or 2.x or SDXL pipeline"
    )


def _class_of(name: str) -> Any:
    library, cls = class_of(name)
    return getattr(_library(library), cls)


def _library(name: str) -> Any:
    """An untyped library: what comes out of it is ``Any``, and stays inside this package."""
    return importlib.import_module(name)


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


def _check_widths(config: Callable[[NetworkName], Any], encoders: Sequence[NetworkName]) -> None:
    """Parts of different priors, put together, fit in nothing."""
    widths = [config(name).hidden_size for name in encoders]
    lengths = {config(name).max_position_embeddings for name in encoders}
    unet = config("unet")
    if len(lengths) > 1:
        raise ModelMismatchError(
            f"the prior's text encoders read {' and '.join(map(str, sorted(lengths)))} tokens, "
            "which must be the same number; fetch or export the prior again"
        )
    if isinstance(unet.cross_attention_dim, int) and unet.cross_attention_dim != sum(widths):
        raise ModelMismatchError(
            f"the prior's U-Net reads hidden states of width {unet.cross_attention_dim}, but its "
            f"text encoders have {' + '.join(map(str, widths))}; fetch or export the prior again"
        )
    if unet.addition_embed_type is None:
        return
    pooled = config(encoders[-1]).projection_dim
    reads = unet.projection_class_embeddings_input_dim - TIME_IDS * unet.addition_time_embed_dim
    if reads != pooled:
        raise ModelMismatchError(
            f"the prior's U-Net reads {reads} numbers besides those of {TIME_IDS} time ids, but "
            f"its {encoders[-1]} projects to {pooled}; SDXL's refiner and models that read other "
            "time ids are not supported; else fetch or export the prior again"
        )


def _check_scaling(factor: object, folder: Path) -> None:
    if type(factor) not in (int, float):
        raise ModelMismatchError(
            f"the VAE in {folder} has the scaling factor {shown(factor)}, which is no number; "
            "fetch or export the prior again"
        )


@contextmanager
def _library_errors(folder: Path) -> Iterator[None]:
    """What the libraries raise about unreadable files, said as a ddcodec error."""
    try:
        yield
    except (DdcodecError, MemoryError):
        raise
    except Exception as error:  # of any library's own tree: a size of 0 divides, an option imports
        raise _unloadable(folder, error) from error


def _unloadable(folder: Path, error: BaseException) -> ModelMismatchError:
    return ModelMismatchError(
        f"the prior in {folder} cannot be loaded: {str(error)[:500]}; fetch or export it again"
    )
