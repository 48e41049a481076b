"""Speed of decoding soft labels, in labels per second on one core.

    python -m tools.bench.label_decode ARTIFACT.ddz [--batch 256]

Sections to symbols (rANS alone); logits of every row, view by view, from the file and again from
coefficients that are kept; probabilities; then batches of random rows from kept coefficients:
what a training loop waits for. Medians of seven runs.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch

import ddcodec
from ddcodec import codecs
from ddcodec.artifact.artifact import Artifact
from ddcodec.labels.reader import LabelReader
from ddcodec.labels.softmax import probabilities, torch_probabilities
from ddcodec.table.kinds import KINDS
from tools.bench.timing import Work, median_seconds

RUNS = 7


@click.command()
@click.argument("path", metavar="ARTIFACT.ddz", type=click.Path(path_type=Path))
@click.option("--batch", default=256, show_default=True)
def main(path: Path, batch: int) -> None:
    """Time the decoder of the soft labels of ARTIFACT.ddz."""
    torch.set_num_threads(1)
    with ddcodec.open(path) as artifact:
        recipe = artifact.recipe
        rows = [(c, s) for c in artifact.head.row_classes for s in range(recipe.ipc)]
        labels = len(rows) * recipe.views
        classes = len(artifact.head.classes)
        click.echo(f"{labels} labels over {classes} classes")
        _tell("sections to symbols", labels, _median(lambda: _sections(artifact)))
        every = np.array(rows)

        def logits_by(reader: LabelReader) -> None:
            for view in range(recipe.views):
                reader.logits(every, view)

        fresh = _median(lambda: logits_by(LabelReader(artifact.table)))
        _tell("the file to int16 logits", labels, fresh)
        kept = artifact.labels
        _tell("the same, kept", labels, _median(lambda: logits_by(kept)))
        logits = kept.logits(rows, 0)
        t = recipe.labels.temperature
        seconds = _median(lambda: probabilities(logits, t))
        _tell("probabilities, numpy", len(rows), seconds)
        tensor = torch.from_numpy(logits)
        seconds = _median(lambda: torch_probabilities(tensor, t))
        _tell("probabilities, torch", len(rows), seconds)
        rng = np.random.default_rng(0)
        picked = every[rng.integers(0, len(rows), batch)]
        seconds = _median(lambda: kept.logits(picked, recipe.views - 1))
        click.echo(f"{'a random batch':26s} {1e3 * seconds:9.3f} ms for {batch} rows")
        one = _median(lambda: kept.logits(picked[:1], recipe.views - 1))
        click.echo(f"{'a random row':26s} {1e3 * one:9.3f} ms")


def _sections(artifact: Artifact) -> None:
    for section in artifact.sections:
        if section.kind == "labels":
            codec = codecs.get(section.codec)
            shape = KINDS["labels"].shape(section, artifact.head)
            codec.decode(artifact.reader.read_raw(section), shape)


def _median(work: Work) -> float:
    return median_seconds(work, RUNS)


def _tell(what: str, count: int, seconds: float) -> None:
    click.echo(f"{what:26s} {count / seconds / 1e3:9.1f} k labels/s")


if __name__ == "__main__":
    main()
