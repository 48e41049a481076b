"""Teachers that others trained: of the hub, of ``transformers`` and of ``timm``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ddcodec.classifiers.pretrained import teacher_to_fetch
from ddcodec.classifiers.store import load_teacher
from ddcodec.errors import DecodeError, MissingDependencyError, ModelMismatchError, RequestError
from ddcodec.imagenet import classes as imagenet_classes
from tests.hub_server import COMMIT, FakeHub, fake_hub

CLASSES = ("blue", "green", "red")
PREPARED = {"crop_size": 32, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2]}


@pytest.fixture
def transformers_folder(tmp_path: Path) -> Path:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8],
        depths=[1],
        layer_type="basic",
        id2label=dict(enumerate(CLASSES)),
    )
    torch.manual_seed(0)
    folder = tmp_path / "resnet"
    ResNetForImageClassification(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPARED))
    return folder


@pytest.fixture
def hub(
    tmp_path: Path, transformers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeHub]:
    with fake_hub(tmp_path / "cache", monkeypatch) as hub:
        hub.hold(transformers_folder)
        hub.files |= {"pytorch_model.bin": b"no", "model.fp16.safetensors": b"no"}
        yield hub


def test_a_teacher_of_the_hub_is_fetched_and_then_needs_no_network(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int]] = []
    ((name, size),) = teacher_to_fetch("owner/name@v1").items()
    needed = ["config.json", "preprocessor_config.json", "model.safetensors"]
    assert (name, size) == (f"owner/name@{COMMIT}", sum(len(hub.files[f]) for f in needed))
    assert hub.fetched == []
    teacher = load_teacher("owner/name", CLASSES, progress=lambda *step: told.append(step))
    assert sorted(hub.fetched) == sorted(needed)
    assert told[0][0].startswith("fetching ") and "owner/name" in told[0][0]
    assert teacher_to_fetch("owner/name") == {}
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert load_teacher("owner/name", CLASSES).digest == teacher.digest
    with pytest.raises(DecodeError, match="the teacher owner/other is not on this machine"):
        load_teacher("owner/other", CLASSES)


def test_a_teacher_of_the_hub_without_safetensors_is_refused(hub: FakeHub) -> None:
    del hub.files["model.safetensors"]
    with pytest.raises(ModelMismatchError, match="no image classifier"):
        load_teacher("owner/name", CLASSES)
    assert hub.fetched == []


def test_a_transformers_folder_is_a_teacher(transformers_folder: Path) -> None:
    found = load_teacher(transformers_folder, ("red", "green", "blue"))
    assert found.size == (32, 32)
    assert found.mean == pytest.approx((0.5, 0.4, 0.3), abs=1e-4)
    assert found.logits(np.zeros((2, 8, 8, 3), np.uint8)).shape == (2, 3)


@pytest.mark.parametrize(
    "damaged", ["{", "[]", "[" * 10_000, '{"size": "big"}', '{"image_mean": 1, "image_std": 2}']
)
def test_damaged_settings_of_a_transformers_folder_are_named(
    transformers_folder: Path, damaged: str
) -> None:
    (transformers_folder / "preprocessor_config.json").write_text(damaged)
    with pytest.raises(ModelMismatchError, match=r"image processor|preprocessor_config\.json"):
        load_teacher(transformers_folder, CLASSES)


def test_it_must_be_complete(transformers_folder: Path) -> None:
    weights = load_file(transformers_folder / "model.safetensors")
    del weights["classifier.1.weight"]
    save_file(weights, transformers_folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelMismatchError, match=r"not complete: they lack classifier\.1\.weight"):
        load_teacher(transformers_folder, CLASSES)


def test_it_must_say_how_its_pictures_are_prepared(transformers_folder: Path) -> None:
    (transformers_folder / "preprocessor_config.json").unlink()
    with pytest.raises(ModelMismatchError, match=r"it lacks preprocessor_config\.json, which"):
        load_teacher(transformers_folder, CLASSES)


@pytest.mark.parametrize("names", [{}, {"1": "a", "2": "b", "3": "c"}, {"x": "a"}, ["a"]])
def test_it_must_name_its_classes(transformers_folder: Path, names: object) -> None:
    path = transformers_folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "id2label": names}))
    with pytest.raises(ModelMismatchError, match="does not name its classes"):
        load_teacher(transformers_folder, CLASSES)


def test_code_that_comes_with_it_is_not_run(transformers_folder: Path) -> None:
    path = transformers_folder / "config.json"
    remote = {"auto_map": {"AutoModelForImageClassification": "evil.Model"}, "model_type": "evil"}
    path.write_text(json.dumps({**json.loads(path.read_text()), **remote}))
    (transformers_folder / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(ModelMismatchError, match="is not an image classifier"):
        load_teacher(transformers_folder, CLASSES)


@pytest.mark.parametrize(
    ("stated", "size", "mean", "std"),
    [
        ({"do_center_crop": False, "size": {"height": 24, "width": 16}}, (16, 24), 0.5, 0.2),
        ({"crop_size": None, "size": {"shortest_edge": 48}}, (48, 48), 0.5, 0.2),
        ({"do_normalize": False}, (32, 32), 0.0, 1.0),
        ({"rescale_factor": 1 / 127.5, "rescale_offset": True}, (32, 32), 0.75, 0.1),
        (
            {"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [51] * 3},
            (32, 32),
            0.5,
            0.2,
        ),
    ],
)
def test_what_its_image_processor_does_is_followed(
    transformers_folder: Path,
    stated: dict[str, Any],
    size: tuple[int, int],
    mean: float,
    std: float,
) -> None:
    text = json.dumps({"image_processor": {**PREPARED, **stated}})
    (transformers_folder / "preprocessor_config.json").unlink()
    (transformers_folder / "processor_config.json").write_text(text)
    teacher = load_teacher(transformers_folder, CLASSES)
    assert teacher.size == size
    assert (teacher.mean[0], teacher.std[0]) == pytest.approx((mean, std), abs=1e-4)


def test_channels_in_the_order_blue_green_red_are_swapped(transformers_folder: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    grey = {**PREPARED, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    path = transformers_folder / "preprocessor_config.json"
    path.write_text(json.dumps(grey))
    rgb = load_teacher(transformers_folder, CLASSES)
    path.write_text(json.dumps({**grey, "do_flip_channel_order": True}))
    bgr = load_teacher(transformers_folder, CLASSES)
    np.testing.assert_array_equal(bgr.logits(images[..., ::-1].copy()), rgb.logits(images))


class FakeTimm(SimpleNamespace):
    """The part of timm's interface that is used; its models have one linear layer."""

    def __init__(self) -> None:
        def create_model(name: str, *, pretrained: bool) -> nn.Module:
            assert pretrained
            folder = Path(name.removeprefix("local-dir:"))
            config = json.loads((folder / "config.json").read_text())
            model = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, config["num_classes"])
            )
            model.load_state_dict(load_file(folder / "model.safetensors"))
            model.num_classes = config["num_classes"]  # type: ignore[assignment]
            model.pretrained_cfg = config["pretrained_cfg"]
            return model

        def get_pretrained_cfg(name: str) -> SimpleNamespace | None:
            if name == "bare":
                return SimpleNamespace(hf_hub_id=None)
            return SimpleNamespace(hf_hub_id="owner/name") if name == "tiny.in1k" else None

        data = SimpleNamespace(
            resolve_model_data_config=lambda model: {
                "input_size": tuple(model.pretrained_cfg["input_size"]),
                "mean": (0.5, 0.4, 0.3),
                "std": (0.2, 0.2, 0.2),
            },
            infer_imagenet_subset=lambda model: None,
        )
        models = SimpleNamespace(get_pretrained_cfg=get_pretrained_cfg)
        super().__init__(create_model=create_model, data=data, models=models)


