"""Train the tiny text-to-image prior and put it into the package.

    python -m tools.training.train data tokenizer autoencoder latents denoiser export card \\
        --work WORK --photos CIFAR100/train --photos TINY/train --digits MNIST/train

Stages, each resumable from the work folder: ``data`` (pictures to arrays), ``tokenizer``,
``autoencoder``, ``latents`` (cached once), ``denoiser`` (U-Net and text encoder), ``export``
(integers into the package) and ``card`` (the package's README, with the figures that
``measure.py`` and ``inversion.py`` left in ``spec/evidence``). Every random draw is keyed by
(seed, stage, step), so an interrupted run goes on as if it had not been.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import torch

from tools.processes import ROOT
from tools.training.autoencoder import train_autoencoder
from tools.training.denoiser import make_tokenizer, train_denoiser
from tools.training.latents import cache_latents
from tools.training.pictures import gather
from tools.training.run import STAGES, Run

HERE = Path(__file__).parent
PACKAGED = ROOT / "ddcodec" / "prior" / "tiny"
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("stages", type=click.Choice(STAGES), nargs=-1, required=True)
@click.option("--work", type=FOLDER, required=True, help="Scratch folder.")
@click.option("--photos", type=FOLDER, multiple=True, help="Training photos, <class>/<file>.")
@click.option("--digits", type=FOLDER, multiple=True, help="Training digits, <class>/<file>.")
@click.option("--export-to", type=FOLDER, default=PACKAGED, show_default="the package")
@click.option(
    "--config", type=click.Path(path_type=Path, exists=True), default=HERE / "config.json"
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="STAGE.KEY=VALUE",
    help="Change a number of the configuration, as in denoiser.steps=9000.",
)
@click.option("--device", default="cpu", show_default=True)
@click.option("--stop-at", type=int, help="Pause training at this step; run again to go on.")
@click.option("--threads", default=2, show_default=True)
@click.option("--autocast/--no-autocast", default=True, show_default=True, help="bfloat16.")
def main(
    stages: tuple[str, ...],
    work: Path,
    photos: tuple[Path, ...],
    digits: tuple[Path, ...],
    export_to: Path,
    config: Path,
    changes: tuple[str, ...],
    device: str,
    stop_at: int | None,
    threads: int,
    autocast: bool,
) -> None:
    """Run STAGES, in their natural order."""
    torch.set_num_threads(threads)
    work.mkdir(parents=True, exist_ok=True)
    settings = changed(json.loads(config.read_text()), changes)
    run = Run(settings, work, torch.device(device), autocast, stop_at)
    if "data" in stages:
        count, seed = run.config["mnist_images"], run.config["seed"]
        gather(photos, digits, count, seed).save(work / "data.npz")
    training = {
        "tokenizer": make_tokenizer,
        "autoencoder": train_autoencoder,
        "latents": cache_latents,
        "denoiser": train_denoiser,
    }
    for name, stage in training.items():
        if name in stages:
            stage(run)
    if "export" in stages:
        from tools.training.export import export

        export(run, export_to)
    if "card" in stages:
        from tools.training.card import write_card

        write_card(run, export_to)


def changed(config: dict[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """The configuration with ``stage.key=value`` applied; the key must be there, and a number."""
    for text in changes:
        name, _, value = text.partition("=")
        stage, _, key = name.partition(".")
        if not isinstance(config.get(stage, {}).get(key), int | float):
            raise click.UsageError(f"--set {text}: the configuration has no number {name}")
        config[stage][key] = json.loads(value)
    return config


if __name__ == "__main__":
    main()
