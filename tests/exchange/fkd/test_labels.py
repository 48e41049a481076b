"""Label trees come back whole: every view is the crop, flip and mix that the teacher saw."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ddcodec
from ddcodec.errors import EncodeError, RequestError, SourceError
from ddcodec.exchange.fkd import TreeLabels, write_artifact
from ddcodec.files import locked
from ddcodec.labels.options import LabelOptions
from tests.exchange.fkd.trees import (
    CLASSES,
    EPOCHS,
    IMAGES,
    IPC,
    NAMES,
    SIDE,
    pictures,
    read,
    teacher,
    tree,
)
from tools.bench.fkd import write_tree


@pytest.fixture(scope="module")
def sre2l(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree(tmp_path_factory.mktemp("sre2l") / "FKD")


@pytest.fixture(scope="module")
def labels(sre2l: Path, tmp_path_factory: pytest.TempPathFactory) -> TreeLabels:
    found: TreeLabels = read(sre2l, tmp_path_factory.mktemp("read"))
    return found


def logits_of(labels: TreeLabels) -> np.ndarray:
    """float64 [images, views, K], in nats."""
    rows = labels.logits.rows(slice(None))
    return rows.reshape(labels.logits.shape).astype(np.float64) / 64


def test_views_show_what_the_teacher_saw(labels: TreeLabels, tmp_path: Path) -> None:
    """Logits of a view rendered from the artifact are those of the tree, to fp16 and a level."""
    coding = LabelOptions("lossless")
    write_artifact(tmp_path / "out.ddz", pictures(), NAMES, labels, work=tmp_path, coding=coding)
    artifact = ddcodec.open(tmp_path / "out.ddz")
    artifact.verify("digest")
    assert (artifact.recipe.views, artifact.recipe.view.describe()) == (
        EPOCHS,
        "stored+flip+cutmix",
    )
    assert artifact.recipe.labels.temperature == (20, 1)
    given = logits_of(labels)
    rows = [(c, s) for c in range(CLASSES) for s in range(IPC)]
    for view in range(EPOCHS):
        seen = teacher(artifact.renderer().images(rows, view)).astype(np.float64)
        seen -= seen.mean(axis=1, keepdims=True)
        stored = artifact.labels.logits(rows, view).astype(np.float64) / 64
        np.testing.assert_allclose(stored, given[:, view], atol=1e-9)
        np.testing.assert_allclose(stored, seen, atol=0.2)


def test_layers_and_draws_take_a_few_bytes(labels: TreeLabels, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_artifact(tmp_path / f"{name}.ddz", pictures(), NAMES, labels, work=tmp_path)
    one, two = (ddcodec.open(tmp_path / f"{name}.ddz") for name in ("one", "two"))
    assert one.digest == two.digest
    draws = next(n for n in one.sizes().children if n.name == "draws")
    assert draws.stored < 7 * IMAGES * EPOCHS
    assert draws.plain == 25 * IMAGES * EPOCHS
    assert not (tmp_path / "draft.ddz").exists()


@pytest.mark.parametrize("draws", [1, 2])
def test_the_order_is_found_by_trying(tmp_path: Path, draws: int) -> None:
    found = read(tree(tmp_path / "FKD", draws=draws), tmp_path / "work")
    assert found.draws_of_epochs == draws
    assert found.agreement.share > 0.6
    one = read(tmp_path / "FKD", tmp_path / "first", views=1)
    np.testing.assert_array_equal(one.draws[:, :, 0], found.draws[:, :, 0])


def test_an_order_of_another_seed_is_refused_with_figures(sre2l: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"\d+\.\d % of 24 labels .* sampler with seed 7"):
        read(sre2l, tmp_path / "work", seed=7)
    assert not (tmp_path / "work").exists()


def test_crops_and_flips_without_a_mix(tmp_path: Path) -> None:
    found = read(tree(tmp_path / "FKD", mix="none"), tmp_path / "work")
    assert (found.view.flip, found.view.cutmix) == (1, 0)
    assert not found.draws[..., 5:].any()


def test_rows_follow_the_order_of_the_folder(tmp_path: Path) -> None:
    """Folders "10" and "2" sort as text, and the labels' classes as numbers."""
    folders = np.array([0, 5, 1, 4, 2, 3])  # the tree's first images are of class 0, then of 5
    order = (folders[:, None] * IPC + np.arange(IPC)).reshape(-1)
    write_tree(tmp_path / "FKD", pictures()[order], teacher, epochs=2, batch=10)
    with pytest.raises(SourceError, match="of another order of the classes"):
        read(tmp_path / "FKD", tmp_path / "wrong")
    found = read(tmp_path / "FKD", tmp_path / "work", order=order)
    assert found.agreement.share > 0.6
    with pytest.raises(RequestError, match="not a permutation"):
        read(tmp_path / "FKD", tmp_path / "twice", order=np.zeros(IMAGES))


def content_of(path: Path) -> list[Any]:
    found: list[Any] = torch.load(path, weights_only=False)
    return found


def rewrite(folder: Path, change: Any, name: str = "batch_*.tar") -> None:
    """Change what batches hold."""
    for path in sorted(folder.glob(name)):
        torch.save(change(content_of(path)), path)