def write_timm(folder: Path, classes: int, **settings: Any) -> Path:
    """A folder as ``timm.models.save_for_hf`` writes it."""
    folder.mkdir()
    torch.manual_seed(0)
    weights = {"2.weight": torch.randn(classes, 3), "2.bias": torch.randn(classes)}
    save_file(weights, folder / "model.safetensors")
    pretrained = {"input_size": [3, 24, 32], **settings}
    config = {"architecture": "tiny", "num_classes": classes, "pretrained_cfg": pretrained}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> FakeTimm:
    fake = FakeTimm()
    monkeypatch.setitem(sys.modules, "timm", fake)
    return fake


@pytest.mark.parametrize("prefix", ["", "timm:"])
def test_a_folder_of_timm_is_a_teacher(timm: FakeTimm, tmp_path: Path, prefix: str) -> None:
    folder = write_timm(tmp_path / "model", 3, label_names=list(CLASSES))
    teacher = load_teacher(f"{prefix}{folder}", ("red", "blue"))
    assert (teacher.columns, teacher.size, teacher.arch) == ((2, 0), (32, 24), "model")
    assert teacher.mean == pytest.approx((0.5, 0.4, 0.3), abs=1e-4)


def test_a_thousand_classes_of_timm_are_those_of_imagenet(timm: FakeTimm, tmp_path: Path) -> None:
    folder = write_timm(tmp_path / "model", len(imagenet_classes()))
    assert load_teacher(f"timm:{folder}", ("n03126707", "tench")).columns == (517, 0)


