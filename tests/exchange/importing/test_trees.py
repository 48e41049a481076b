"""``label_tree``: pictures of a folder and the FKD labels of their views, as one artifact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.options import ImportOptions
from tests.exchange.fkd.trees import CLASSES, EPOCHS, IPC, pictures, read, teacher, tree
from tools.bench.fkd import write_tree


def folder(path: Path, names: list[str]) -> Path:
    """Pictures as D4M saves them: a folder for each class, without loss."""
    for c, name in enumerate(names):
        (path / name).mkdir(parents=True)
        for s in range(IPC):
            Image.fromarray(pictures()[c * IPC + s]).save(path / name / f"{s}.png")
    return path


def test_pictures_and_their_tree_become_one_artifact(tmp_path: Path) -> None:
    source = folder(tmp_path / "syn", [f"new{c:03d}" for c in range(CLASSES)])
    labels = tree(tmp_path / "FKD")
    made = ddcodec.import_artifact(
        source,
        tmp_path / "a.ddz",
        classes="numbers",
        label_tree=labels,
        label_layers="lossless",
    )
    assert (made.labels, made.ipc) == ("source", IPC)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["FKD", "a.ddz", "syn"]
    given = read(labels, tmp_path / "work")
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        recipe = artifact.recipe
        assert (recipe.views, recipe.view.describe()) == (EPOCHS, "stored+flip+cutmix")
        assert recipe.labels.temperature == (20, 1)
        rows = [(c, s) for c in range(CLASSES) for s in range(IPC)]
        values = given.logits.rows(slice(None)).reshape(given.logits.shape)
        for view in range(EPOCHS):
            np.testing.assert_array_equal(artifact.labels.logits(rows, view), values[:, view])
            seen = teacher(artifact.renderer().images(rows, view))
            seen -= seen.mean(axis=1, keepdims=True)
            np.testing.assert_allclose(values[:, view] / 64, seen, atol=0.2)


def test_folders_of_numbers_sort_as_text(tmp_path: Path) -> None:
    """The tree counts folders as 0, 1, 10, 2, ..., and the artifact as numbers."""
    names = [str(c) for c in range(12)]
    as_text = sorted(range(12), key=str)
    colours = np.linspace(20, 235, 12)
    images = np.repeat(colours, 2)[:, None, None, None] + np.zeros((24, 16, 16, 3))
    images = images.round().astype(np.uint8)
    for c, name in enumerate(names):
        (tmp_path / "syn" / name).mkdir(parents=True)
        for s in range(2):
            Image.fromarray(images[2 * c + s]).save(tmp_path / "syn" / name / f"{s}.png")

    def ask(seen: np.ndarray) -> np.ndarray:
        shade = np.median(seen.reshape(len(seen), -1), axis=1)
        return (-np.abs(shade[:, None] - colours) / 5).astype(np.float32)

    order = [2 * c + s for c in as_text for s in range(2)]
    write_tree(tmp_path / "FKD", images[order], ask, epochs=2, batch=12, mix="none")
    made = ddcodec.import_artifact(
        tmp_path / "syn", tmp_path / "a.ddz", classes="numbers", label_tree=tmp_path / "FKD"
    )
    with ddcodec.open(made.path or "") as artifact:
        rows = [(c, 0) for c in range(12)]
        assert artifact.labels.logits(rows, 1).argmax(axis=1).tolist() == list(range(12))


def test_a_tree_without_a_mix_goes_out_again(tmp_path: Path) -> None:
    source = folder(tmp_path / "syn", [f"new{c:03d}" for c in range(CLASSES)])
    labels = tree(tmp_path / "FKD", mix="none")
    ddcodec.import_artifact(
        source,
        tmp_path / "a.ddz",
        classes="numbers",
        label_tree=labels,
        label_layers="lossless",
    )
    ddcodec.export(tmp_path / "a.ddz", tmp_path / "out", to="fkd", label_batch=5)
    images = sorted((tmp_path / "out" / "images").rglob("*.png"))
    found = np.stack([np.asarray(Image.open(path)) for path in images])
    np.testing.assert_array_equal(found, pictures())
    once, again = read(labels, tmp_path / "1"), read(tmp_path / "out" / "labels", tmp_path / "2")
    np.testing.assert_array_equal(once.draws, again.draws)
    values = [one.logits.rows(slice(None)).astype(np.int64) for one in (once, again)]
    assert abs(values[0] - values[1]).max() <= 1


def test_a_mixed_tree_cannot_go_out_again(tmp_path: Path) -> None:
    source = folder(tmp_path / "syn", [f"new{c:03d}" for c in range(CLASSES)])
    made = ddcodec.import_artifact(
        source, tmp_path / "a.ddz", classes="numbers", label_tree=tree(tmp_path / "FKD"), views=1
    )
    with pytest.raises(RequestError, match="fkd cannot say the views"):
        ddcodec.export(made.path or "", tmp_path / "out", to="fkd")


def test_lists_are_kept_as_lists(tmp_path: Path) -> None:
    source = folder(tmp_path / "syn", [f"new{c:03d}" for c in range(CLASSES)])
    made = ddcodec.import_artifact(
        source,
        tmp_path / "a.ddz",
        classes="numbers",
        label_tree=tree(tmp_path / "lpqld", listed=3),
        views=2,
    )
    with ddcodec.open(made.path or "") as artifact:
        assert {s.codec.name for s in artifact.sections if s.kind == "labels"} == {"top-k-labels"}
        assert artifact.recipe.views == 2


def test_trees_of_other_pictures_leave_nothing_written(tmp_path: Path) -> None:
    source = folder(tmp_path / "syn", [f"new{c:03d}" for c in range(CLASSES)])
    (source / "new001" / "3.png").unlink()
    labels, out = tree(tmp_path / "FKD"), tmp_path / "a.ddz"
    with pytest.raises(RequestError, match="give ipc=3"):
        ddcodec.import_artifact(source, out, classes="numbers", label_tree=labels)
    for path in source.glob("*/3.png"):
        path.unlink()
    with pytest.raises(SourceError, match="labels are highest"):
        ddcodec.import_artifact(source, out, classes="numbers", label_tree=labels)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["FKD", "syn"]
    out.touch()
    with pytest.raises(RequestError, match="exists"):
        ddcodec.import_artifact(source, out, classes="numbers", label_tree=labels)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"labels": "hard"}, "none of a label_tree"),
        ({"ipc": 2}, "ipc=2 does not go with"),
        ({"size": (8, 8)}, "does not go with"),
        ({"dry_run": True}, "tells nothing of a label_tree"),
    ],
)
def test_options_that_do_not_go_with_a_tree(options: dict[str, object], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        ImportOptions(label_tree="FKD", **options)  # type: ignore[arg-type]
