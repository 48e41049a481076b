from __future__ import annotations

import pytest
import torch
from torch import nn

from ddcodec.classifiers.architectures import build, default_architecture
from ddcodec.classifiers.convnet import AvgPool2, ConvNet
from ddcodec.errors import RequestError


def test_convnet3_is_the_network_of_the_literature() -> None:
    module = build("convnet3", classes=10, size=32)
    assert module(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    # The 320 k weights that the literature states for CIFAR-10.
    assert sum(p.numel() for p in module.parameters()) == 320_010


def test_convnet4_takes_64_px() -> None:
    assert build("convnet4", 5, 64)(torch.zeros(1, 3, 64, 64)).shape == (1, 5)


def test_resnet18_keeps_the_resolution_of_small_pictures_in_its_stem() -> None:
    module = build("resnet18", 7, 32)
    maps: list[torch.Size] = []
    stem = module.get_submodule("model.resnet.embedder")
    stem.register_forward_hook(lambda _m, _i, out: maps.append(out.shape))
    module.eval()
    assert module(torch.zeros(1, 3, 32, 32)).shape == (1, 7)
    assert maps == [torch.Size([1, 64, 32, 32])]


def test_weights_follow_the_seed_alone() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first, again, other = (build("convnet3", 2, 8, seed=s).state_dict() for s in (4, 4, 5))
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])
    assert torch.equal(before, torch.random.get_rng_state())


def test_pooling_agrees_with_torch_forward_and_backward() -> None:
    x = torch.randn(2, 3, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x.requires_grad_()
    torch.testing.assert_close(AvgPool2()(x), nn.functional.avg_pool2d(x, 2))
    assert torch.autograd.gradcheck(AvgPool2(), (x,))


def test_unknown_architecture_names_the_known_ones() -> None:
    with pytest.raises(RequestError, match="convnet3, convnet4"):
        build("vgg", 10, 32)


def test_too_small_a_picture_is_refused() -> None:
    with pytest.raises(RequestError, match="too small for convnet4: it needs 16 px"):
        build("convnet4", 10, 8)
    with pytest.raises(ValueError, match="at least 8 px"):
        ConvNet(10, 4, 3)


@pytest.mark.parametrize(
    ("size", "arch"), [(16, "convnet3"), (32, "convnet3"), (64, "convnet4"), (224, "resnet18")]
)
def test_default_architecture_by_size(size: int, arch: str) -> None:
    assert default_architecture(size) == arch
