"""Are the pixels the same whatever executes the prior? One SHA-256 per way of executing it.

    python -m tools.conformance.identity --images 1000 --out spec/evidence/identity-cpu.json

Renders the same images of the tiny prior and of a small random SDXL pipeline, and runs small
random networks of every supported family, in many ways: batch sizes, company in a batch, threads,
memory formats, oneDNN off, back ends, and instruction sets capped by environment variables. Every
way is a process of its own, and executes the exact profiles asked for and, for comparison, plain
float32. Results are kept beside ``--out`` until all are there, so that a run that was stopped goes
on where it was. The exit code is 1 if an exact profile has more than one digest.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddcodec.arrays import UInt8s
from ddcodec.codecs.schedule_table import Schedule, ScheduleTable
from ddcodec.exact.backends import Backend, choose_backend
from ddcodec.exact.network import ExactNetwork
from ddcodec.prior.load import Prior, load_prior
from ddcodec.recipe.profiles import DEFAULT, EXACT, FLOAT, TEXT
from ddcodec.rendering.text2image import text2image
from tools.conformance.ways import VARIANTS, Variant, order, run_variant, settings, use
from tools.networks.engines import MeasuredEngine, exact_networks, float_networks
from tools.networks.environment import environment
from tools.networks.families import Family, families
from tools.networks.pipelines import sdxl_pictures, small_sdxl
from tools.processes import ROOT

Report = dict[str, Any]

MODULE = "tools.conformance.identity"
# What the numbers depend on.
CODE = ("ddcodec/exact", "ddcodec/prior", "ddcodec/rendering", "ddcodec/tables", "tools/networks")
FIRST = 64  # images that also have a digest of their own, for machines where 1,000 take long
SIZE = (32, 32)
CLASSES = ("airplane", "apple", "bird", "boat", "car", "cat", "deer", "dog", "seven", "truck")


# Executing a variant


def engine_of(
    prior: Prior, profile: str, variant: Variant, device: torch.device | None = None
) -> MeasuredEngine:
    """A prior's networks, executed as ``variant`` says; ``prior`` is on the same device."""
    where = prior.device if device is None else device
    layout = torch.channels_last if variant.channels_last else torch.contiguous_format
    modules: Mapping[Any, Any] = float_networks(prior, layout)
    if profile != FLOAT:
        backend = choose_backend(where, variant.backend or None)
        modules = exact_networks(modules, profile, backend)
    config = prior.components.config
    return MeasuredEngine(
        modules, config, profile=profile, device=where, batch=variant.batch, layout=layout
    )


def render(
    prior: Prior,
    engine: MeasuredEngine,
    schedule: Schedule,
    count: int,
    order: Sequence[int] | None = None,
) -> UInt8s:
    """``count`` images of ten classes, uint8 [count, 32, 32, 3], always in the same order.

    Args:
        schedule: as an artifact stores it; a library computes it in floating point.
        order: in which they are rendered.
    """
    prior = dataclasses.replace(prior, engine=engine)
    prompts = prior.prompt([f"a photo of a {name}" for name in CLASSES])
    rows = np.arange(count) if order is None else np.asarray(order)
    images = text2image(
        prior,
        prompts[torch.from_numpy(rows % len(CLASSES)).to(engine.device)],
        None,
        rows.astype(np.uint64),
        schedule,
        (1, 1),
        SIZE,
    )
    return images[np.argsort(rows)]


def family_output(
    name: str, family: Family, profile: str, variant: Variant, device: torch.device | None = None
) -> Tensor:
    """What a small network makes of all its inputs, contiguous, on the CPU."""
    where = torch.device("cpu") if device is None else device
    layout = torch.channels_last if variant.channels_last else torch.contiguous_format
    module = family.module.to(device=where, memory_format=layout)
    run: Callable[[Tensor], Tensor]
    if profile == FLOAT:
        run = lambda x: family.call(module, x)  # noqa: E731
    else:
        precision = TEXT if name.startswith("CLIP") else EXACT[profile]
        backend: Backend = choose_backend(where, variant.backend or None)
        network = ExactNetwork(module, precision, backend)
        run = lambda x: network.run(family.call, network.module, x)  # noqa: E731
    rows = order(variant, len(family.inputs))
    inputs = family.inputs[rows].to(where)
    outputs = []
    with torch.no_grad():
        for start in range(0, len(inputs), variant.batch):
            x = inputs[start : start + variant.batch]
            outputs.append(run(x.contiguous(memory_format=layout) if x.ndim == 4 else x))
    return torch.cat(outputs)[np.argsort(rows)].cpu().contiguous()


def network_digests(profile: str, variant: Variant) -> dict[str, str]:
    """Of what every family of networks makes, and of pictures of a whole SDXL pipeline."""
    prior = small_sdxl()
    pictures = sdxl_pictures(prior, engine_of(prior, profile, variant), variant.shuffle)
    found = {
        name: sha256(family_output(name, family, profile, variant))
        for name, family in families().items()
    }
    return {**found, "SDXL pipeline": sha256(pictures)}


def sha256(values: UInt8s | Tensor) -> str:
    array = values.numpy() if isinstance(values, Tensor) else values
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def execute(
    variant: Variant, profile: str, schedule: Schedule, count: int
) -> tuple[Report, UInt8s]:
    """Everything in one profile and one way."""
    use(variant)
    prior = load_prior("tiny", profile=FLOAT)
    engine = engine_of(prior, profile, variant)
    began = time.perf_counter()
    images = render(prior, engine, schedule, count, order(variant, count).tolist())
    seconds = time.perf_counter() - began
    report: Report = {
        "backend": engine.backend,
        "images_sha256": sha256(images),
        f"first_{FIRST}_sha256": sha256(images[:FIRST]),
        "networks_sha256": network_digests(profile, variant),
        "seconds": round(seconds, 1),
    }
    return report, images


