"""Time and memory of SDXL at its real widths, with random weights, network by network.

    python -m tools.bench.exact.sdxl --threads 2 --json FILE.json

One 512-pixel picture in one step, as SDXL-Turbo draws it, is one call of the U-Net and one of the
decoder; the text encoders run once per prompt. Each network has a process of its own, so that its
peak is its own. On a busy machine, processor seconds say more than those of the wall.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import torch

from ddcodec.exact.backends import choose_backend
from ddcodec.recipe.profiles import DEFAULT, EXACT, TEXT
from tools.bench.exact.unets import peak_of_this_process
from tools.networks.environment import environment
from tools.networks.unets import (
    SDXL_TURBO,
    SMALL_SDXL,
    exact_random,
    random_tensor,
    skeleton,
    unet_inputs,
)
from tools.processes import run_module

CPU = torch.device("cpu")
# Widths, layers, heads and activation of the two text encoders.
ENCODERS = {"text_encoder": (768, 12, 12, "quick_gelu"), "text_encoder_2": (1280, 32, 20, "gelu")}
NAMES = ("unet", "vae", *ENCODERS)


def network(name: str, small: bool) -> tuple[Any, Callable[[Any], Any]]:
    """A network on the ``meta`` device, and one call of it."""
    if name == "unet":
        config = SMALL_SDXL if small else SDXL_TURBO
        inputs = unet_inputs(config, range(1), CPU)
        return skeleton(config), lambda module: module(**inputs)[0]
    if name == "vae":
        side = 16 if small else 64
        latents = random_tensor("latents", (1, 4, side, side))
        return _autoencoder(small), lambda module: module.decode(latents, return_dict=False)[0]
    ids = torch.full((1, 77), 320)
    ids[:, 0], ids[:, 8:] = 49406, 49407
    return _text_encoder(name), lambda module: module(ids, output_hidden_states=True)[0]


def _autoencoder(small: bool) -> Any:
    from diffusers import AutoencoderKL

    with torch.device("meta"):
        module: Any = AutoencoderKL(
            block_out_channels=(32,) * 4 if small else (128, 256, 512, 512),
            layers_per_block=2,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        )
    return module.eval().requires_grad_(False)


def _text_encoder(name: str) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    width, layers, heads, activation = ENCODERS[name]
    config = CLIPTextConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        hidden_act=activation,
        projection_dim=width,
        eos_token_id=49407,
        bos_token_id=49406,
    )
    cls: Any = CLIPTextModel if name == "text_encoder" else CLIPTextModelWithProjection
    with torch.device("meta"):
        module: Any = cls(config)
    for key, buffer in list(module.named_buffers()):
        owner, _, last = key.rpartition(".")
        setattr(module.get_submodule(owner), last, torch.arange(buffer.shape[-1])[None])
    return module.eval().requires_grad_(False)


def measure(name: str, profile: str, small: bool) -> dict[str, Any]:
    """Seconds of a first and of a second call, and MiB before, and at the peak of, the second."""
    module, call = network(name, small)
    precision = TEXT if name in ENCODERS else EXACT[profile]
    began = time.perf_counter()
    exact = exact_random(module, precision, choose_backend())
    built = time.perf_counter() - began
    count = sum(parameter.numel() for parameter in module.parameters())
    seconds = []
    for _ in range(2):
        with suppress(OSError):  # the peak from here on, where the system can tell it
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        wall, processor = time.perf_counter(), time.process_time()
        exact.run(call, exact.module)
        seconds.append((time.perf_counter() - wall, time.process_time() - processor))
    return {
        "network": name,
        "parameters_M": round(count / 1e6, 1),
        "weights_MiB": round(sum(w.values.nbytes for w in exact.weights.values()) / 2**20),
        "build_s": round(built, 1),
        "first_call_s": round(seconds[0][0], 2),
        "second_call_s": round(seconds[1][0], 2),
        "second_call_processor_s": round(seconds[1][1], 2),
        "peak_MiB": round(peak_of_this_process()),
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--threads", default=2, show_default=True, help="Threads torch may use.")
@click.option("--profile", default=DEFAULT, show_default=True, help="An exact profile.")
@click.option("--networks", default=",".join(NAMES), show_default=True, help="Which to measure.")
@click.option("--small", is_flag=True, help="Small networks, to try the tool.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write numbers here, too.")
def main(threads: int, profile: str, networks: str, small: bool, path: Path | None) -> None:
    """Measure SDXL's networks, one call each, on a processor."""
    torch.set_num_threads(threads)
    names, rows = networks.split(","), []
    for name in names:
        if len(names) == 1:
            rows.append(measure(name, profile, small))
        else:
            words = ["--networks", name, "--threads", str(threads), "--profile", profile]
            printed = run_module("tools.bench.exact.sdxl", *words, *(["--small"] * small))
            rows.append(json.loads(printed.splitlines()[-1]))
        click.echo(json.dumps(rows[-1]))
    if path is not None:
        result = {
            "command": f"python -m tools.bench.exact.sdxl --threads {threads} --profile {profile}",
            "environment": environment(),
            "backend": choose_backend().name,
            "load": round(os.getloadavg()[0], 1),
            "rows": rows,
        }
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
