"""The command ``python -m tools.bench.gpu_evidence``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

import tools.bench.gpu_evidence as package
from ddcodec.exact.backends import choose_backend
from tools.bench.gpu_evidence.evidence import CPU, FULL, PROFILES, QUICK, Evidence, Report, Scale
from tools.bench.gpu_evidence.identity import (
    UNET,
    families,
    known_answers,
    large_unet,
    tiny_prior,
    unet_digests,
)
from tools.bench.gpu_evidence.speed import speed, where_time_goes
from tools.networks.environment import environment
from tools.networks.unets import ExactUnets


def write_cpu_digests(scale: Scale, path: Path) -> None:
    """Digests that a GPU's results are compared with, by profile and row."""
    (case, config), *_ = scale.unets.items()
    made = ExactUnets()
    result: Report = {
        "command": "python -m tools.bench.gpu_evidence --cpu-digests",
        "environment": environment(),
        "backend": choose_backend().name,
        case: {
            profile: unet_digests(made.get(config, profile, CPU, ""), config, range(scale.rows), 1)
            for profile in PROFILES
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=package.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="folder")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="small networks, few images")
    parser.add_argument("--minutes", type=float, default=9.5)
    parser.add_argument("--cpu-digests", action="store_true")
    arguments = parser.parse_args(argv)
    scale = QUICK if arguments.quick else FULL
    if arguments.cpu_digests:
        write_cpu_digests(scale, UNET if arguments.out is None else arguments.out / UNET.name)
        return 0
    if arguments.out is None:
        parser.error("--out FOLDER is needed")
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print(
            "no CUDA device is at hand, or torch was built without CUDA; run this on a machine "
            "with an NVIDIA GPU, or try the script with --device cpu --quick",
            file=sys.stderr,
        )
        return 2
    arguments.out.mkdir(parents=True, exist_ok=True)
    evidence = Evidence(device, scale, arguments.out, arguments.minutes)
    quick = " --quick" if arguments.quick else ""
    evidence.report["command"] = f"python -m tools.bench.gpu_evidence --device {device.type}{quick}"
    evidence.stage("known answers", 0.2, known_answers)
    evidence.stage("families of networks", 0.3, families)
    evidence.stage("tiny prior", 0.45, tiny_prior)
    evidence.stage("large U-Net", 0.65, large_unet)
    evidence.stage("speed", 0.92, speed)
    evidence.stage("where time goes", 1.0, where_time_goes)
    return 1 if evidence.differences else 0


if __name__ == "__main__":
    sys.exit(main())
