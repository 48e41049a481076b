"""Open a prior: find it, check it against its pin, load it (spec/prior.md)."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ddcodec.codecs.schedule_table import Schedule
from ddcodec.devices import resolve_device
from ddcodec.errors import EncodeError, ModelMismatchError, UnsupportedFeatureError, shown
from ddcodec.prior import text
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.defaults import Defaults, read_defaults
from ddcodec.prior.engine import Engine
from ddcodec.prior.exact_engine import exact_engine
from ddcodec.prior.files import check_files, digest_files
from ddcodec.prior.float_engine import FloatEngine
from ddcodec.prior.networks import Components
from ddcodec.prior.resolve import TINY, resolve_pinned, resolve_prior
from ddcodec.prior.schedule import extract_schedule
from ddcodec.recipe import profiles
from ddcodec.recipe.pin import PriorPin

__all__ = ["DEFAULT_BATCH", "MOST_TIMES_TRAINED", "Prior", "fingerprint", "load_prior"]

DEFAULT_BATCH = 16

MOST_TIMES_TRAINED = 4
"""Sides of images are at most so many times those that a prior was trained on."""


@dataclass(frozen=True, eq=False)
class Prior:
    """An open prior.

    Attributes:
        pin: what an artifact records of it.
        folder: where its files are on this machine.
        engine: executes its networks.
        components: tokenizers and scheduler, and the float networks, which are loaded when an
            encoder first asks for one.
        defaults: what an encoder uses unless it is told otherwise.
    """

    pin: PriorPin
    folder: Path
    engine: Engine
    components: Components
    defaults: Defaults

    @property
    def scheduler(self) -> Any:
        return self.components.scheduler

    @property
    def device(self) -> torch.device:
        return self.engine.device

    @property
    def latent_channels(self) -> int:
        return int(self.components.config("vae").latent_channels)

    @property
    def latent_factor(self) -> int:
        """Pixels a side of one latent."""
        return int(2 ** (len(self.components.config("vae").block_out_channels) - 1))

    @property
    def multiple(self) -> int:
        """What both sides of an image are multiples of, in pixels.

        In ``float`` the U-Net pads what does not halve evenly; an exact profile has no such form.
        """
        if self.engine.profile == profiles.FLOAT:
            return self.latent_factor
        return self.latent_factor * int(
            2 ** (len(self.components.config("unet").down_block_types) - 1)
        )

    @property
    def size(self) -> int:
        """Side in pixels of the square images the prior was trained on."""
        stated = self.components.config("unet").sample_size
        sides = [stated] if isinstance(stated, int) else stated
        usable = isinstance(sides, (list, tuple)) and len(sides) > 0
        if not usable or not all(type(side) is int and side > 0 for side in sides):
            raise ModelMismatchError(
                f"the prior in {self.folder} does not say what size its U-Net was trained at "
                f"(sample_size is {shown(stated)}); fetch or export it again"
            )
        return int(max(sides)) * self.latent_factor

    @property
    def text_widths(self) -> tuple[int, ...]:
        """Width of a token vector of each text encoder."""
        names = self.components.family.text_encoders
        return tuple(int(self.components.config(name).hidden_size) for name in names)

    @property
    def text_width(self) -> int:
        """Width of a learned token: its vectors of all text encoders, one after the other."""
        return sum(self.text_widths)

    @property
    def text_length(self) -> int:
        """Tokens that a text encoder reads."""
        return int(self.components.config("text_encoder").max_position_embeddings)

    @property
    def prediction_type(self) -> str:
        """``epsilon``, ``v_prediction`` or ``sample``: what the U-Net was trained to predict."""
        return str(self.scheduler.config.get("prediction_type", "epsilon"))

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        """(channels, rows, columns) of the latent of a height x width image.

        Raises:
            EncodeError: a side is not a positive multiple of ``multiple``, or more than four times
                as long as those of the images that the prior was trained on.
        """
        if max(height, width) > MOST_TIMES_TRAINED * self.size:
            raise EncodeError(
                f"this prior cannot make {width}x{height} images: it was trained at "
                f"{self.size}x{self.size}, and no side may be more than {MOST_TIMES_TRAINED} "
                "times as long"
            )
        if min(height, width) < 1 or height % self.multiple or width % self.multiple:
            raise EncodeError(
                f"this prior cannot make {width}x{height} images in profile "
                f"{self.engine.profile}; both sides must be multiples of {self.multiple} (it was "
                f"trained at {self.size}x{self.size})"
            )
        return self.latent_channels, height // self.latent_factor, width // self.latent_factor

    def schedule(self, steps: int | None = None) -> Schedule:
        """The prior's own scheduler as a table; see ``extract_schedule``."""
        return extract_schedule(self.scheduler, self.defaults.steps if steps is None else steps)

    def time_ids(self, height: int, width: int) -> tuple[int, ...]:
        """What SDXL's U-Net reads of a whole picture of this size; () for priors without.

        Original height and width, top and left of the crop, target height and width: as
        diffusers does unless it is told otherwise.
        """
        if self.components.config("unet").addition_embed_type is None:
            return ()
        return height, width, 0, 0, height, width

    def prompt_ids(self, template: str, vectors: int = 0) -> tuple[text.TokenIds, ...]:
        """A prompt as each text encoder reads it; see ``text.prompt_ids``."""
        tokenizers = self.components.tokenizers
        return tuple(text.prompt_ids(t, template, vectors, self.text_length) for t in tokenizers)

    def name_vector(self, class_name: str) -> Tensor:
        """float32 [width]: mean of the token embeddings of a class name (``_`` is a space).

        Names of several tokens are common, so diffusers' single-token initializer will not do. Of
        two text encoders, the means of each are one after the other.
        """
        parts = []
        for encoder, tokenizer in zip(
            self.components.text_encoders, self.components.tokenizers, strict=True
        ):
            table = encoder.get_input_embeddings().weight
            ids = text.name_ids(tokenizer, class_name)
            parts.append(table[torch.tensor(ids, device=table.device)].mean(0).cpu())
        return torch.cat(parts)

    def prompt(self, template: str | Sequence[str], vectors: Tensor | None = None) -> Conditioning:
        """What a prompt with learned vectors, or several plain ones, give the U-Net.

        Args:
            template: text with one ``{}``; or plain text, of one prompt or of several.
            vectors: [n, vectors per prompt, width], or None for plain text.

        Raises:
            EncodeError: a prompt is longer than the text encoders read, or has no place for
                vectors, or vectors have another width.
        """
        if isinstance(template, str):
            count = 0 if vectors is None else vectors.shape[-2]
            return self.engine.encode_text(self.prompt_ids(template, count), vectors)
        if vectors is not None:
            raise EncodeError("learned vectors go into one template; pass it as one text")
        of_prompts = [self.prompt_ids(one) for one in template]
        merged = [
            text.TokenIds(torch.cat([ids.ids for ids in of_encoder]))
            for of_encoder in zip(*of_prompts, strict=True)
        ]
        return self.engine.encode_text(merged)

    def unconditioned(self, negative: str = "") -> Conditioning:
        """What guidance leads away from: one prompt, by default the empty one.

        Where the pipeline has ``force_zeros_for_empty_prompt``, the empty one gives zeros.
        """
        family = self.components.family
        if negative or not family.zeros_for_empty:
            return self.prompt(negative)
        pooled = self.components.config(family.text_encoders[-1]).projection_dim
        return Conditioning(
            torch.zeros(1, self.text_length, self.text_width, device=self.device),
            torch.zeros(1, pooled, device=self.device),
        )

    def training_modules(self) -> tuple[tuple[Any, ...], Any]:
        """(text encoders, unet), float32 with all weights frozen: gradients reach inputs only.

        Use ``text.embed_prompts`` for a conditioning that is differentiable in token vectors.
        """
        return self.components.text_encoders, self.components.unet


