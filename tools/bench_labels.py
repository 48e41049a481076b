"""Rate, distortion and student accuracy of ways to code soft labels, on real labels.

    python tools/bench_labels.py ask ART.ddz --teacher DIR -o LABELS.npy
    python tools/bench_labels.py rate ART.ddz LABELS.npy --coding fp16 --coding ours:0.008 ...
    python tools/bench_labels.py students ART.ddz LABELS.npy --test DIR --coding fp16 -o OUT.jsonl
    python tools/bench_labels.py table OUT.jsonl ...

ART.ddz gives pictures and views (its own labels play no part). Bytes of our codings are what the
whole file has more than with hard labels; of the others, payload alone. Codings:

    fp16, zstd           log-probabilities in fp16, plain or with zstd -19
    v1:STEP              the first version of our codec, step in 1/64 nat
    smooth:K, renorm:K   top K of fp16 + u16, the rest of the mass spread evenly (FKD); or top K in
                         32 bits an entry, the rest dropped (LPQLD)
    class, image:Q, field:Q, ours:Q, lossless
                         this codec's layers; Q: mean divergence in nats at the temperature
    bytes:N              this codec at N bytes a label

`students` trains paired students (the same weights and order for each coding), goes on where it was
stopped, and runs on one thread; start several with other seeds.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import torch
import zstandard

import ddcodec
from ddcodec.artifact import Artifact
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
from ddcodec.codecs.soft_labels import SoftLabels, quantise
from ddcodec.container import CopiedSection, NewSection, write_container
from ddcodec.label_encoder.label_set import divergence
from ddcodec.label_sections import LabelOptions, label_sections
from ddcodec.labelling import centred, hard_label_sections
from ddcodec.recipe import LabelRecipe
from ddcodec.report.protocols import get_protocol
from ddcodec.report.testset import TestFolder

Float32s = npt.NDArray[np.float32]
Int16s = npt.NDArray[np.int16]
Coded = tuple[float, Callable[[int], Float32s]]  # bytes; view -> logits [n, K] in nats


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
        shape = (len(_rows(artifact)), views, len(artifact.head.classes))
        mode = "r+" if out.exists() else "w+"
        labels = np.lib.format.open_memmap(out, mode=mode, dtype=np.int16, shape=shape)
        if labels.shape != shape:
            raise click.ClickException(f"{out} has labels {labels.shape}, not {shape}")
        missing = [view for view in range(views) if not labels[:, view].any()]
        with click.progressbar(missing, label="views") as bar:
            for view in bar:
                images = _view_images(artifact, view)
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
    """Bytes a label and mean divergence at the temperature and at 1."""
    with _Bench(path, labels, views, temperature) as bench:
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
    with _Bench(path, labels, views, temperature) as bench:
        pictures = TestFolder.open(test).for_artifact(bench.artifact)
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
                module = bench.train(decode, arch, seed, epochs)
                guess = predict(module, pictures.images, bench.statistics).argmax(1).numpy()
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
        click.echo("| coding | bytes a label | KL at T | KL at 1 | accuracy | against | seeds |")
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


class _Bench:
    """One artifact's pictures, the teacher's labels of them, and codings of those."""

    def __init__(self, path: Path, labels: Path, views: int | None, temperature: str) -> None:
        self.artifact = ddcodec.open(path)
        every: Int16s = np.load(labels, mmap_mode="r")
        self.views = views or every.shape[1]
        self.labels = every[:, : self.views]
        ratio = Fraction(temperature)
        self.temperature = float(ratio)
        recipe = replace(
            self.artifact.recipe,
            views=self.views,
            labels=LabelRecipe("soft", (ratio.numerator, ratio.denominator)),
        )
        self.head = replace(self.artifact.head, recipe=recipe)
        evaluation = recipe.evaluation
        self.statistics = Statistics(evaluation.mean, evaluation.std)
        self._pictures = path.with_suffix(".views.npy")
        self._known: dict[str, Coded] = {}

    def __enter__(self) -> _Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.artifact.close()

    def code(self, coding: str) -> Coded:
        """Bytes a label and decoded logits, computed once a process."""
        if coding not in self._known:
            self._known[coding] = self._code(*coding.partition(":")[::2])
        return self._known[coding]

    def _code(self, name: str, value: str) -> Coded:
        classes = self.labels.shape[2]
        if name in ("class", "image", "field", "ours", "lossless", "bytes"):
            return self._ours(name, value)
        if name in ("fp16", "zstd"):
            size = 2.0 * classes
            if name == "zstd":
                raw = self._log_probabilities(slice(None)).astype("<f2").tobytes()
                size = len(zstandard.compress(raw, 19)) / self.labels[..., 0].size
            return size, lambda v: self._log_probabilities(v).astype(np.float16).astype(np.float32)
        if name == "v1":
            codec = SoftLabels(classes, int(value))
            q = quantise(self._log_probabilities(slice(None)), int(value))
            by_class = q.reshape(len(self.head.classes), -1, self.views, classes)
            raw = codec.encode(by_class)
            size = len(zstandard.compress(raw, 19)) / self.labels[..., 0].size
            return size, lambda v: q[:, v].astype(np.float32) / 64
        if name in ("smooth", "renorm"):
            k = int(value)
            return 4.0 * k, lambda v: _top(self._log_probabilities(v), k, name == "smooth")
        raise click.BadParameter(f"unknown coding {name!r}")

    def _ours(self, name: str, value: str) -> Coded:
        layers = {"ours": "innovation", "bytes": "innovation"}.get(name, name)
        options = LabelOptions(layers)  # type: ignore[arg-type]
        if name == "bytes":
            budget = round(float(value) * self.labels[..., 0].size)
            options = LabelOptions("innovation", budget=budget)
        elif value:
            options = LabelOptions(layers, float(value))  # type: ignore[arg-type]
        result = label_sections(self.artifact.contents, self.head, self.labels, options)
        with tempfile.TemporaryDirectory() as folder:
            soft = self._file(Path(folder) / "soft.ddz", result.sections, self.head.recipe.labels)
            hard = self._file(
                Path(folder) / "hard.ddz", hard_label_sections(self.head), LabelRecipe("hard")
            )
            size = (soft.stat().st_size - hard.stat().st_size) / self.labels[..., 0].size
            with ddcodec.open(soft) as coded:
                rows = _rows(coded)
                logits = np.stack([coded.labels.logits(rows, v) for v in range(self.views)])
        return size, lambda v: logits[v].astype(np.float32) / 64

    def _file(self, path: Path, labels: list[NewSection], recipe: LabelRecipe) -> Path:
        reader = self.artifact.reader
        kept = [
            CopiedSection(reader, s, s.box)
            for s in reader.sections
            if s.kind in ("seeds", "patches", "prompts", "schedule", "pixels")
        ]
        head = replace(self.head, recipe=replace(self.head.recipe, labels=recipe))
        write_container(path, head=head.to_map(), sections=[*kept, *labels])
        return path

    def _log_probabilities(self, view: int | slice) -> Float32s:
        nats = self.labels[:, view].astype(np.float32) / 64
        nats -= nats.max(axis=-1, keepdims=True)
        nats -= np.log(np.exp(nats).sum(axis=-1, keepdims=True))
        return nats

    def divergences(self, decode: Callable[[int], Float32s]) -> tuple[float, float]:
        """Mean divergence at the temperature and at 1."""
        out = []
        for t in (self.temperature, 1.0):
            views = range(0, self.views, max(1, self.views // 30))
            each = [divergence(self._log_probabilities(v), decode(v), t).mean() for v in views]
            out.append(float(np.mean(each)))
        return out[0], out[1]

    def train(
        self, decode: Callable[[int], Float32s], arch: str, seed: int, epochs: int
    ) -> torch.nn.Module:
        """A student by protocol ddz, from the weights and in the order of its seed."""
        recipe = self.head.recipe
        protocol = get_protocol("ddz").with_epochs(epochs)
        plan = protocol.plan(len(self.labels), recipe.ipc, len(self.head.classes))
        module = build(arch, len(self.head.classes), recipe.width, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        pictures = self._views()

        def epoch(number: int) -> Iterator[Batch]:
            view = number % self.views
            images = torch.from_numpy(np.array(pictures[view]))
            soft = torch.softmax(torch.from_numpy(decode(view)) / self.temperature, 1)
            for picked in shuffled_batches(len(images), plan.batch_size, generator):
                yield images[picked], soft[picked]

        optimisation = Optimisation(
            steps=plan.steps,
            lr=protocol.lr,
            weight_decay=protocol.weight_decay,
            temperature=self.temperature,
        )
        fit(module, epoch, self.statistics, optimisation)
        return module

    def _views(self) -> npt.NDArray[np.uint8]:
        """uint8 [views, n, 3, h, w] of the whole artifact, kept beside it."""
        if not self._pictures.exists():
            every = range(self.artifact.recipe.views)
            made = np.stack([_view_images(self.artifact, v).transpose(0, 3, 1, 2) for v in every])
            temporary = self._pictures.with_suffix(".tmp.npy")
            np.save(temporary, made)
            temporary.rename(self._pictures)
        return np.asarray(np.load(self._pictures, mmap_mode="r"))


def _top(logp: Float32s, k: int, smooth: bool) -> Float32s:
    """The top k log-probabilities; the rest of the mass evenly over the others, or nothing."""
    order = np.argpartition(-logp, k, axis=1)[:, :k]
    kept = np.take_along_axis(logp, order, axis=1)
    mass = np.exp(kept).sum(axis=1, keepdims=True)
    rest = np.log(np.maximum(1 - mass, 1e-7) / max(1, logp.shape[1] - k)) if smooth else -1e4
    out = np.broadcast_to(rest, logp.shape).astype(np.float32).copy()
    np.put_along_axis(out, order, kept, axis=1)
    return out


def _rows(artifact: Artifact) -> list[tuple[int, int]]:
    recipe = artifact.recipe
    return [(c, s) for c in range(len(artifact.head.classes)) for s in range(recipe.ipc)]


def _view_images(artifact: Artifact, view: int) -> npt.NDArray[np.uint8]:
    """A view of all rows, uint8 [n, h, w, 3]."""
    renderer, rows = artifact.renderer(), _rows(artifact)
    parts = [renderer.images(rows[i : i + 250], view) for i in range(0, len(rows), 250)]
    return np.concatenate(parts)


def _done(out: Path, key: dict[str, object]) -> bool:
    if not out.exists():
        return False
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    return any(all(line[k] == v for k, v in key.items()) for line in lines)


if __name__ == "__main__":
    main()
