"""The command ``python -m tools.bench.exact``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import torch

from ddcodec.exact.backends import choose_backend
from tools.bench.exact.quality import bench_quality
from tools.bench.exact.rows import Row, alike, show
from tools.bench.exact.tiny import bench_tiny, profile_tiny
from tools.bench.exact.unets import CONFIGS, bench_unet, measure_peak, profile_unet
from tools.networks.environment import environment

PARTS = ("tiny", "sd15", "quality")


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
        click.echo(measure_peak(peak_of))
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
            for key, rows in bench_unet(case, CONFIGS[case], names, repeat).items():
                result[key] += rows
    for key, rows in result.items():
        for group in alike(rows):
            show(key, group)
    if path is not None:
        head = {
            "command": f"python -m tools.bench.exact --threads {threads} --repeat {repeat} "
            f"--parts {parts} --profiles {profiles} --batches {batches}",
            "environment": environment(),
            "threads": threads,
            "backend": choose_backend().name,
            "load": round(os.getloadavg()[0], 1),
        }
        path.write_text(json.dumps(head | result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
