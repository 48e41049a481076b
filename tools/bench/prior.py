"""Time to load the tiny prior: unpacked for the first time, from the cache, and again.

    python -m tools.bench.prior

Each figure is the median over processes of their own, in seconds of the wall, after the libraries
(torch, diffusers, transformers) are imported, whose time is beside it. "first" has an empty cache:
integers are unpacked to float32 and, in an exact profile, integer weights are derived and back
ends checked against their known answers. "cached" is the first load of any later process, "again"
another one in the same process. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time

import click

from tools.processes import run_module

PARTS = ("imports", "load", "again")


@click.command()
@click.option("--profiles", default="float,w8a15", show_default=True)
@click.option("--threads", default=2, show_default=True, help="Threads torch may use.")
@click.option("--repeat", default=5, show_default=True, help="Processes per figure.")
@click.option("--child", hidden=True)
def main(profiles: str, threads: int, repeat: int, child: str | None) -> None:
    """Time the loading of the tiny prior."""
    if child is not None:
        click.echo(json.dumps(load_twice(child, threads)))
        return
    result: dict[str, object] = {"threads": threads, "processes": repeat}
    for profile in profiles.split(","):
        first, cached = [], []
        for _ in range(repeat):
            with tempfile.TemporaryDirectory() as cache:
                first.append(in_process(profile, threads, cache))
                cached.append(in_process(profile, threads, cache))
        result[profile] = {
            "first": middle([t["load"] for t in first]),
            "cached": middle([t["load"] for t in cached]),
            "again": middle([t["again"] for t in cached]),
            "imports before": middle([t["imports"] for t in first + cached]),
        }
    click.echo(json.dumps(result, indent=1))


def load_twice(profile: str, threads: int) -> dict[str, float]:
    """Seconds of importing the libraries, of loading the prior, and of loading it again."""
    marks = [time.perf_counter()]
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel  # noqa: F401
    from transformers import CLIPTextModel, CLIPTokenizer  # noqa: F401

    from ddcodec.prior.load import load_prior

    torch.set_num_threads(threads)
    marks.append(time.perf_counter())
    for _ in range(2):
        load_prior("tiny", profile=profile)
        marks.append(time.perf_counter())
    return {part: marks[i + 1] - marks[i] for i, part in enumerate(PARTS)}


def in_process(profile: str, threads: int, cache: str) -> dict[str, float]:
    """``load_twice`` in a new process with a cache folder of its own."""
    words = ["--child", profile, "--threads", str(threads)]
    environment = {**os.environ, "DDCODEC_CACHE": cache}
    done = run_module("tools.bench.prior", *words, environment=environment)
    out: dict[str, float] = json.loads(done.splitlines()[-1])
    return out


def middle(seconds: list[float]) -> float:
    return round(statistics.median(seconds), 2)


if __name__ == "__main__":
    main()