def test_numbers_of_images_in_the_batches(sre2l: Path, labels: TreeLabels, tmp_path: Path) -> None:
    """G-VBSM: whatever the order, batches say whose labels they hold."""
    copy = shutil.copytree(sre2l, tmp_path / "gvbsm")
    generator = torch.Generator().manual_seed(42)
    for epoch in range(EPOCHS):
        order, _ = (torch.randperm(IMAGES, generator=generator) for _ in range(2))
        for number, images in enumerate(order.split(10)):
            rewrite(copy / f"epoch_{epoch}", lambda c, i=images: [*c, i], f"batch_{number}.tar")
    found = read(copy, tmp_path / "work", seed=7)
    assert (found.digest, found.draws_of_epochs) == (labels.digest, 0)
    rewrite(copy / "epoch_1", lambda c: [*c[:6], c[6] // 2], "batch_0.tar")
    with pytest.raises(SourceError, match=r"epoch 1 of .*labels image \d+ twice"):
        read(copy, tmp_path / "twice")
    rewrite(copy / "epoch_1", lambda c: [*c[:6], c[6] + 20], "batch_0.tar")
    with pytest.raises(SourceError, match="there are 24 pictures"):
        read(copy, tmp_path / "beyond")


def test_orders_of_epochs_beside_the_tree(sre2l: Path, labels: TreeLabels, tmp_path: Path) -> None:
    """LPLD: a file says the order of each epoch."""
    copy = shutil.copytree(sre2l, tmp_path / "lpld")
    generator = torch.Generator().manual_seed(42)
    orders = {}
    for epoch in range(EPOCHS):
        order, _ = (torch.randperm(IMAGES, generator=generator) for _ in range(2))
        orders[str(epoch)] = order.tolist()
    listed = copy / "sampler_indices_epoch.json"
    listed.write_text(json.dumps(orders))
    assert read(copy, tmp_path / "work", seed=7).digest == labels.digest
    listed.write_text(json.dumps({**orders, "1": "all"}))
    with pytest.raises(SourceError, match="does not say which images number 1 holds"):
        read(copy, tmp_path / "bad")
    listed.write_text("[")
    with pytest.raises(SourceError, match="is no JSON"):
        read(copy, tmp_path / "json")


def test_lists_of_the_largest_logits_are_kept_as_lists(tmp_path: Path) -> None:
    """LPQLD: what is not listed has no probability, as in the training that reads them."""
    path = tree(tmp_path / "lpqld", listed=3)
    found = read(path, tmp_path / "work")
    assert (found.listed, found.draws_of_epochs, found.views) == (3, 0, EPOCHS)
    write_artifact(tmp_path / "out.ddz", pictures(), NAMES, found, work=tmp_path)
    artifact = ddcodec.open(tmp_path / "out.ddz")
    data = artifact.dataset()
    orders = json.loads((path / "sampler_indices_batch.json").read_text())
    data.set_epoch(1)
    probabilities = data.probabilities(range(IMAGES))
    for number in (3, 4, 5):
        content = content_of(path / f"batch_{number}.tar")
        wanted = torch.softmax(content[5].float() / 20, dim=1).numpy()
        got = probabilities[orders[str(number)]]
        listed = np.take_along_axis(got, content[6].numpy().astype(np.int64), axis=1)
        np.testing.assert_allclose(listed, wanted, atol=1e-3)
        np.testing.assert_allclose(listed.sum(axis=1), 1, atol=1e-6)


def test_lists_of_pruned_epochs_are_refused(tmp_path: Path) -> None:
    path = tree(tmp_path / "lpqld", listed=3)
    (path / "batch_8.tar").unlink()
    with pytest.raises(SourceError, match="pruned batch by batch"):
        read(path, tmp_path / "work")
    assert read(path, tmp_path / "two", views=2).views == 2
    (path / "sampler_indices_batch.json").unlink()
    with pytest.raises(SourceError, match=r"no sampler_indices_batch\.json"):
        read(path, tmp_path / "none")


def test_a_run_goes_on_where_it_stopped(sre2l: Path, labels: TreeLabels, tmp_path: Path) -> None:
    copy, work = shutil.copytree(sre2l, tmp_path / "FKD"), tmp_path / "work"
    told: list[int] = []

    def stop(what: str, done: int, total: int) -> None:
        told.append(done)
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(copy, work, progress=stop)
    found = read(copy, work, progress=lambda _, done, total: told.append(done))
    assert (told, found.digest) == ([1, 2, 3], labels.digest)
    np.testing.assert_array_equal(logits_of(found), logits_of(labels))
    with pytest.raises(RequestError, match="another tree or of other pictures"):
        read(copy, work, views=2)
    with locked(work), pytest.raises(EncodeError):
        read(copy, work)


def test_labels_of_a_few_classes_have_columns(tmp_path: Path) -> None:
    """Pictures of four of six classes: the tree is read, and no artifact can name the rest."""
    chosen = [1, 2, 4, 5]
    images = np.concatenate([pictures()[c * IPC : (c + 1) * IPC] for c in chosen])
    write_tree(tmp_path / "FKD", images, teacher, epochs=2, batch=8)
    found = read(tmp_path / "FKD", tmp_path / "work", columns=chosen)
    assert found.draws.shape[:3] == (4, IPC, 2)
    assert found.logits.shape == (16, 2, CLASSES)
    with pytest.raises(RequestError, match="over 6 classes, and the pictures have 4"):
        write_artifact(tmp_path / "out.ddz", images, NAMES[:4], found, work=tmp_path)
    with pytest.raises(RequestError, match="not within the 6 classes"):
        read(tmp_path / "FKD", tmp_path / "bad", columns=[1, 6])


def test_pictures_and_labels_of_other_tables_are_refused(
    labels: TreeLabels, tmp_path: Path
) -> None:
    out = tmp_path / "out.ddz"
    with pytest.raises(RequestError, match="6 classes x 4 pictures, and there are 23 pictures"):
        write_artifact(out, pictures()[1:], NAMES, labels, work=tmp_path)
    wider = np.zeros((IMAGES, SIDE, SIDE + 2, 3), np.uint8)
    with pytest.raises(RequestError, match="another size"):
        write_artifact(out, wider, NAMES, labels, work=tmp_path)
    assert not out.exists()
