"""Exact execution on an NVIDIA GPU: the same bits as on CPUs, and how quickly. One command.

    python tools/gpu_evidence.py --out spec/evidence/gpu

Takes at most ten minutes (``--minutes``); what does not fit is left out and said so. Needs CUDA,
diffusers and ddcodec's other dependencies; Python 3.11 and torch 2.11 suffice. Writes
``evidence.json`` after every stage, ``evidence.md`` and the profiler's tables:

1. known answers: start-up tests of every back end, and the vectors of spec/exact.md;
2. identity: small networks of every family, the tiny prior and a U-Net of Stable Diffusion 1.5's
   size with random weights, on the GPU in several batch sizes and back ends, against digests made
   on CPUs (spec/vectors/exact/images.json, spec/evidence/identity-cpu.json, sd15-cpu.json);
3. speed: evaluations of U-Nets of SD 1.5's and SDXL-Turbo's size a second, exact profiles beside
   float16 and bfloat16, and where time goes.

``--cpu-digests`` writes spec/evidence/sd15-cpu.json (minutes, 4 GB; needs no GPU).
``--device cpu --quick`` runs everything on the CPU with small networks, to try the script. The exit
code is 1 if any digest differs.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import bench_exact
import identity
import make_image_vectors
import networks
import torch
from identity import Variant
from networks import Config, ExactUnets
from torch import Tensor

from ddcodec.codecs.schedule import ScheduleTable
from ddcodec.errors import DdcodecError
from ddcodec.exact.backends import BACKENDS, choose_backend
from ddcodec.exact.network import ExactNetwork
from ddcodec.exact.profiles import DEFAULT, FLOAT
from ddcodec.prior.load import load_prior

Report = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
EVIDENCE = ROOT / "spec" / "evidence"
IMAGES, UNET = EVIDENCE / "identity-cpu.json", EVIDENCE / "sd15-cpu.json"
CPU = torch.device("cpu")
PROFILES = ("w8a8", "w8a15")
HALVES = {"float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclasses.dataclass(frozen=True)
class Scale:
    """How large everything is.

    Attributes:
        unets: by name, the U-Nets whose speed is measured; the first one's identity is, too.
        images: of the tiny prior that large batches render.
        batches: of identity.
        speeds: batches of speed.
        rows: of the first U-Net, whose digests are made on a CPU.
        seconds: of repeated evaluations for one number.
    """

    unets: Mapping[str, Config]
    images: int
    batches: tuple[int, ...]
    speeds: tuple[int, ...]
    rows: int
    seconds: float


FULL = Scale(
    {"sd15": networks.SD15, "sdxl-turbo": networks.SDXL_TURBO},
    1000,
    (1, 3, 8, 64),
    (1, 8, 32),
    2,
    4,
)
QUICK = Scale(
    {"small-sd15": networks.SMALL_SD15, "small-sdxl": networks.SMALL_SDXL},
    6,
    (1, 3),
    (1, 2),
    2,
    0.1,
)


class OutOfTime(Exception):
    """A stage's share of the minutes is used up."""


class Evidence:
    """What has been found, and the time that is left."""

    def __init__(self, device: torch.device, scale: Scale, out: Path, minutes: float) -> None:
        self.device, self.scale, self.out = device, scale, out
        self.began, self.limit = time.monotonic(), 60 * minutes
        self.report: Report = {"device": _device_name(device), "cuda": torch.version.cuda}
        self.report |= {"environment": networks.environment()}
        self.differences: list[str] = []
        self.unets = ExactUnets()
        self._deadline = self.limit

    def stage(self, name: str, share: float, work: Callable[[Evidence, Report], None]) -> None:
        """Run one stage until ``share`` of all minutes is used; keep what it found, and go on."""
        found: Report = {}
        self.report[name] = found
        self._deadline = share * self.limit
        began = time.monotonic()
        try:
            self.check_time()
            work(self, found)
        except OutOfTime:
            found["left_out"] = "the rest: its time was used up"
        except (RuntimeError, DdcodecError, OSError, subprocess.SubprocessError) as error:
            found["failed"] = f"{type(error).__name__}: {str(error)[:500]}"
            self.differences.append(f"{name} failed")
        found["seconds"] = round(time.monotonic() - began, 1)
        _release()
        print(f"{name}: {found['seconds']} s", json.dumps(found)[:2000], flush=True)
        self.write()

    def check_time(self, needed: float = 0.0) -> None:
        """Write down what there is, and stop the stage if ``needed`` seconds are not left."""
        self.write()
        if time.monotonic() - self.began + needed > self._deadline:
            raise OutOfTime

    def compare(self, found: Report, what: str, value: Any, expected: Any) -> None:
        """Note whether two digests are one."""
        found[what] = "equal" if value == expected else f"differs: {value}, expected {expected}"
        if value != expected:
            self.differences.append(what)

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def write(self) -> None:
        self.report["differences"] = self.differences
        self.report["seconds"] = round(time.monotonic() - self.began, 1)
        text = json.dumps(self.report, indent=1) + "\n"
        (self.out / "evidence.json").write_text(text, encoding="utf-8")
        (self.out / "evidence.md").write_text(_markdown(self.report), encoding="utf-8")


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def _release() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextlib.contextmanager
def _forced(backend: str) -> Iterator[None]:
    """The environment variable by which users choose a back end."""
    before = os.environ.pop("DDCODEC_BACKEND", None)
    os.environ["DDCODEC_BACKEND"] = backend
    try:
        yield
    finally:
        del os.environ["DDCODEC_BACKEND"]
        if before is not None:
            os.environ["DDCODEC_BACKEND"] = before


