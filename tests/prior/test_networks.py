"""Networks with and without weights: what is read when, and that it is the same however read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.prior.families import NetworkName
from ddcodec.prior.networks import Components

NETWORKS: tuple[NetworkName, ...] = ("text_encoder", "unet", "vae")

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def components(pipeline_folder: Path) -> Components:
    return Components(pipeline_folder, CPU)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_skeleton_is_the_network_but_for_its_weights(
    components: Components, name: NetworkName
) -> None:
    skeleton, whole = components.skeleton(name), getattr(components, name)
    assert type(skeleton) is type(whole) and not skeleton.training
    shapes = [(key, value.shape, value.dtype) for key, value in whole.named_parameters()]
    assert [(k, v.shape, v.dtype) for k, v in skeleton.named_parameters()] == shapes
    assert all(value.is_meta for value in skeleton.parameters())
    buffers = dict(whole.named_buffers())
    assert dict(skeleton.named_buffers()).keys() == buffers.keys()
    for key, value in skeleton.named_buffers():
        assert torch.equal(value, buffers[key])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_checkpoint_has_the_librarys_weights(components: Components, name: NetworkName) -> None:
    mapped, loaded = components.checkpoint(name), getattr(components, name)
    for key, value in loaded.named_parameters():
        assert torch.equal(mapped.get_parameter(key).float(), value), key


def test_nothing_is_loaded_before_it_is_asked_for(pipeline_folder: Path) -> None:
    fresh = Components(pipeline_folder, CPU)
    assert fresh.config("unet").sample_size == 8
    assert not set(NETWORKS) & set(vars(fresh))
    assert fresh.unet is fresh.unet
    assert set(NETWORKS) & set(vars(fresh)) == {"unet"}


def test_buffers_that_nobody_knows_are_refused(
    components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = UNet2DConditionModel.__init__

    def with_buffer(self: UNet2DConditionModel, *args: object, **options: object) -> None:
        made(self, *args, **options)
        self.register_buffer("window", torch.ones(3))

    monkeypatch.setattr(UNet2DConditionModel, "__init__", with_buffer)
    with pytest.raises(UnsupportedFeatureError, match="unet has a buffer window"):
        components.skeleton("unet")
