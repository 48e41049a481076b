"""Speed, memory and quality of exact profiles beside float32 and bfloat16 on the same shapes.

    python tools/bench_exact.py --threads 1 --json exact.json
    python tools/bench_exact.py --parts sd15 --repeat 3
    python tools/bench_exact.py --parts tiny --profile-ops

Parts: ``tiny`` (the tiny prior: U-Net, decoder, whole images), ``sd15`` (one evaluation of a U-Net
of Stable Diffusion 1.5's size with random weights, and the peak memory of a process that does only
that), ``quality`` (signal to noise of one evaluation along real denoising, and of pictures).

Variants take turns within one run and medians are reported: quote ratios, not seconds. With one
thread, seconds are the processor's, so that other work on the machine matters less; with more they
are the wall clock's. bfloat16 is diffusers under autocast.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import click
import networks
import numpy as np
import torch
from networks import MeasuredEngine
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.overrides import resolve_name

from ddcodec.exact import interpreter
from ddcodec.exact.backends import choose_backend
from ddcodec.exact.network import ExactNetwork
from ddcodec.exact.profiles import EXACT, FLOAT
from ddcodec.prior.engine import Engine
from ddcodec.prior.load import Prior, load_prior
from ddcodec.synthesis.text2image import text2image

CPU = torch.device("cpu")
PARTS = ("tiny", "sd15", "quality")
REFERENCE, MIXED = "float32", "bfloat16"
STEPS, GUIDANCE, SIZE = 8, (5, 2), (64, 64)
PROMPTS = tuple(f"a photo of a {name}" for name in ("dog", "ship", "seven", "sunflower"))

Work = Callable[[], object]
Row = dict[str, Any]


def clock() -> float:
    """Seconds: of this process where it has one thread and no GPU, else of the wall."""
    alone = torch.get_num_threads() == 1 and not torch.cuda.is_available()
    return time.process_time() if alone else time.perf_counter()


def interleaved(variants: Mapping[str, Work], repeat: int) -> dict[str, float]:
    """Median seconds of each, after one round that is not counted; a round runs all of them."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(repeat + 1):
        for name, work in variants.items():
            began = clock()
            work()
            if number:
                times[name].append(clock() - began)
    return {name: statistics.median(values) for name, values in times.items()}


def timed(case: str, variants: Mapping[str, Work], repeat: int) -> list[Row]:
    """One row a variant: seconds, and their ratio to float32's."""
    medians = interleaved(variants, repeat)
    return [
        {
            "case": case,
            "variant": name,
            "seconds": round(seconds, 4),
            "ratio": round(seconds / medians[REFERENCE], 3),
        }
        for name, seconds in medians.items()
    ]


# The tiny prior


class TinyPrior:
    """The tiny prior in every variant.

    Attributes:
        priors: by variant; a variant's engine cuts work into calls as the exact engine does.
    """

    def __init__(self, profiles: tuple[str, ...]) -> None:
        base = load_prior("tiny", profile=FLOAT)
        self.base = base
        modules = networks.float_networks(base)
        self.priors = {
            REFERENCE: self._measured(modules, None),
            MIXED: self._measured(modules, torch.bfloat16),
        }
        for name in profiles:
            self.priors[name] = load_prior("tiny", profile=name)

    def _measured(self, modules: Any, autocast: torch.dtype | None) -> Prior:
        engine = _FloatEngine(
            modules,
            self.base.components.config,
            profile=FLOAT,
            device=CPU,
            batch=1,
            autocast=autocast,
        )
        return dataclasses.replace(self.base, engine=engine)

    def hidden(self, prior: Prior, count: int) -> Tensor:
        rows = torch.cat([prior.prompt(text) for text in PROMPTS])
        return rows[torch.arange(count) % len(rows)]


