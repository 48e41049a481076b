"""Speed of U-Nets on a GPU, exact profiles beside float16 and bfloat16."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tools.bench.exact.operations import operations
from tools.bench.exact.unets import evaluation
from tools.bench.gpu_evidence.evidence import PROFILES, Evidence, Report, release
from tools.networks.unets import float_unet, unet_inputs

HALVES = {"float16": torch.float16, "bfloat16": torch.bfloat16}


def speed(evidence: Evidence, found: Report) -> None:
    for case, config in evidence.scale.unets.items():
        for variant in (*HALVES, *PROFILES):
            evidence.check_time()
            module: Any
            if variant in HALVES:
                module = float_unet(config, evidence.device, HALVES[variant])
            else:
                module = evidence.unets.get(config, variant, evidence.device, "")
            seconds = 0.0  # of the batch before, an image
            for batch in evidence.scale.speeds:
                evidence.check_time(2 * batch * seconds)
                key = f"{case}-size U-Net, {variant}, batch {batch}"
                inputs = _cast(
                    unet_inputs(config, range(batch), evidence.device),
                    HALVES.get(variant, torch.float32),
                )
                found[key] = _measured(evidence, module, inputs, batch)
                seconds = found[key]["seconds"] / batch
            del module
            release()
        evidence.unets.clear()


def _cast(inputs: Any, dtype: torch.dtype) -> Any:
    """All floating-point tensors of a nested dictionary, but for the timestep, in ``dtype``."""
    if isinstance(inputs, dict):
        return {k: v if k == "timestep" else _cast(v, dtype) for k, v in inputs.items()}
    is_float = isinstance(inputs, Tensor) and inputs.is_floating_point()
    return inputs.to(dtype) if is_float else inputs


def _measured(evidence: Evidence, module: Any, inputs: Mapping[str, Any], batch: int) -> Report:
    cuda = evidence.device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats(evidence.device)

    def once() -> float:
        evidence.wait()
        began = time.perf_counter()
        with torch.no_grad():
            module(**inputs)
        evidence.wait()
        return time.perf_counter() - began

    times = [once()]
    if times[0] < 2 * evidence.scale.seconds:
        times = [once()]  # the first one also prepared kernels
        while sum(times) < evidence.scale.seconds and len(times) < 30:
            times.append(once())
    seconds = statistics.median(times)
    result: Report = {
        "images_per_second": round(batch / seconds, 3),
        "seconds": round(seconds, 4),
        "repetitions": len(times),
    }
    if cuda:
        result["peak_gib"] = round(torch.cuda.max_memory_allocated(evidence.device) / 2**30, 2)
    return result


def where_time_goes(evidence: Evidence, found: Report) -> None:
    from torch.profiler import ProfilerActivity, profile

    activities = [ProfilerActivity.CPU]
    activities += [ProfilerActivity.CUDA] if evidence.device.type == "cuda" else []
    order = "self_device_time_total" if len(activities) > 1 else "self_cpu_time_total"
    (case, config), *_ = evidence.scale.unets.items()
    inputs = unet_inputs(config, range(1), evidence.device)
    for name in PROFILES:
        evidence.check_time()
        network = evidence.unets.get(config, name, evidence.device, "")
        rows = operations(f"{case}-size U-Net", name, evaluation(network, inputs))
        found[name] = {row["operation"]: row["share"] for row in rows}
        evidence.wait()
        with profile(activities=activities) as profiler:
            network(**inputs)
            evidence.wait()
        table = profiler.key_averages().table(sort_by=order, row_limit=30, max_name_column_width=60)
        (evidence.out / f"profile-{name}.txt").write_text(table, encoding="utf-8")
        found[f"{name}, calls of kernels and operators"] = sum(
            event.count for event in profiler.key_averages()
        )