# Known answers


def known_answers(evidence: Evidence, found: Report) -> None:
    for name in BACKENDS:
        try:
            found[name] = f"passes as {choose_backend(evidence.device, name).name}"
        except DdcodecError as error:
            found[name] = str(error)
            evidence.differences.append(f"known answers of {name}")
    found["chosen"] = choose_backend(evidence.device).name
    if importlib.util.find_spec("pytest") is None:
        found["vectors"] = "left out: pytest is not installed"
        return
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # The project makes warnings errors; those of another library version do not matter here.
    command += ["-o", "filterwarnings=default", "tests/exact/test_vectors.py"]
    if evidence.scale is QUICK:
        command += ["-k", "test_linear_layers or test_functions"]
    environment = os.environ | {"DDCODEC_TEST_DEVICE": str(evidence.device)}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200
    )
    lines = done.stdout.strip().splitlines()
    found["vectors"] = lines[-1] if lines else done.stderr[-500:]
    if done.returncode:
        found["vectors_that_fail"] = [line for line in lines if line.startswith("FAILED")][:20]
        evidence.differences.append("vectors")


# Identity


def families(evidence: Evidence, found: Report) -> None:
    made = networks.families()
    for profile in PROFILES:
        on_cpu = {
            name: identity.sha256(identity.family_output(name, family, profile, Variant("CPU")))
            for name, family in made.items()
        }
        for backend in BACKENDS:
            for batch in (1, 3, 8):
                evidence.check_time()
                variant = Variant("GPU", batch=batch, backend=backend)
                for name, family in made.items():
                    output = identity.family_output(name, family, profile, variant, evidence.device)
                    what = f"{name}, {profile}, {backend}, batch {batch}"
                    evidence.compare(found, what, identity.sha256(output), on_cpu[name])


def tiny_prior(evidence: Evidence, found: Report) -> None:
    stored = json.loads(make_image_vectors.OUT.read_text(encoding="utf-8"))
    quick = evidence.scale is QUICK
    for backend in BACKENDS[:1] if quick else BACKENDS:
        evidence.check_time()
        with _forced(backend):
            built = make_image_vectors.build(str(evidence.device), stored["schedule"])
        evidence.compare(found, f"images.json, {backend}", built["profiles"], stored["profiles"])
    committed = json.loads(IMAGES.read_text(encoding="utf-8")) if IMAGES.is_file() else None
    cpu, device = (load_prior("tiny", profile=FLOAT, device=d) for d in (CPU, evidence.device))
    few = min(identity.FIRST, evidence.scale.images)
    if committed is None:
        schedule = cpu.schedule(2)
    else:
        schedule = ScheduleTable().decode(bytes.fromhex(committed["schedule"]))
    reference = identity.engine_of(cpu, DEFAULT, Variant("CPU"))
    expected = identity.sha256(identity.render(cpu, reference, schedule, few))
    if committed is not None and few == identity.FIRST:
        first = committed["ways"][0]["results"][DEFAULT]
        what = f"first {few} images, this CPU against identity-cpu.json"
        evidence.compare(found, what, expected, first[f"first_{few}_sha256"])
    for batch in evidence.scale.batches:
        for backend in BACKENDS:
            evidence.check_time()
            engine = identity.engine_of(device, DEFAULT, Variant("", batch=batch, backend=backend))
            images = identity.render(device, engine, schedule, few)
            what = f"first {few} images, {backend}, batch {batch}"
            evidence.compare(found, what, identity.sha256(images), expected)
    if committed is not None and committed["images"] == evidence.scale.images:
        evidence.check_time()
        engine = identity.engine_of(device, DEFAULT, Variant("", batch=250))
        images = identity.render(device, engine, schedule, evidence.scale.images)
        expected = committed["ways"][0]["results"][DEFAULT]["images_sha256"]
        what = f"{evidence.scale.images} images against identity-cpu.json"
        evidence.compare(found, what, identity.sha256(images), expected)