class _FloatEngine(MeasuredEngine):
    """Calls of as many samples as an exact engine's: float execution, too, likes them best."""

    def _samples(self, name: Any, positions: int) -> int:
        return max(1, (1 << 14) // positions)


def bench_tiny(profiles: tuple[str, ...], batches: tuple[int, ...], repeat: int) -> list[Row]:
    tiny = TinyPrior(profiles)
    rows = []
    for batch in batches:
        x = networks.random_tensor("latents", (batch, *tiny.base.latent_shape(*SIZE)))
        hidden = tiny.hidden(tiny.base, batch)
        evaluations = {
            name: _bound(prior.engine.predict, x, 500.0, hidden)
            for name, prior in tiny.priors.items()
        }
        rows += timed(f"tiny U-Net, batch {batch}", evaluations, repeat)
        decoders = {name: _bound(prior.engine.decode, x) for name, prior in tiny.priors.items()}
        rows += timed(f"tiny decoder, batch {batch}", decoders, repeat)
        whole = {name: _bound(pictures, prior, batch) for name, prior in tiny.priors.items()}
        rows += timed(f"tiny images, batch {batch}", whole, max(1, repeat // 3))
    return rows


def pictures(prior: Prior, count: int) -> Any:
    """Everything from prompts to uint8: 8 steps with guidance 2.5, as ``ddz decode`` does it."""
    hidden = torch.cat([prior.prompt(text) for text in PROMPTS])
    hidden = hidden[torch.arange(count) % len(hidden)]
    seeds = np.arange(count, dtype=np.uint64)
    schedule = prior.schedule(STEPS)
    return text2image(prior, hidden, prior.unconditioned(), seeds, schedule, GUIDANCE, SIZE)


def _bound(function: Callable[..., Any], *arguments: Any) -> Work:
    return lambda: function(*arguments)


# A U-Net of Stable Diffusion 1.5's size


def unet_variants(
    config: networks.Config, profiles: tuple[str, ...], inputs: Mapping[str, Any]
) -> dict[str, Callable[[], Tensor]]:
    """One evaluation in every variant; all are in memory, profiles share integer weights."""
    module = networks.float_unet(config, CPU)

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


def bench_unet(case: str, config: networks.Config, profiles: tuple[str, ...], repeat: int) -> Row:
    """Seconds, signal to noise and peak memory of one evaluation."""
    memory = {name: peak_memory(case, name) for name in (REFERENCE, MIXED, *profiles)}
    inputs = networks.unet_inputs(config, range(1), CPU)
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
    command = [sys.executable, str(Path(__file__).resolve()), "--peak-of", f"{case}:{variant}"]
    command += ["--threads", str(torch.get_num_threads())]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(answer.splitlines()[-1])


def _measure_peak(task: str) -> float:
    case, variant = task.split(":")
    config = _CONFIGS[case]
    inputs = networks.unet_inputs(config, range(1), CPU)
    if variant in EXACT:
        network = networks.exact_unet(config, EXACT[variant], choose_backend())
        network(**inputs)
    else:
        module = networks.float_unet(config, CPU)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=variant == MIXED):
            module(**inputs)
    return _peak_of_this_process()


def _peak_of_this_process() -> float:
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage counts what the parent had when it started this process
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


_CONFIGS = {"sd15": networks.SD15, "small": networks.SMALL_SD15}


# Quality


def sqnr(found: Tensor, reference: Tensor) -> float:
    """Signal to quantisation noise, decibel."""
    signal, noise = reference.double(), (found - reference).double()
    return round(10 * float((signal.square().sum() / noise.square().sum()).log10()), 2)


def psnr(found: Any, reference: Any) -> float:
    """Of uint8 pictures, decibel."""
    error = np.square(found.astype(np.float64) - reference.astype(np.float64)).mean()
    return round(10 * float(np.log10(255.0**2 / error)), 2) if error else float("inf")


class _Recording:
    """An engine that remembers what the U-Net was given and what it said."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.calls: list[tuple[Tensor, float, Tensor, Tensor]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def predict(self, x: Tensor, timestep: float, hidden: Tensor) -> Tensor:
        out = self.engine.predict(x, timestep, hidden)
        self.calls.append((x, timestep, hidden, out))
        return out

    def decode(self, latents: Tensor) -> Any:
        self.latents = latents
        return self.engine.decode(latents)


def bench_quality(profiles: tuple[str, ...], count: int = 64) -> list[Row]:
    """Every variant on what float32 met while it made ``count`` pictures."""
    tiny = TinyPrior(profiles)
    recording = _Recording(tiny.priors[REFERENCE].engine)
    truth = pictures(dataclasses.replace(tiny.base, engine=recording), count)
    decoded = tiny.priors[REFERENCE].engine.decode(recording.latents)
    rows = []
    for name, prior in tiny.priors.items():
        if name == REFERENCE:
            continue
        steps = [sqnr(prior.engine.predict(*call[:3]), call[3]) for call in recording.calls]
        rows.append(
            {
                "case": "tiny prior",
                "variant": name,
                "sqnr_db": round(statistics.mean(steps), 2),
                "sqnr_worst_step_db": min(steps),
                "psnr_decoder_db": psnr(prior.engine.decode(recording.latents), decoded),
                "psnr_images_db": psnr(pictures(prior, count), truth),
            }
        )
    return rows


# Where time goes


@contextlib.contextmanager
def handler_times() -> Iterator[dict[str, float]]:
    """Seconds in each function that exact execution replaces or lets through, by its name.

    On a GPU each is waited for, so sums are those of the device's work, one by one.
    """
    seconds: defaultdict[str, float] = defaultdict(float)
    original = interpreter.Interpreter.__torch_function__
    wait = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None

    def measured(
        self: Any, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        wait()
        began = clock()
        result = original(self, func, types, args, kwargs)
        wait()
        spent = clock() - began
        name = (resolve_name(func) or str(func)).removeprefix("torch.").removeprefix("nn.")
        seconds[name if func in interpreter._HANDLERS else f"({name})"] += spent
        return result

    interpreter.Interpreter.__torch_function__ = measured  # type: ignore[method-assign]
    try:
        yield seconds
    finally:
        interpreter.Interpreter.__torch_function__ = original  # type: ignore[method-assign]


def operations(case: str, variant: str, work: Work, most: int = 12) -> list[Row]:
    """Shares of one call's time by function; those in brackets pass through unchanged."""
    work()
    began = clock()
    with handler_times() as seconds:
        work()
    total = clock() - began
    rest = total - sum(seconds.values())
    longest = sorted(seconds.items(), key=lambda item: -item[1])[:most]
    shares = [*longest, ("Python and the rest", rest)]
    return [
        {"case": case, "variant": variant, "operation": name, "share": round(value / total, 3)}
        for name, value in shares
    ]


def profile_tiny(profiles: tuple[str, ...], batch: int) -> list[Row]:
    tiny = TinyPrior(profiles)
    x = networks.random_tensor("latents", (batch, *tiny.base.latent_shape(*SIZE)))
    hidden = tiny.hidden(tiny.base, batch)
    rows = []
    for name in profiles:
        engine = tiny.priors[name].engine
        predict, decode = _bound(engine.predict, x, 500.0, hidden), _bound(engine.decode, x)
        rows += operations(f"tiny U-Net, batch {batch}", name, predict)
        rows += operations(f"tiny decoder, batch {batch}", name, decode)
    return rows


def profile_unet(case: str, profiles: tuple[str, ...]) -> list[Row]:
    config = _CONFIGS[case]
    inputs = networks.unet_inputs(config, range(1), CPU)
    rows = []
    for name in profiles:
        network = networks.exact_unet(config, EXACT[name], choose_backend())
        rows += operations(f"{case}-size U-Net", name, evaluation(network, inputs))
    return rows


# The command


def show(title: str, rows: list[Row]) -> None:
    table = Table(title=title)
    for key in rows[0]:
        table.add_column(key, justify="left" if isinstance(rows[0][key], str) else "right")
    for before, row in zip([None, *rows], rows, strict=False):
        if before is not None and before["case"] != row["case"]:
            table.add_section()
        table.add_row(*(str(value) for value in row.values()))
    Console(width=120).print(table)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--threads", default=1, show_default=True, help="Threads torch may use.")
@click.option("--repeat", default=7, show_default=True, help="Counted rounds; a third for images.")
@click.option("--parts", default=",".join(PARTS), show_default=True, help="What to measure.")
@click.option("--profiles", default="w8a8,w8a15,w15a15", show_default=True, help="Exact profiles.")
@click.option("--batches", default="16,64,128", show_default=True, help="Of the tiny prior.")
@click.option("--small", is_flag=True, help="A small U-Net in place of SD 1.5's, to try the tool.")
@click.option("--profile-ops", is_flag=True, help="Show where time goes, and nothing else.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write numbers here, too.")
@click.option("--peak-of", hidden=True)
def main(
    threads: int,
    repeat: int,
    parts: str,
    profiles: str,
    batches: str,
    small: bool,
    profile_ops: bool,
    path: Path | None,
    peak_of: str | None,
) -> None:
    """Measure exact profiles beside float32 and bfloat16 diffusers."""
    torch.set_num_threads(threads)
    if peak_of:
        click.echo(_measure_peak(peak_of))
        return
    names, wanted = tuple(profiles.split(",")), parts.split(",")
    sizes = tuple(int(size) for size in batches.split(","))
    case = "small" if small else "sd15"
    result: dict[str, list[Row]] = {"speed": [], "memory": [], "quality": [], "operations": []}
    if profile_ops:
        if "tiny" in wanted:
            result["operations"] += profile_tiny(names, sizes[0])
        if "sd15" in wanted:
            result["operations"] += profile_unet(case, names)
    else:
        if "tiny" in wanted:
            result["speed"] += bench_tiny(names, sizes, repeat)
        if "quality" in wanted:
            result["quality"] += bench_quality(names)
        if "sd15" in wanted:
            for key, rows in bench_unet(case, _CONFIGS[case], names, repeat).items():
                result[key] += rows
    for key, rows in result.items():
        for group in _alike(rows):
            show(key, group)
    if path is not None:
        head = {
            "command": f"python tools/bench_exact.py --threads {threads} --repeat {repeat} "
            f"--parts {parts} --profiles {profiles} --batches {batches}",
            "environment": networks.environment(),
            "threads": threads,
            "backend": choose_backend().name,
            "load": round(os.getloadavg()[0], 1),
        }
        path.write_text(json.dumps(head | result, indent=1) + "\n", encoding="utf-8")


def _alike(rows: list[Row]) -> list[list[Row]]:
    """Rows with the same columns together."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    return list(groups.values())


if __name__ == "__main__":
    main()