# One process per variant, and what they found


def run_all(
    variants: Sequence[Variant], profiles: Sequence[str], schedule: str, count: int, folder: Path
) -> dict[str, dict[str, Report]]:
    """Reports by variant and profile; those that ``folder`` holds already are not made again.

    Args:
        schedule: the table as ``ScheduleTable`` encodes it, in hexadecimal.
    """
    folder.mkdir(parents=True, exist_ok=True)
    code = _code_digest()
    stems = [folder / _key(v, profiles, schedule, count, code) for v in variants]
    found: dict[str, dict[str, Report]] = {}
    for number, (variant, stem) in enumerate(zip(variants, stems, strict=True)):
        if not stem.with_suffix(".json").is_file():
            task = [settings(variant), list(profiles), schedule, count, str(stem)]
            run_variant(variant, MODULE, "--worker", json.dumps(task))
            if _code_digest() != code:
                raise SystemExit("the package changed while it was measured; start again")
        found[variant.name] = json.loads(stem.with_suffix(".json").read_text("utf-8"))
        for profile in profiles:
            report = found[variant.name][profile]
            images, reference = (np.load(_array(s, profile)) for s in (stem, stems[0]))
            report |= _difference(images, reference)
            _say(number, len(variants), variant.name, profile, report)
    return found


def _worker(argument: str) -> None:
    task, profiles, table, count, stem = json.loads(argument)
    schedule = ScheduleTable().decode(bytes.fromhex(table))
    reports = {}
    for profile in profiles:
        reports[profile], images = execute(Variant(**task), profile, schedule, count)
        np.save(_array(Path(stem), profile), images)
    # Last, so that a report means that all is there.
    Path(stem).with_suffix(".json").write_text(json.dumps(reports), encoding="utf-8")


def _array(stem: Path, profile: str) -> Path:
    return stem.with_name(f"{stem.name}-{profile}.npy")


def _key(variant: Variant, profiles: Sequence[str], schedule: str, count: int, code: bytes) -> str:
    """Names a result by all it depends on."""
    settings = repr((variant, list(profiles), schedule, count))
    return hashlib.sha256(code + settings.encode()).hexdigest()[:20]


def _code_digest() -> bytes:
    state = hashlib.sha256()
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                state.update(path.read_bytes())
    return state.digest()


def _difference(images: UInt8s, reference: UInt8s) -> Report:
    distance = np.abs(images.astype(np.int16) - reference.astype(np.int16))
    return {
        "images_that_differ": int(distance.any((1, 2, 3)).sum()),
        "pixels_that_differ": int(distance.any(3).sum()),
        "largest_difference": int(distance.max(initial=0)),
    }


def _say(number: int, total: int, name: str, profile: str, report: Report) -> None:
    print(
        f"{number + 1:2}/{total}  {profile:6} {report['backend']:8} {report['images_sha256'][:12]} "
        f"{report['images_that_differ']:5} images {report['pixels_that_differ']:7} pixels differ "
        f"{report['seconds']:7.1f} s  {name}",
        flush=True,
    )


def summarise(found: Mapping[str, Mapping[str, Report]], profiles: Sequence[str]) -> Report:
    """Numbers of distinct digests, and how far variants are from the first, by profile."""
    summary: Report = {}
    for profile in profiles:
        reports = [by_profile[profile] for by_profile in found.values()]
        names = sorted(reports[0]["networks_sha256"])
        summary[profile] = {
            "ways": len(reports),
            "distinct_digests_of_images": len({r["images_sha256"] for r in reports}),
            "distinct_digests_of_networks": {
                name: len({r["networks_sha256"][name] for r in reports}) for name in names
            },
            "most_images_that_differ": max(r["images_that_differ"] for r in reports),
            "most_pixels_that_differ": max(r["pixels_that_differ"] for r in reports),
            "largest_difference": max(r["largest_difference"] for r in reports),
        }
    return summary


def is_identical(summary: Mapping[str, Report]) -> bool:
    """Whether every exact profile has one digest of everything."""
    return all(
        report["distinct_digests_of_images"] == 1
        and set(report["distinct_digests_of_networks"].values()) == {1}
        for profile, report in summary.items()
        if profile != FLOAT
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=2, help="of denoising, without guidance")
    parser.add_argument("--profiles", default=DEFAULT, help="exact ones, separated by commas")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.worker:
        _worker(arguments.worker)
        return 0
    if arguments.out is None:
        parser.error("--out FILE.json is needed")
    profiles = [*arguments.profiles.split(","), FLOAT]
    folder = arguments.out.with_name(f".{arguments.out.stem}-unfinished")
    schedule = load_prior("tiny", profile=FLOAT).schedule(arguments.steps)
    table = ScheduleTable().encode(schedule).hex()
    found = run_all(VARIANTS, profiles, table, arguments.images, folder)
    summary = summarise(found, profiles)
    result = {
        "command": f"python -m tools.conformance.identity --images {arguments.images} --steps "
        f"{arguments.steps} --profiles {arguments.profiles} --out {arguments.out.name}",
        "environment": environment(),
        "images": arguments.images,
        "schedule": table,
        "summary": summary,
        "ways": [{**_named(v), "results": found[v.name]} for v in VARIANTS],
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder)
    print(json.dumps(summary, indent=1))
    return 0 if is_identical(summary) else 1


def _named(variant: Variant) -> Report:
    fields = settings(variant)
    return {"name": fields.pop("name"), "settings": fields}


if __name__ == "__main__":
    sys.exit(main())
