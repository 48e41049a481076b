"""The examples run as they stand, on small data."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch.utils.data import DataLoader

import ddcodec
from ddcodec.artifact.dataset import DistilledDataset

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def artifact(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first example makes of the synthetic folder."""
    out = tmp_path_factory.mktemp("example")
    words = ["--source", str(image_folder), "--out", str(out), "--method", "random"]
    words += ["--labels", "hard", "--ipc", "8", "--views", "3"]
    path: Path = example("encode_and_decode").main(words)
    assert len(list((out / "random-decoded").rglob("*.png"))) == 24
    return path


def test_train_student(artifact: Path, image_folder: Path) -> None:
    test = str(image_folder / "test")
    share = example("train_student").main([str(artifact), "--test", test, "--epochs", "15"])
    assert share > 0.6  # three easy classes; guessing gives a third


def test_slice_and_merge(artifact: Path, tmp_path: Path) -> None:
    merged = example("slice_and_merge").main([str(artifact), "--out", str(tmp_path)])
    with ddcodec.open(artifact) as before, ddcodec.open(merged) as after:
        assert after.classes == before.classes
        for view in range(3):
            rows = before.dataset(), after.dataset()
            for data in rows:
                data.set_epoch(view)
            for (old, label), (new, same) in zip(*rows, strict=True):
                assert old.equal(new) and label.equal(same)


@pytest.mark.filterwarnings("ignore")  # of the frameworks, about this machine
@pytest.mark.parametrize(
    ("name", "package"),
    [("train_with_trainer", "accelerate"), ("train_with_lightning", "pytorch_lightning")],
)
def test_train_with_a_framework(
    name: str, package: str, artifact: Path, image_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(package)
    shown: list[int] = []
    set_epoch = DistilledDataset.set_epoch

    def noted(self: DistilledDataset, epoch: int) -> None:
        shown.append(epoch)
        set_epoch(self, epoch)

    monkeypatch.setattr(DistilledDataset, "set_epoch", noted)
    test = str(image_folder / "test")
    share = example(name).main([str(artifact), "--test", test, "--epochs", "15"])
    assert list(dict.fromkeys(shown)) == list(range(15))
    assert share > 0.6  # three easy classes; guessing gives a third


def test_accelerate_shards_the_dataset(artifact: Path) -> None:
    accelerate = pytest.importorskip("accelerate")
    data = ddcodec.open(artifact).dataset()
    loader = accelerate.Accelerator(cpu=True).prepare(DataLoader(data, 6))
    for epoch in range(3):
        data.set_epoch(epoch)
        shown = torch.cat([images for images, _ in loader])
        assert torch.equal(shown, data.images(range(len(data))))


def test_every_example_is_tested_and_listed() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    trainings = {"train_student", "train_with_trainer", "train_with_lightning"}
    assert names == {"encode_and_decode", "slice_and_merge"} | trainings
    page = (EXAMPLES.parent / "docs" / "python.md").read_text(encoding="utf-8")
    assert all(f"examples/{name}.py" in page for name in names)
