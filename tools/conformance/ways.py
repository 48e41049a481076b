"""The ways of executing networks that must all give the same bits, each a process of its own."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ddcodec.arrays import Int64s
from ddcodec.randomness import shuffled
from tools.processes import run_module


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to execute networks.

    Attributes:
        name: for people.
        batch: samples per network call.
        shuffle: whether images share their batches with other images than usual.
        threads: of torch.
        channels_last: memory format of weights and of what networks get.
        mkldnn: whether torch may use oneDNN.
        backend: of exact execution; the default one if empty.
        environment: variables that cap the instruction sets in use.
    """

    name: str
    batch: int = 16
    shuffle: bool = False
    threads: int = 1
    channels_last: bool = False
    mkldnn: bool = True
    backend: str = ""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def lowest(self) -> bool:
        """Whether all libraries are held to what the oldest processors have."""
        return len(self.environment) > 1 and self.environment["ATEN_CPU_CAPABILITY"] == "default"


def _capped(**environment: str) -> Variant:
    name = ", ".join(f"{key}={value}" for key, value in environment.items())
    return Variant(name, environment=environment)


VARIANTS = (
    Variant("batch 16"),  # the one others are compared with
    Variant("batch 1", batch=1),
    Variant("batch 3", batch=3),
    Variant("batch 8", batch=8),
    Variant("batch 64", batch=64),
    Variant("batch 8, shuffled", batch=8, shuffle=True),
    Variant("2 threads", threads=2),
    Variant("batch 64, 2 threads", batch=64, threads=2),
    Variant("channels last", channels_last=True),
    Variant("oneDNN off", mkldnn=False),
    Variant("int8", backend="int8"),
    Variant("float32 chunks", backend="float32"),
    Variant("float64", backend="float64"),
    *(_capped(ATEN_CPU_CAPABILITY=v) for v in ("default", "avx2", "avx512")),
    *(
        _capped(ONEDNN_MAX_CPU_ISA=v)
        for v in ("SSE41", "AVX2", "AVX512_CORE", "AVX512_CORE_VNNI", "AVX512_CORE_BF16")
    ),
    *(_capped(MKL_CBWR=v) for v in ("COMPATIBLE", "AVX2", "AVX512")),
    *(_capped(MKL_ENABLE_INSTRUCTIONS=v) for v in ("SSE4_2", "AVX2")),
    _capped(ATEN_CPU_CAPABILITY="default", ONEDNN_MAX_CPU_ISA="SSE41", MKL_CBWR="COMPATIBLE"),
    _capped(ATEN_CPU_CAPABILITY="avx2", ONEDNN_MAX_CPU_ISA="AVX2", MKL_CBWR="AVX2"),
)

_VARIABLES = {key for variant in VARIANTS for key in variant.environment} | {"DDCODEC_BACKEND"}


def use(variant: Variant) -> None:
    """Set what a process, not a network, has."""
    torch.set_num_threads(variant.threads)
    torch.backends.mkldnn.enabled = variant.mkldnn  # type: ignore[assignment]


def order(variant: Variant, count: int) -> Int64s:
    """Numbers of the samples, in the order in which they are executed."""
    return shuffled(7, count) if variant.shuffle else np.arange(count)


def settings(variant: Variant) -> dict[str, Any]:
    """A variant's fields, as JSON holds them: ``Variant(**settings(variant)) == variant``."""
    return dataclasses.asdict(variant) | {"environment": dict(variant.environment)}


def run_variant(variant: Variant, module: str, *arguments: str) -> str:
    """Run a module in a variant's environment; returns what it prints."""
    # Whatever the caller's shell sets must not reach a variant that does not ask for it.
    clean = {k: v for k, v in os.environ.items() if k not in _VARIABLES}
    # Threads that wait give way: on a busy machine spinning costs many times the work.
    clean |= {"OMP_NUM_THREADS": str(variant.threads), "OMP_WAIT_POLICY": "passive"}
    clean |= variant.environment
    if variant.backend:
        clean["DDCODEC_BACKEND"] = variant.backend
    return run_module(module, *arguments, environment=clean)
