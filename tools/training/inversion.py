"""Textual inversion of unseen classes: losses, pictures and a teacher's view, before and after.

    ddz encode cifar10/train --method d3m --ipc 10 -o c10.ddz --work W
    python -m tools.training.inversion --patches W --classes cifar10/train --teacher T \\
        --out docs/benchmarks

Learns tokens again from the patches that d3m chose (they are kept in W), with d3m's own settings,
and times it. "Before" is the mean of the class name's tokens, where every token starts. Appends
one JSON line to ``spec/evidence/prior-inversion.jsonl``.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import click
import numpy as np
import torch

from ddcodec.arrays import UInt8s
from ddcodec.classifiers.store import load_teacher
from ddcodec.methods.d3m import D3M, as_collages
from ddcodec.methods.textual_inversion import invert
from ddcodec.prior.load import Prior, load_prior
from ddcodec.rendering.text2image import text2image
from ddcodec.synthesis.layout import cut
from tools.processes import ROOT
from tools.training.curves import plot, smooth
from tools.training.measure import Judge, labels_of
from tools.training.run import save_grid

EVIDENCE = ROOT / "spec" / "evidence" / "prior-inversion.jsonl"


@click.command()
@click.option("--patches", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--classes", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--teacher", type=click.Path(exists=True), required=True)
@click.option("--prior", "spec", default="tiny", show_default=True)
@click.option("--label", default="tiny", show_default=True, help="Name in the evidence.")
@click.option("--steps", default=D3M().steps, show_default=True)
@click.option("--batch", default=D3M().batch, show_default=True)
@click.option("--lr", default=D3M().lr, show_default=True)
@click.option("--vectors", default=D3M().vectors, show_default=True)
@click.option("--each", default=200, show_default=True, help="Pictures per class to judge.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the curve and the grid.")
@click.option("--threads", default=2, show_default=True)
def main(
    patches: Path,
    classes: Path,
    teacher: str,
    spec: str,
    label: str,
    steps: int,
    batch: int,
    lr: float,
    vectors: int,
    each: int,
    out: Path | None,
    threads: int,
) -> None:
    torch.set_num_threads(threads)
    names = sorted(p.name for p in classes.iterdir() if p.is_dir())
    prior = load_prior(spec, profile="float")
    pieces = [patches / f"d3m-patches-{c:05d}.piece.npz" for c in range(len(names))]
    chosen = [np.load(piece)["patches"] for piece in pieces]
    options = D3M(steps=steps, batch=batch, lr=lr, vectors=vectors)
    grid, side = options.geometry(chosen[0].shape[1:3], prior)
    pictures = [as_collages(p, grid, side) for p in chosen]
    settings = options.inversion(prior, grid, flip=True, seed=0)
    began = time.monotonic()
    result = invert(prior, names, pictures, settings)
    seconds = time.monotonic() - began
    judge = Judge(load_teacher(teacher, names))
    # Textual inversion starts from the mean of a name's tokens, in every position.
    start = torch.stack([prior.name_vector(n) for n in names])[:, None].repeat(1, vectors, 1)
    tokens = {"before": start, "after": torch.from_numpy(result.vectors).float()}
    drawn = {when: draw(prior, settings.prompt, t, grid, each) for when, t in tokens.items()}
    found = {
        "prior": label,
        "steps": steps,
        "batch": batch,
        "lr": lr,
        "vectors": vectors,
        "seconds_a_class": round(seconds / len(names), 1),
        "loss_first_50": round(float(result.losses[:50].mean()), 4),
        "loss_last_50": round(float(result.losses[-50:].mean()), 4),
        "chosen patches": agreement(judge, chosen),
        **{when: agreement(judge, images) for when, images in drawn.items()},
    }
    line = json.dumps(found)
    click.echo(line)
    with EVIDENCE.open("a") as f:
        f.write(line + "\n")
    if out is not None:
        shown = min(8, each)
        rows = [images[c][:shown] for c in range(len(names)) for images in drawn.values()]
        save_grid(np.concatenate(rows), 2 * shown, out / f"inversion-{label}.webp", 2)
        lines = {"mean of 25 steps": smooth(result.losses, 25)}
        plot(out / f"inversion-{label}.svg", {"textual inversion": lines})


def draw(prior: Prior, prompt: str, tokens: torch.Tensor, grid: int, each: int) -> list[UInt8s]:
    """For each class uint8 [each, 32, 32, 3], the parts of generated collages."""
    prompts, empty = prior.prompt(prompt, tokens), prior.unconditioned()
    side, count = prior.size, -(-each // grid**2)
    out, time_ids = [], prior.time_ids(side, side)
    for c in range(len(prompts)):
        rows, seeds = prompts[[c] * count], np.arange(count, dtype=np.uint64)
        schedule, guidance = prior.schedule(), prior.defaults.guidance
        images = text2image(prior, rows, empty, seeds, schedule, guidance, (side, side), time_ids)
        out.append(cut(images, grid)[:each])
    return out


def agreement(judge: Judge, images: list[UInt8s]) -> float:
    """Percent of pictures that the teacher takes for their class."""
    count = min(len(i) for i in images)
    stacked = np.stack([i[:count] for i in images])
    logits, _ = judge.look(stacked.reshape(-1, *stacked.shape[2:]))
    return round(100 * float((logits.argmax(1) == labels_of(stacked)).mean()), 1)


if __name__ == "__main__":
    main()
