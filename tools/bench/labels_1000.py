"""Soft labels of a thousand classes on two cores: those of a real teacher, its classes split.

    python -m tools.bench.labels_1000 emulate ART.ddz --teacher DIR -o LABELS.npz
    python -m tools.bench.labels_1000 rate ART.ddz LABELS.npz --temperature 1 --quality 0.07

Every class of ART.ddz (Tiny-ImageNet's 200, resized crops) becomes five: the logit of part j of
class k is the teacher's own plus a random direction of its last features, drawn once for (k, j) and
scaled to SPREAD nats, so that parts vary with picture and crop as smoothly as real classes do. A
picture belongs to the part that is likeliest in its plain view. Rows are a sample of the classes:
`rate` says what they take, and what IPC 10 and 300 views of all thousand would: what belongs to
classes, pictures and views in proportion, the basis once. Beside it stands the same of top-k lists.
"""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor, nn

import ddcodec
from ddcodec.classifiers.store import load_teacher
from ddcodec.codecs.label_fields import LabelFields
from ddcodec.codecs.label_model import column_groups
from ddcodec.codecs.packed import packed_bits
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.encoding.labelling import centred
from ddcodec.labels.encoder.encoder import EncodedLabels, LabelEncoder
from ddcodec.labels.encoder.label_set import LabelSet, Logits, divergence
from ddcodec.labels.encoder.rate import search
from ddcodec.labels.reconstruction import Fields, Reconstruction, coefficients
from ddcodec.labels.sections import SECTION_LABELS, choose_features, label_set
from tools.bench.codings import log_softmax, top_k

PARTS = 5
SPREAD = 1.5
WHOLE = (1000, 10, 300)
BATCH = 1000


@click.group()
def main() -> None:
    """Soft labels of a thousand classes, emulated."""


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--teacher", required=True)
@click.option("--threads", default=1)
@click.option("-o", "out", required=True, type=click.Path(path_type=Path))
def emulate(path: Path, teacher: str, threads: int, out: Path) -> None:
    """Labels int16 [images, views, 1000] and the class of each image."""
    torch.set_num_threads(threads)
    with ddcodec.open(path) as artifact:
        asked = load_teacher(teacher, artifact.head.classes)
        rows = [(c, s) for c in artifact.head.row_classes for s in range(artifact.recipe.ipc)]
        seen: list[Tensor] = []
        last = [m for m in asked.module.modules() if isinstance(m, nn.Linear)][-1]
        last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        classes = len(artifact.head.classes)
        rng = np.random.default_rng(0)
        directions = rng.standard_normal((last.in_features, PARTS * classes)).astype(np.float32)
        renderer, views = artifact.renderer(), artifact.recipe.views
        labels = np.empty((len(rows), views, PARTS * classes), np.int16)
        middle = scale = None
        with click.progressbar(range(views), label="views") as bar:
            for view in bar:
                seen.clear()
                logits = asked.logits(renderer.images(rows, view))
                features = torch.cat(seen).float().numpy()
                if middle is None or scale is None:
                    middle = features.mean(axis=0)
                    scale = SPREAD / ((features - middle) @ directions).std()
                parts = np.repeat(logits, PARTS, axis=1) + scale * (features - middle) @ directions
                labels[:, view] = centred(parts.astype(np.float64))
    coarse = np.array([c for c, _ in rows])[:, None] * PARTS + np.arange(PARTS)
    likeliest = np.take_along_axis(labels[:, 0], coarse, axis=1).argmax(axis=1)
    np.savez(out, labels=labels, classes=coarse[np.arange(len(rows)), likeliest])


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--temperature", default="1")
@click.option("--quality", multiple=True, type=float, required=True)
@click.option("--layers", default="innovation")
def rate(
    path: Path, labels: Path, temperature: str, quality: tuple[float, ...], layers: str
) -> None:
    """Bytes per label of the sample, and of the whole by extrapolation."""
    with np.load(labels) as stored, ddcodec.open(path) as artifact:
        values, classes = stored["labels"], stored["classes"]
        recipe = artifact.recipe
        which = choose_features(recipe.view, recipe.views, "innovation")
        drawn = label_set(artifact.table, artifact.head, which, Logits.of(values))
    ratio = float(Fraction(temperature))
    whole = LabelSet(Logits.of(values), classes, drawn.features, None, None, ratio)
    for k in (k for k in (10, 50, 100) if k < values.shape[2]):
        click.echo(f"top-{k:<3d} {4 * k:8.2f} B/label  KL {_top(whole, k):.4f}")
    began = time.perf_counter()
    encoder = LabelEncoder(whole, which, layers=layers)  # type: ignore[arg-type]
    for target in quality:
        found = search(
            encoder.encode,
            lambda coded: coded.divergence(whole),
            target,
            1.35 * target**0.5,
            rising=True,
        )
        sizes = _sizes(found.coded)
        per_class, per_image, per_view, once = sizes
        present = len(np.unique(classes))
        labels_here = whole.count
        all_classes, ipc, views = WHOLE
        total = (
            once
            + per_class * all_classes / present
            + per_image * all_classes * ipc / len(values)
            + per_view * all_classes * ipc * views / labels_here
        )
        count = all_classes * ipc * views
        seconds = time.perf_counter() - began
        shares = (
            f"classes {per_class * all_classes / present / 1e6:.2f}, "
            f"pictures {per_image * all_classes * ipc / len(values) / 1e6:.2f}, "
            f"views {per_view * count / labels_here / 1e6:.2f}"
        )
        click.echo(
            f"T={ratio:g} fineness {found.fineness:.4f}, {found.coded.codec.atoms} atoms: KL "
            f"{found.measure:.4f}; sample {sum(sizes) / labels_here:.3f} B/label; IPC {ipc} x "
            f"{views} views of {all_classes} classes: {total / count:.3f} B/label, "
            f"{total / 1e6:.1f} MB ({shares}); {seconds:.0f} s so far"
        )
        symbols, made = _speed(found.coded, whole)
        click.echo(
            f"    one core decodes {symbols / 1e3:.0f} k labels/s to symbols, "
            f"and {made / 1e3:.0f} k/s from coefficients to int16 logits"
        )


