"""Bytes of others' tensors beside ours, and what students learn before and after an import.

    python -m tools.bench.exchange cifar10/train --steps 40
    python -m tools.bench.exchange cifar10/train --steps 40 --test cifar10/test --seeds 3

The tensors are made here, in MTT's layout and DATM's: real pictures, some steps of distribution
matching (DM: Zhao and Bilen, WACV 2023, with random ConvNets, no augmentation), normalised,
float32. They are no method's published artifact; what matters to a codec is like those: pixels out
of range, and the noise that such optimisation leaves. DATM's logits are a stand-in, too: those of a
ConvNet that was trained for two epochs.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

import ddcodec
from ddcodec.arrays import Float32s, Int64s, UInt8s
from ddcodec.classifiers.architectures import build
from ddcodec.exchange.importing.normalisation import KNOWN
from ddcodec.exchange.importing.result import ImportResult
from ddcodec.sources.folder import scan
from ddcodec.sources.source import load_images

SPACE = KNOWN["cifar10"]
REAL = 64  # real pictures of a class that a step looks at
RATE = 1.0  # of DM, for synthetic pictures
WANTED = 40.0  # dB


class Row(NamedTuple):
    """A way to keep the set: its bytes, its distance, and its pictures as students get them."""

    what: str
    size: int
    psnr: str
    pictures: Callable[[], Tensor]


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--ipc", default=10, show_default=True)
@click.option("--steps", default=40, show_default=True, help="Steps of distribution matching.")
@click.option("--test", type=click.Path(path_type=Path), help="Test pictures, to train students.")
@click.option("--test-limit", type=int, help="Test pictures of each class, by default all.")
@click.option("--seeds", default=1, show_default=True, help="Students of each.")
@click.option("--epochs", default=300, show_default=True)
@click.option("--classes", default="cifar10", show_default=True, help="Order of the classes.")
def main(
    source: Path,
    ipc: int,
    steps: int,
    test: Path | None,
    test_limit: int | None,
    seeds: int,
    epochs: int,
    classes: str,
) -> None:
    """Print a table."""
    folder = scan(source)
    images, labels = load_images(folder, folder.native_size(), limit=500)
    made, own = matched(images, labels, ipc, steps)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        rows = list(measured(place, made, own, classes))
        for row in rows:
            click.echo(f"{row.what:<34} {row.size:10,} bytes  {row.psnr}")
        for line in label_rows(place, made, own, teacher_logits(images, labels, made), classes):
            click.echo(line)
        if test is not None:
            shown, true = load_images(scan(test), folder.native_size(), limit=test_limit)
            for row in rows:
                if row.psnr:
                    found = accuracies(row.pictures(), own, shown, true, seeds, epochs)
                    click.echo(f"{row.what:<34} {found}")


def normalised(images: UInt8s) -> Tensor:
    """float32 [n, 3, h, w]."""
    values = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(one).view(1, 3, 1, 1) for one in (SPACE.mean, SPACE.std))
    return (values - mean) / std


def matched(images: UInt8s, labels: Int64s, ipc: int, steps: int) -> tuple[Tensor, Int64s]:
    """Real pictures after some steps of DM: float32 [K * ipc, 3, h, w] and int64 [K * ipc]."""
    random = np.random.default_rng(0)
    places = [np.flatnonzero(labels == c) for c in range(int(labels.max()) + 1)]
    first = np.concatenate([random.permutation(one)[:ipc] for one in places])
    made = normalised(images[first]).requires_grad_()
    optimiser = torch.optim.SGD([made], lr=RATE, momentum=0.5)
    for step in range(steps):
        net = build("convnet3", len(places), images.shape[1], seed=step).requires_grad_(False)
        loss = torch.zeros(())
        for c, one in enumerate(places):
            real = normalised(images[random.permutation(one)[:REAL]])
            with torch.no_grad():
                target = net.features(real).flatten(1).mean(dim=0)  # type: ignore[operator]
            there = net.features(made[c * ipc : (c + 1) * ipc])  # type: ignore[operator]
            loss = loss + ((there.flatten(1).mean(dim=0) - target) ** 2).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return made.detach(), labels[first]


def measured(place: Path, made: Tensor, own: Int64s, classes: str) -> Iterator[Row]:
    source = place / "mtt"
    source.mkdir()
    torch.save(made, source / "images_best.pt")
    torch.save(torch.from_numpy(own), source / "labels_best.pt")
    size = sum(path.stat().st_size for path in source.iterdir())
    yield Row("MTT, float32", size, "as it is", lambda: made)
    packed = place / "packed.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(source.iterdir()):
            archive.write(path, path.name)
    yield Row("MTT, float32, zip", packed.stat().st_size, "", lambda: made)
    for codec in ("png", "webp", "avif"):
        out = place / f"{codec}.ddz"
        found, quality = imported(source, out, codec, classes)
        what = "ddz, 8 bits without loss" if quality is None else f"ddz, {codec} {quality}"
        yield Row(what, found.file_len, found.psnr_text, lambda out=out: decoded(out))  # type: ignore[misc]


def imported(source: Path, out: Path, codec: str, classes: str) -> tuple[ImportResult, int | None]:
    """The import at the least quality that reaches the wanted distance."""

    def at(quality: int | None) -> ImportResult:
        return ddcodec.import_artifact(
            source,
            out,
            classes=classes,
            patch_codec=codec,  # type: ignore[arg-type]
            quality=quality,
            mosaics="all",
            force=True,
        )

    if codec == "png":
        return at(None), None
    low, high = 1, 100
    while low < high:
        middle = (low + high) // 2
        if (at(middle).psnr or 0) >= WANTED:
            high = middle
        else:
            low = middle + 1
    return at(low), low


def decoded(path: Path) -> Tensor:
    """The pictures of an artifact, normalised: float32 [n, 3, h, w]."""
    with ddcodec.open(path) as artifact:
        data = artifact.dataset()
        return data.batch(range(len(data)))[0]


def teacher_logits(images: UInt8s, labels: Int64s, made: Tensor) -> Tensor:
    """Logits of distilled pictures by a ConvNet that was trained for two epochs."""
    net = build("convnet3", int(labels.max()) + 1, images.shape[1], seed=0)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    random = np.random.default_rng(0)
    for _ in range(2):
        for rows in np.array_split(random.permutation(len(images)), len(images) // 128):
            loss = functional.cross_entropy(
                net(normalised(images[rows])), torch.from_numpy(labels[rows])
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    with torch.no_grad():
        said: Tensor = net.eval()(made)
    return said


def label_rows(
    place: Path, made: Tensor, own: Int64s, logits: Tensor, classes: str
) -> Iterator[str]:
    folder = place / "datm"
    folder.mkdir()
    torch.save(made, folder / "images_best.pt")
    torch.save(logits, folder / "labels_best.pt")
    torch.save(torch.tensor(0.01), folder / "lr_best.pt")
    yield f"{'DATM, logits float32':<34} {logits.numel() * 4:10,} bytes"
    sizes = {}
    for layers in ("hard", "innovation", "lossless"):
        found = ddcodec.import_artifact(
            folder,
            place / f"{layers}.ddz",
            classes=classes,
            mosaics="all",
            labels="hard" if layers == "hard" else "source",
            label_layers="innovation" if layers == "hard" else layers,  # type: ignore[arg-type]
        )
        sizes[layers] = found.file_len
        if layers != "hard":
            more = found.file_len - sizes["hard"]
            yield f"{f'ddz, logits, {layers}':<34} {more:10,} bytes  {found.divergence:.2g} nats"


def accuracies(
    pictures: Tensor, own: Int64s, shown: UInt8s, true: Int64s, seeds: int, epochs: int
) -> str:
    """Students with hard labels, all alike but for the pictures."""
    found = [_student(pictures, own, shown, true, seed, epochs) for seed in range(seeds)]
    return f"{100 * np.mean(found):.1f} +- {100 * np.std(found):.1f} %"


def _student(
    pictures: Tensor, own: Int64s, shown: UInt8s, true: Int64s, seed: int, epochs: int
) -> float:
    side = pictures.shape[-1]
    net = build("convnet3", int(own.max()) + 1, side, seed=seed)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    random, labels = np.random.default_rng(seed), torch.from_numpy(own)
    for _ in range(epochs):
        top, left = random.integers(0, 9, 2)
        padded = functional.pad(pictures, (4, 4, 4, 4))
        crops = padded[:, :, top : top + side, left : left + side]
        crops = crops.flip(3) if random.random() < 0.5 else crops
        loss = functional.cross_entropy(net(crops), labels)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    net.eval()
    said: list[Float32s] = []
    with torch.no_grad():
        for start in range(0, len(shown), 500):
            said.append(net(normalised(shown[start : start + 500])).argmax(dim=1).numpy())
    return float((np.concatenate(said) == true).mean())


if __name__ == "__main__":
    main()
