"""First batch and epochs of a DataLoader: an artifact beside PNG, WebDataset and Parquet.

    python -m tools.bench.loading ARTIFACT.ddz

All four have the same pictures: the three others are exports of the artifact. Each way opens its
files, decodes every picture, and hands out normalised float32 in shuffled batches, WebDataset in
the order of its shard, as streams do; the artifact's have the labels of their views besides, and
from the second epoch on are cropped, mirrored and mixed. They take turns, in one process with one
thread, files in the system's cache. Processor time, as other work on a machine changes the wall's.
Needs pyarrow and webdataset. Prints one JSON object, of medians.
"""

from __future__ import annotations

import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

import ddcodec
from ddcodec.artifact.dataset import LabelForm
from ddcodec.classifiers.training import Statistics

Item = tuple[Tensor, int]


class PngFolder(Dataset[Item]):
    """What torchvision's ImageFolder does: a list of files, each opened when it is asked for."""

    def __init__(self, folder: Path, statistics: Statistics) -> None:
        classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
        self.files = [
            (path, number)
            for number, name in enumerate(classes)
            for path in sorted((folder / name).glob("*.png"))
        ]
        self.statistics = statistics

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Item:
        path, label = self.files[index]
        return tensor_of(path.read_bytes(), self.statistics), label


class ParquetTable(Dataset[Item]):
    """Rows of a Parquet file of encoded pictures, read whole when it is opened."""

    def __init__(self, path: Path, statistics: Statistics) -> None:
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path, columns=["image", "label"])
        self.pictures, self.labels = table["image"], table["label"].to_pylist()
        self.statistics = statistics

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Item:
        picture = self.pictures[index].as_py()["bytes"]
        return tensor_of(picture, self.statistics), self.labels[index]


def tensor_of(png: bytes, statistics: Statistics) -> Tensor:
    """float32 [3, h, w] of an encoded picture, normalised."""
    with Image.open(io.BytesIO(png)) as image:
        pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()
    return statistics.normalise(pixels[None])[0]


def shards(folder: Path, statistics: Statistics) -> Any:
    """A WebDataset of a folder's shards."""
    import webdataset

    urls = sorted(map(str, folder.glob("*.tar")))
    data = webdataset.WebDataset(urls, shardshuffle=False, empty_check=False).to_tuple("png", "cls")
    return data.map_tuple(lambda png: tensor_of(png, statistics), int)


def seconds(opened: Callable[[], Any], batch_size: int, epochs: int) -> Iterator[tuple[str, float]]:
    """(what, processor time): to the first batch, of the first epoch, and of a later one."""
    began = time.process_time()
    data = opened()
    shuffled = not isinstance(data, torch.utils.data.IterableDataset)
    loader = DataLoader(data, batch_size, shuffle=shuffled)
    for epoch in range(epochs):
        if epoch:
            began = time.process_time()
        for number, _ in enumerate(loader):
            if not epoch and not number:
                yield "first_batch", time.process_time() - began
        yield "later_epoch" if epoch else "first_epoch", time.process_time() - began


@click.command()
@click.argument("path", metavar="ARTIFACT.ddz", type=click.Path(path_type=Path, exists=True))
@click.option("--batch-size", default=100, show_default=True)
@click.option("--labels", type=click.Choice(["soft", "hard"]), default="soft", show_default=True)
@click.option("--repeat", default=5, show_default=True, help="Counted repetitions.")
def main(path: Path, batch_size: int, labels: LabelForm, repeat: int) -> None:
    """Time the loading of ARTIFACT.ddz beside three exports of it."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for layout in ("folder", "webdataset", "huggingface"):
            ddcodec.export(path, folder / layout, to=layout, progress=False)
        with ddcodec.open(path) as artifact:
            used = Statistics.of(artifact.recipe.evaluation)
        (table,) = (folder / "huggingface").rglob("*.parquet")
        ways: dict[str, Callable[[], Any]] = {
            "png": lambda: PngFolder(folder / "folder", used),
            "ddz": lambda: ddcodec.open(path).dataset(labels=labels),
            "webdataset": lambda: shards(folder / "webdataset", used),
            "parquet": lambda: ParquetTable(table, used),
        }
        times: dict[str, dict[str, list[float]]] = {name: {} for name in ways}
        for number in range(repeat + 1):
            for name, opened in ways.items():
                for what, taken in seconds(opened, batch_size, 2):
                    if number:  # the first of each imports its libraries
                        times[name].setdefault(what, []).append(taken)
    medians = {
        name: {what: statistics.median(all_of_them) for what, all_of_them in found.items()}
        for name, found in times.items()
    }
    result = {
        "artifact": path.name,
        "labels": labels,
        "milliseconds": {
            name: {what: round(1e3 * taken, 2) for what, taken in found.items()}
            for name, found in medians.items()
        },
        "times_png": {
            name: {what: round(taken / medians["png"][what], 2) for what, taken in found.items()}
            for name, found in medians.items()
        },
    }
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