def _sizes(coded: EncodedLabels) -> tuple[float, float, float, float]:
    """Bytes of means and class fields, of picture fields, of innovations, and of the basis."""
    codec, model = coded.codec, coded.model
    atoms, width = codec.atoms, codec.features
    one = column_groups(1, atoms, 8)
    fields = model.class_fields.reshape(codec.classes, -1)
    means = packed_bits(model.means, np.zeros(codec.classes, np.intp))
    of_classes = (means + packed_bits(fields, column_groups(width, atoms, 8))) / 8
    pictures = LabelFields(1, width, atoms, 8).encode(coded.fields[:, None])
    views = b""
    if coded.symbols is not None:
        views = SoftLabels(atoms, 4).encode(coded.symbols[:, None])
    return of_classes, len(pictures), len(views), packed_bits(model.basis.T, one) / 8


def _speed(coded: EncodedLabels, labels: LabelSet) -> tuple[float, float]:
    """Labels per second: sections of symbols decoded, and logits of coefficients in batches."""
    rows = slice(0, min(SECTION_LABELS, labels.count))
    shown = [one.rows(rows) for one in labels.appearances]
    predicted = coefficients(Fields(coded.model, coded.fields.__getitem__), shown)
    made = Reconstruction(coded.codec, coded.model)
    whole, decoding = predicted, 1e-9
    if coded.symbols is not None:
        flat = coded.symbols.reshape(labels.count, 1, 1, -1)[rows]
        codec = SoftLabels(coded.codec.atoms, 4)
        raw = codec.encode(flat)
        began = time.perf_counter()
        found = codec.decode(raw, flat.shape)
        decoding = time.perf_counter() - began
        whole = made.innovated(predicted, found.reshape(len(whole), -1))
    narrow, peaks = whole.astype(np.float32), np.abs(whole).max(axis=0)
    began = time.perf_counter()
    for start in range(0, len(narrow), BATCH):
        part = slice(start, start + BATCH)
        made.logits(narrow[part], [one.rows(part).shown for one in shown], peaks=peaks)
    return len(whole) / decoding, len(whole) / (time.perf_counter() - began)


def _top(labels: LabelSet, k: int) -> float:
    """Mean divergence of labels that keep the top k, the rest of the mass spread evenly."""
    rows = np.arange(0, labels.count, max(1, labels.count // 5000))
    logp = log_softmax(labels.nats(rows))
    return float(divergence(logp, top_k(logp, k, smooth=True), labels.temperature).mean())


if __name__ == "__main__":
    main()
