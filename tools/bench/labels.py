"""Rate, distortion and student accuracy of ways to code soft labels, on real labels.

    python -m tools.bench.labels ask ART.ddz --teacher DIR -o LABELS.npy
    python -m tools.bench.labels rate ART.ddz LABELS.npy --coding fp16 --coding ours:0.008 ...
    python -m tools.bench.labels students ART.ddz LABELS.npy --test DIR --coding fp16 -o OUT.jsonl
    python -m tools.bench.labels table OUT.jsonl ...

ART.ddz gives pictures and views (its own labels play no part). Bytes of our codings are what the
whole file has more than with hard labels; of the others, payload alone. Codings:

    fp16, zstd           log-probabilities in fp16, plain or with zstd -19
    smooth:K, renorm:K   top K of fp16 + u16, the rest of the mass spread evenly (FKD); or top K in
                         32 bits per entry, the rest dropped (LPQLD)
    class, image:Q, field:Q, ours:Q, lossless
                         this codec's layers; Q: mean divergence in nats at the temperature
    bytes:N              this codec at N bytes per label

`students` trains paired students (the same weights and order for each coding), goes on where it was
stopped, and runs on one thread; start several with other seeds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import torch

import ddcodec
from ddcodec.arrays import Float32s, UInt8s
from ddcodec.classifiers.architectures import build
from ddcodec.classifiers.store import load_teacher
from ddcodec.classifiers.training import (
    Batch,
    Optimisation,
    Statistics,
    fit,
    predict,
    shuffled_batches,
)
from ddcodec.encoding.labelling import centred
from ddcodec.evaluation.protocols import get_protocol
from ddcodec.evaluation.testset import TestPictures
from tools.bench.codings import Codings, view_images


@click.group()
def main() -> None:
    """Rate, distortion and student accuracy of ways to code soft labels."""
    torch.set_num_threads(1)


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--teacher", required=True)
@click.option("--views", type=int, help="Only the first views.")
@click.option("-o", "out", required=True, type=click.Path(path_type=Path))
def ask(path: Path, teacher: str, views: int | None, out: Path) -> None:
    """The teacher's centred logits of every view, int16 [images, views, K] in 1/64 nat.

    Goes on where it was stopped: a view whose labels are all zero has not been asked.
    """
    with ddcodec.open(path) as artifact:
        asked = load_teacher(teacher, artifact.head.classes)
        views = views or artifact.recipe.views
        shape = (len(artifact.head.all_rows), views, len(artifact.head.classes))
        mode = "r+" if out.exists() else "w+"
        labels = np.lib.format.open_memmap(out, mode=mode, dtype=np.int16, shape=shape)
        if labels.shape != shape:
            raise click.ClickException(f"{out} has labels {labels.shape}, not {shape}")
        missing = [view for view in range(views) if not labels[:, view].any()]
        with click.progressbar(missing, label="views") as bar:
            for view in bar:
                images = view_images(artifact, view)
                labels[:, view] = centred(asked.logits(images).astype(np.float64))


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--coding", "codings", multiple=True, required=True)
@click.option("--views", type=int, help="Only the first views.")
@click.option("--temperature", default="4")
def rate(
    path: Path, labels: Path, codings: tuple[str, ...], views: int | None, temperature: str
) -> None:
    """Bytes per label and mean divergence at the temperature and at 1."""
    with Codings(path, labels, views, temperature) as bench:
        for coding in codings:
            size, decode = bench.code(coding)
            at_t, at_1 = bench.divergences(decode)
            click.echo(f"{coding:16s} {size:9.3f} B/label  KL {at_t:.5f}  at T=1 {at_1:.5f}")


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--test", "test", required=True, type=click.Path(path_type=Path))
@click.option("--coding", "codings", multiple=True, required=True)
@click.option("--views", type=int, help="Only the first views.")
@click.option("--temperature", default="4")
@click.option("--seeds", default="0-7")
@click.option("--epochs", default=150)
@click.option("--arch", default="convnet3")
@click.option("-o", "out", required=True, type=click.Path(path_type=Path))
def students(
    path: Path,
    labels: Path,
    test: Path,
    codings: tuple[str, ...],
    views: int | None,
    temperature: str,
    seeds: str,
    epochs: int,
    arch: str,
    out: Path,
) -> None:
    """Train students on each coding, seed by seed; one line of JSON each."""
    first, _, last = seeds.partition("-")
    with Codings(path, labels, views, temperature) as bench:
        pictures = TestPictures.open(test).for_artifact(bench.artifact)
        trained = Students(bench)
        for seed in range(int(first), int(last or first) + 1):
            for coding in codings:
                key = {
                    "artifact": path.name,
                    "views": bench.views,
                    "T": temperature,
                    "coding": coding,
                    "seed": seed,
                    "epochs": epochs,
                    "arch": arch,
                }
                if _done(out, key):
                    continue
                size, decode = bench.code(coding)
                module = trained.train(decode, arch, seed, epochs)
                guess = predict(module, pictures.images, trained.statistics).argmax(1).numpy()
                accuracy = float((guess == pictures.labels).mean())
                at_t, at_1 = bench.divergences(decode)
                line = {**key, "bytes": size, "kl": at_t, "kl1": at_1, "accuracy": accuracy}
                with out.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                click.echo(json.dumps(line))


@main.command()
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1)
@click.option("--against", default="fp16", help="The coding others are paired with.")
def table(paths: tuple[Path, ...], against: str) -> None:
    """Means over seeds, and paired differences with their standard errors, as Markdown."""
    lines = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    settings: dict[tuple[object, ...], dict[str, dict[int, dict[str, float]]]] = {}
    for one in lines:
        setting = tuple(one[k] for k in ("artifact", "views", "T", "arch", "epochs"))
        settings.setdefault(setting, {}).setdefault(one["coding"], {})[one["seed"]] = one
    for setting, codings in settings.items():
        click.echo(f"\n{setting}\n")
        click.echo("| coding | bytes per label | KL at T | KL at 1 | accuracy | against | seeds |")
        click.echo("|---|---|---|---|---|---|---|")
        for coding, by_seed in codings.items():
            values = 100 * np.array([one["accuracy"] for one in by_seed.values()])
            both = sorted(set(by_seed) & set(codings.get(against, {})))
            gaps = 100 * np.array(
                [by_seed[s]["accuracy"] - codings[against][s]["accuracy"] for s in both]
            )
            some = next(iter(by_seed.values()))
            spread = values.std(ddof=1) if len(values) > 1 else float("nan")
            error = gaps.std(ddof=1) / len(gaps) ** 0.5 if len(gaps) > 1 else float("nan")
            mean = gaps.mean() if len(gaps) else float("nan")
            click.echo(
                f"| {coding} | {some['bytes']:.2f} | {some['kl']:.4f} | {some['kl1']:.3f} | "
                f"{values.mean():.2f} ± {spread:.2f} | {mean:+.2f} ± {error:.2f} | {len(values)} |"
            )


class Students:
    """Students of one artifact's pictures, taught by labels in any coding."""

    def __init__(self, bench: Codings) -> None:
        self.bench = bench
        evaluation = bench.artifact.recipe.evaluation
        self.statistics = Statistics(evaluation.mean, evaluation.std)
        self._pictures = bench.path.with_suffix(".views.npy")

    def train(
        self, decode: Callable[[int], Float32s], arch: str, seed: int, epochs: int
    ) -> torch.nn.Module:
        """A student by protocol ddz, from the weights and in the order of its seed."""
        bench = self.bench
        recipe = bench.artifact.recipe
        protocol = get_protocol("ddz").with_epochs(epochs)
        plan = protocol.plan(len(bench.labels), recipe.ipc, len(bench.artifact.classes))
        module = build(arch, len(bench.artifact.classes), recipe.width, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        pictures = self._views()

        def epoch(number: int) -> Iterator[Batch]:
            view = number % bench.views
            images = torch.from_numpy(np.array(pictures[view]))
            soft = torch.softmax(torch.from_numpy(decode(view)) / bench.temperature, 1)
            for picked in shuffled_batches(len(images), plan.batch_size, generator):
                yield Batch(images[picked], soft[picked], bench.temperature)

        optimisation = Optimisation(
            steps=plan.steps,
            lr=protocol.lr,
            weight_decay=protocol.weight_decay,
        )
        fit(module, epoch, self.statistics, optimisation)
        return module

    def _views(self) -> UInt8s:
        """uint8 [views, n, 3, h, w] of the whole artifact, kept beside it."""
        if not self._pictures.exists():
            every = range(self.bench.artifact.recipe.views)
            made = np.stack(
                [view_images(self.bench.artifact, v).transpose(0, 3, 1, 2) for v in every]
            )
            temporary = self._pictures.with_suffix(".tmp.npy")
            np.save(temporary, made)
            temporary.rename(self._pictures)
        return np.asarray(np.load(self._pictures, mmap_mode="r"))


def _done(out: Path, key: dict[str, object]) -> bool:
    if not out.exists():
        return False
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    return any(all(line[k] == v for k, v in key.items()) for line in lines)


if __name__ == "__main__":
    main()
