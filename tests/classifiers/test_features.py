"""Features of any classifier: what its last linear layer is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ddcodec.classifiers.architectures import Logits, build
from ddcodec.classifiers.teacher import Teacher
from ddcodec.classifiers.training import Statistics
from ddcodec.errors import ModelMismatchError

PICTURES = np.random.default_rng(0).integers(0, 256, (18, 16, 16, 3), dtype=np.uint8)


def teacher(module: nn.Module, classes: int = 3) -> Teacher:
    half = Statistics((32768,) * 3, (32768,) * 3)
    return Teacher(module, tuple("abcdef"[:classes]), half, (16, 16), "a test", "0")


def transformer() -> nn.Module:
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        image_size=16,
        patch_size=8,
    )
    config.num_labels = 3
    torch.manual_seed(0)
    return Logits(ViTForImageClassification(config))


@pytest.mark.parametrize(
    ("module", "last", "width"),
    [
        (build("convnet3", 3, 16), "head", 128 * 2 * 2),
        (build("resnet18-half", 3, 16), "model.classifier.1", 256),
        (transformer(), "model.classifier", 8),
    ],
    ids=["convnet", "resnet", "transformer"],
)
def test_the_last_layer_makes_logits_of_features(module: nn.Module, last: str, width: int) -> None:
    asked = teacher(module)
    features = asked.features(PICTURES)
    assert (features.shape, features.dtype) == ((18, width), np.float32)
    with torch.inference_mode():
        logits = module.get_submodule(last)(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(logits, asked.logits(PICTURES), atol=1e-5)


def test_pictures_of_another_size_are_resized_as_for_logits() -> None:
    module = build("convnet3", 3, 16)
    large = np.random.default_rng(1).integers(0, 256, (2, 40, 40, 3), dtype=np.uint8)
    features = torch.from_numpy(teacher(module).features(large))
    with torch.inference_mode():
        logits = module.get_submodule("head")(features).numpy()
    np.testing.assert_allclose(logits, teacher(module).logits(large), atol=1e-5)


class TwoHeads(nn.Module):
    """Logits that are the mean of two layers', as those of a distilled DeiT."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, images: Tensor) -> Tensor:
        means = images.mean((2, 3))
        logits: Tensor = (self.one(means) + self.other(means)) / 2
        return logits


def test_a_network_without_one_last_layer_is_refused_and_left_as_it_was() -> None:
    module = TwoHeads()
    with pytest.raises(ModelMismatchError, match="not the output of one linear layer"):
        teacher(module, classes=2).features(PICTURES)
    assert not module.one._forward_hooks