def load_prior(
    spec: str | Path | None = None,
    *,
    pin: PriorPin | None = None,
    profile: str = profiles.DEFAULT,
    device: str | torch.device = "cpu",
    batch: int = DEFAULT_BATCH,
) -> Prior:
    """Open a prior, and check it where a pin is given.

    Args:
        spec: ``tiny``, a folder, or a hub id ``owner/name[@revision]``, which may be fetched; by
            default what ``pin`` names, where this machine has it, else ``tiny``.
        pin: what an artifact requires; every file must match it.
        profile: how the networks are executed, one of ``exact.profiles.NAMES``.
        device: where the networks run.
        batch: batch shape of the float profile, from the recipe when decoding; exact profiles
            have none.

    Raises:
        ModelMismatchError: the files are not the pinned ones, or not those of a pipeline.
        DecodeError: the prior cannot be found or fetched, or the device is not there, or no
            back end is exact on it.
        UnsupportedFeatureError: a pipeline family or a profile this version does not run.
    """
    if profile not in profiles.NAMES:
        raise UnsupportedFeatureError(
            f"profile {profile!r} is unknown; use one of {', '.join(profiles.NAMES)}"
        )
    if pin is None:
        resolved = resolve_prior(TINY if spec is None else spec)
    else:
        resolved = resolve_pinned(pin, spec)
    # First what small files say: hashing the weights of a large prior takes a minute.
    where = resolve_device(device)
    components = Components(resolved.folder, where, () if pin is None else pin.files)
    if pin is None:
        files = digest_files(resolved.folder)
        pin = PriorPin.of(resolved.source, resolved.revision, files)
    else:
        files = check_files(resolved.folder, pin)
    defaults = read_defaults(resolved.folder)
    engine: Engine
    if profile == profiles.FLOAT:
        for name in components.family.networks:
            getattr(components, name)  # loaded now, so that damage is found now
        engine = FloatEngine(components, device=where, batch=batch)
    else:
        engine = exact_engine(components, files, profile=profile, device=where)
    return Prior(pin, resolved.folder, engine, components, defaults)


def fingerprint(device: str | torch.device = "cpu") -> dict[str, Any]:
    """What float-profile pixels depend on besides the artifact: integers and text, for ``info``.

    Names the libraries, the instruction set and threads, never the machine.
    """
    where = resolve_device(device)
    out: dict[str, Any] = {
        **{name: version(name) for name in ("torch", "diffusers", "transformers")},
        "system": platform.system(),
        "machine": platform.machine(),
        "device": where.type,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
    if where.type == "cuda":
        cudnn: Any = torch.backends.cudnn
        out["gpu"] = torch.cuda.get_device_name(where)
        out["cuda"] = str(torch.version.cuda)
        out["cudnn"] = str(cudnn.version())
    return out