def test_a_name_of_timm_is_fetched_from_the_hub(
    timm: FakeTimm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_hub(tmp_path / "cache", monkeypatch) as hub:
        hub.hold(write_timm(tmp_path / "model", 3, label_names=list(CLASSES)))
        assert list(teacher_to_fetch("timm:tiny.in1k")) == [f"owner/name@{COMMIT}"]
        teacher = load_teacher("timm:tiny.in1k", CLASSES)
        assert teacher.arch == "timm:tiny.in1k"
        assert load_teacher("timm:owner/name", CLASSES).digest == teacher.digest
        assert hub.fetched == ["config.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("settings", "damage", "message"),
    [
        ({}, lambda t: None, "does not name its classes"),
        ({"label_names": ["a", "b"]}, lambda t: None, "name every class of its outputs"),
        ({"input_size": [1, 8, 8]}, lambda t: None, "looks at 1 channels, not at RGB"),
        ({}, lambda t: (t / "model.safetensors").unlink(), "no weights in safetensors"),
        ({}, lambda t: save_file({}, t / "model.safetensors"), "timm cannot load the teacher"),
    ],
)
def test_what_of_timm_cannot_be_a_teacher_is_refused(
    timm: FakeTimm, tmp_path: Path, settings: dict[str, Any], damage: Any, message: str
) -> None:
    folder = write_timm(tmp_path / "model", 3, **settings)
    damage(folder)
    with pytest.raises(ModelMismatchError, match=message):
        load_teacher(f"timm:{folder}", CLASSES)


@pytest.mark.parametrize("name", ["bare", "unheard_of"])
def test_a_name_that_timm_has_no_weights_for_is_refused(timm: FakeTimm, name: str) -> None:
    with pytest.raises(RequestError, match=f"no weights on the hub for '{name}'"):
        load_teacher(f"timm:{name}", CLASSES)


def test_without_timm_the_error_says_how_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    folder = write_timm(tmp_path / "model", 3)
    for spec in (f"timm:{folder}", "timm:tiny.in1k"):
        with pytest.raises(MissingDependencyError, match=r"pip install 'ddcodec\[timm\]'"):
            load_teacher(spec, CLASSES)


def test_the_real_timm_is_understood(tmp_path: Path) -> None:
    real = pytest.importorskip("timm")
    torch.manual_seed(0)
    model = real.create_model("test_resnet", num_classes=3)
    labels = {"label_names": list(CLASSES)}
    real.models.save_for_hf(model, tmp_path / "t", model_config=labels, safe_serialization=True)
    teacher = load_teacher(f"timm:{tmp_path / 't'}", ("red", "blue"))
    assert (teacher.columns, teacher.size) == ((2, 0), (160, 160))
    assert teacher.mean == pytest.approx((0.5, 0.5, 0.5), abs=1e-4)
