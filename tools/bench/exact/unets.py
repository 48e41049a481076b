"""One evaluation of a U-Net of Stable Diffusion 1.5's size: seconds, quality, peak memory."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ddcodec.exact.backends import choose_backend
from ddcodec.exact.network import ExactNetwork
from ddcodec.recipe.profiles import EXACT
from tools.bench.exact.operations import operations
from tools.bench.exact.quality import sqnr
from tools.bench.exact.rows import MIXED, REFERENCE, Row, timed
from tools.networks.unets import (
    SD15,
    SMALL_SD15,
    Config,
    exact_unet,
    float_unet,
    unet_inputs,
)
from tools.processes import run_module

CPU = torch.device("cpu")
CONFIGS = {"sd15": SD15, "small": SMALL_SD15}


def unet_variants(
    config: Config, profiles: tuple[str, ...], inputs: Mapping[str, Any]
) -> dict[str, Callable[[], Tensor]]:
    """One evaluation in every variant; all are in memory, profiles share integer weights."""
    module = float_unet(config, CPU)

    def plain() -> Tensor:
        with torch.no_grad():
            out: Tensor = module(**inputs)[0]
        return out

    def mixed() -> Tensor:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            out: Tensor = module(**inputs)[0]
        return out.float()

    variants: dict[str, Callable[[], Tensor]] = {REFERENCE: plain, MIXED: mixed}
    made = dict[int, ExactNetwork]()
    for name in profiles:
        profile = EXACT[name]
        known = made.get(profile.weight_digits)
        weights = None if known is None else known.weights
        network = ExactNetwork(module, profile, choose_backend(), weights)
        made[profile.weight_digits] = network
        variants[name] = evaluation(network, inputs)
    return variants


def evaluation(network: ExactNetwork, inputs: Mapping[str, Any]) -> Callable[[], Tensor]:
    """One call of a U-Net."""

    def evaluate() -> Tensor:
        out: Tensor = network(**inputs)[0]
        return out

    return evaluate


def bench_unet(case: str, config: Config, profiles: tuple[str, ...], repeat: int) -> Row:
    """Seconds, signal to noise and peak memory of one evaluation."""
    memory = {name: peak_memory(case, name) for name in (REFERENCE, MIXED, *profiles)}
    inputs = unet_inputs(config, range(1), CPU)
    variants = unet_variants(config, profiles, inputs)
    rows = timed(f"{case}-size U-Net, batch 1", variants, repeat)
    reference = variants[REFERENCE]()
    quality = [
        {"case": f"{case}-size U-Net", "variant": name, "sqnr_db": sqnr(work(), reference)}
        for name, work in variants.items()
        if name != REFERENCE
    ]
    peaks = [
        {
            "case": f"{case}-size U-Net",
            "variant": name,
            "peak_mib": round(peak),
            "ratio": round(peak / memory[REFERENCE], 3),
        }
        for name, peak in memory.items()
    ]
    return {"speed": rows, "quality": quality, "memory": peaks}


def peak_memory(case: str, variant: str) -> float:
    """MiB of a process that makes one variant's weights, never all of them as floats, and runs."""
    words = ["--peak-of", f"{case}:{variant}", "--threads", str(torch.get_num_threads())]
    return float(run_module("tools.bench.exact", *words).splitlines()[-1])


def measure_peak(task: str) -> float:
    case, variant = task.split(":")
    config = CONFIGS[case]
    inputs = unet_inputs(config, range(1), CPU)
    if variant in EXACT:
        network = exact_unet(config, EXACT[variant], choose_backend())
        network(**inputs)
    else:
        module = float_unet(config, CPU)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=variant == MIXED):
            module(**inputs)
    return peak_of_this_process()


def peak_of_this_process() -> float:
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage counts what the parent had when it started this process
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def profile_unet(case: str, profiles: tuple[str, ...]) -> list[Row]:
    config = CONFIGS[case]
    inputs = unet_inputs(config, range(1), CPU)
    rows = []
    for name in profiles:
        network = exact_unet(config, EXACT[name], choose_backend())
        rows += operations(f"{case}-size U-Net", name, evaluation(network, inputs))
    return rows