def large_unet(evidence: Evidence, found: Report) -> None:
    (case, config), *_ = evidence.scale.unets.items()
    committed = json.loads(UNET.read_text(encoding="utf-8")) if UNET.is_file() else {}
    for profile in PROFILES:
        expected = committed.get(case, {}).get(profile)
        if expected is None:
            evidence.check_time()
            network = ExactUnets().get(config, profile, CPU, "")
            expected = unet_digests(network, config, range(evidence.scale.rows), 1)
            found[f"{profile}, digests"] = "made on this machine's CPU"
        for backend in BACKENDS:
            network = evidence.unets.get(config, profile, evidence.device, backend)
            seconds = 0.0  # of the batch before, a row
            # All large batches in all back ends would take the time of everything else.
            for batch in evidence.scale.batches if backend == BACKENDS[0] else (1, 3):
                rows = range(max(batch, evidence.scale.rows))
                evidence.check_time(seconds * len(rows))
                began = time.monotonic()
                digests = unet_digests(network, config, rows, batch)
                seconds = (time.monotonic() - began) / len(rows)
                what = f"{case}-size U-Net, {profile}, {backend}, batch {batch}"
                both = min(len(digests), len(expected))
                evidence.compare(found, what, digests[:both], expected[:both])
                # Rows that no CPU has made are held to those of smaller batches.
                expected = expected + digests[both:]


def unet_digests(network: ExactNetwork, config: Config, rows: range, batch: int) -> list[str]:
    """SHA-256 of each row of one evaluation, by a U-Net with random weights."""
    digests = []
    for start in range(0, len(rows), batch):
        inputs = networks.unet_inputs(config, rows[start : start + batch], network.backend.device)
        output: Tensor = network(**inputs)[0]
        digests += [identity.sha256(row.cpu().contiguous()) for row in output]
    return digests


# Speed


def speed(evidence: Evidence, found: Report) -> None:
    for case, config in evidence.scale.unets.items():
        for variant in (*HALVES, *PROFILES):
            evidence.check_time()
            module: Any
            if variant in HALVES:
                module = networks.float_unet(config, evidence.device, HALVES[variant])
            else:
                module = evidence.unets.get(config, variant, evidence.device, "")
            seconds = 0.0  # of the batch before, an image
            for batch in evidence.scale.speeds:
                evidence.check_time(2 * batch * seconds)
                key = f"{case}-size U-Net, {variant}, batch {batch}"
                inputs = _cast(
                    networks.unet_inputs(config, range(batch), evidence.device),
                    HALVES.get(variant, torch.float32),
                )
                found[key] = _measured(evidence, module, inputs, batch)
                seconds = found[key]["seconds"] / batch
            del module
            _release()
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
    inputs = networks.unet_inputs(config, range(1), evidence.device)
    for name in PROFILES:
        evidence.check_time()
        network = evidence.unets.get(config, name, evidence.device, "")
        rows = bench_exact.operations(
            f"{case}-size U-Net", name, bench_exact.evaluation(network, inputs)
        )
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


# The report


def _markdown(report: Mapping[str, Any]) -> str:
    lines = [
        f"# Exact execution on {report['device']}",
        "",
        f"`{report.get('command', '')}`, torch {report['environment']['torch']}, CUDA "
        f"{report['cuda']}, {report['seconds']} s. "
        + (
            f"**Different: {report['differences']}**" if report["differences"] else "No difference."
        ),
    ]
    for stage, found in report.items():
        if not isinstance(found, dict) or stage == "environment":
            continue
        lines += ["", f"## {stage}", ""]
        if stage == "speed":
            lines += _speed_table(found)
            continue
        equal = sum(value == "equal" for value in found.values())
        if equal:
            lines += [f"{equal} digests are equal to those of CPUs."]
        lines += [f"- {k}: {_short(v)}" for k, v in found.items() if v != "equal"]
    return "\n".join(lines) + "\n"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {100 * v:.0f} %" for k, v in value.items())
    return str(value)[:300]


def _speed_table(found: Mapping[str, Any]) -> list[str]:
    lines = ["| | images/s | s | peak GiB |", "| --- | ---: | ---: | ---: |"]
    for key, value in found.items():
        if isinstance(value, dict):
            cells = (value["images_per_second"], value["seconds"], value.get("peak_gib", ""))
            lines.append("| " + " | ".join([key, *map(str, cells)]) + " |")
    lines += ["", "An image is one evaluation of the U-Net, without guidance."]
    return lines + [f"- {k}: {v}" for k, v in found.items() if k in ("left_out", "failed")]


def write_cpu_digests(scale: Scale, path: Path) -> None:
    """Digests that a GPU's results are compared with, by profile and row."""
    (case, config), *_ = scale.unets.items()
    made = ExactUnets()
    result: Report = {
        "command": "python tools/gpu_evidence.py --cpu-digests",
        "environment": networks.environment(),
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
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
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
    evidence.report["command"] = f"python tools/gpu_evidence.py --device {device.type}{quick}"
    evidence.stage("known answers", 0.2, known_answers)
    evidence.stage("families of networks", 0.3, families)
    evidence.stage("tiny prior", 0.45, tiny_prior)
    evidence.stage("large U-Net", 0.65, large_unet)
    evidence.stage("speed", 0.92, speed)
    evidence.stage("where time goes", 1.0, where_time_goes)
    return 1 if evidence.differences else 0


if __name__ == "__main__":
    sys.exit(main())
