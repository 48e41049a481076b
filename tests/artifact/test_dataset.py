"""The torch Dataset: epochs, batches, workers, pixels and labels."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, Subset, random_split
from torch.utils.data.distributed import DistributedSampler

from ddcodec.arrays import UInt8s
from ddcodec.artifact import Artifact
from ddcodec.artifact.dataset import DistilledDataset, LabelForm
from ddcodec.errors import RequestError
from ddcodec.rendering.generator import Generator, Place
from tests.artifacts import encode_small, generated, soft_copy


@pytest.fixture(scope="module")
def artifact(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return encode_small(image_folder, tmp_path_factory.mktemp("dataset") / "small.ddz")


def test_rows_are_classes_by_slots(artifact: Artifact) -> None:
    data = artifact.dataset(classes=["stripes", "blob"], ipc=2)
    assert data.rows == [(0, 0), (0, 1), (2, 0), (2, 1)]
    image, label = data[3]
    assert image.shape == (3, 16, 16) and image.dtype == torch.float32
    assert label.tolist() == [0, 0, 1]


def test_it_says_what_torchvision_says_of_its_classes(artifact: Artifact) -> None:
    data = artifact.dataset(classes=["stripes", "blob"], ipc=2)
    assert data.class_to_idx == {"blob": 0, "cross": 1, "stripes": 2}
    assert [data.classes[c] for c in data.targets] == ["blob", "blob", "stripes", "stripes"]
    assert (len(data), data.temperature) == (4, 1.0)
    assert repr(data) == (
        "DistilledDataset(4 items of 2 classes, 3 views each, float[3, 16, 16], hard labels)"
    )


def test_the_epoch_chooses_the_view_and_view_0_is_the_picture(artifact: Artifact) -> None:
    data = artifact.dataset()
    plain, _ = data.batch(range(12))
    data.set_epoch(1)
    augmented, _ = data.batch(range(12))
    data.set_epoch(3)
    again, _ = data.batch(range(12))
    assert not torch.equal(plain, augmented)
    assert torch.equal(plain, again)


def views_of(data: DistilledDataset, images: torch.Tensor) -> list[int]:
    """Which view of the first item each of these images is."""
    reference = copy.deepcopy(data)
    known = {}
    for view in range(data.views):
        reference.set_epoch(view)
        known[reference.images([0])[0].numpy().tobytes()] = view
    return [known[image.numpy().tobytes()] for image in images]


def test_without_an_epoch_each_item_shows_its_next_view(artifact: Artifact) -> None:
    data = artifact.dataset(classes=["blob"])
    assert data.view is None
    assert views_of(data, torch.stack([data[0][0] for _ in range(4)])) == [0, 1, 2, 0]
    assert data.images([0]).equal(data.images([0])), "a look ahead does not count"
    assert views_of(data, data.batch([0, 0])[0]) == [1, 2]


def test_items_at_different_views_have_the_images_and_labels_of_these(artifact: Artifact) -> None:
    data = artifact.dataset()
    data.batch([0, 1, 0])
    mixed = data.batch([0, 1, 2])
    for place, view in enumerate((2, 1, 0)):
        data.set_epoch(view)
        for found, wanted in zip(mixed, data.batch([place]), strict=True):
            assert torch.equal(found[place], wanted[0])


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_count_on_where_earlier_ones_stopped(artifact: Artifact, persistent: bool) -> None:
    data = artifact.dataset(classes=["blob"])
    loader = DataLoader(data, batch_size=4, num_workers=1, persistent_workers=persistent)
    first = [next(iter(loader))[0][0] for _ in range(4)]
    assert views_of(data, torch.stack(first)) == [0, 1, 2, 0]


def test_parts_of_torch_show_every_view_too(artifact: Artifact) -> None:
    data = artifact.dataset()
    part, rest = random_split(data, [0.5, 0.5], torch.Generator().manual_seed(0))
    before, after = (torch.stack([part[i][0] for i in range(6)]) for _ in range(2))
    assert not torch.equal(before, after)
    data.set_epoch(1)
    assert torch.equal(part[0][0], data[part.indices[0]][0])
    assert torch.equal(Subset(data, [5])[0][0], data[5][0]) and len(rest) == 6


def test_a_slice_is_a_dataset_with_an_epoch_of_its_own(artifact: Artifact) -> None:
    data = artifact.dataset()
    part = data[4:8]
    assert part.rows == data.rows[4:8] and part.targets == [1] * 4
    part.set_epoch(2)
    assert data.view is None and part.view == 2
    data.set_epoch(2)
    assert torch.equal(part[-1][0], data[7][0])
    assert data[::-1].rows == data.rows[::-1] and len(data[5:5]) == 0
    assert data.select([7, 0]).rows == [data.rows[7], data.rows[0]]


def test_a_list_of_indices_gives_a_batch(artifact: Artifact) -> None:
    data = artifact.dataset()
    data.set_epoch(1)
    whole = data.batch(range(12))
    sampler = BatchSampler(SequentialSampler(data), 5, drop_last=False)
    loader = DataLoader(data, sampler=sampler, batch_size=None)  # type: ignore[arg-type]
    for found, wanted in zip(zip(*loader, strict=True), whole, strict=True):
        assert torch.equal(torch.cat(found), wanted)
    for index in (np.arange(3), torch.arange(3)):
        assert torch.equal(data[index][0], whole[0][:3])  # type: ignore[call-overload]
    assert torch.equal(data[np.int64(2)][0], data[torch.tensor(2)][0])  # type: ignore[call-overload]


@pytest.mark.parametrize("labels", ["soft", "hard"])
def test_an_empty_batch_is_empty(artifact: Artifact, labels: LabelForm) -> None:
    data = artifact.dataset(labels=labels)
    for images, targets in (data.batch([]), data[[]]):
        assert images.shape == (0, 3, 16, 16) and len(targets) == 0
        assert targets.dtype == (torch.float32 if labels == "soft" else torch.int64)


@pytest.mark.parametrize("index", ["cat", 1.5, None, [1.5], torch.tensor([0.5])])
def test_what_is_no_index_is_a_type_error(artifact: Artifact, index: Any) -> None:
    with pytest.raises(TypeError, match="is no index of a dataset"):
        artifact.dataset()[index]


def test_without_shared_memory_it_works_in_one_process(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS Lambda and some sandboxes have no /dev/shm."""

    def refused(self: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("unable to open shared memory object </torch_1_2_0> in read-write mode")

    monkeypatch.setattr(torch.Tensor, "share_memory_", refused)
    data = artifact.dataset(classes=["blob"])
    assert views_of(data, torch.stack([data[0][0] for _ in range(3)])) == [0, 1, 2]


def test_an_epoch_before_the_first_is_refused(artifact: Artifact) -> None:
    with pytest.raises(RequestError, match="count from 0"):
        artifact.dataset().set_epoch(-1)


def test_items_batches_and_loaders_agree(artifact: Artifact) -> None:
    data = artifact.dataset()
    data.set_epoch(2)
    images, labels = data.batch(range(12))
    loaded = next(iter(DataLoader(data, batch_size=12)))
    assert torch.equal(loaded[0], images) and torch.equal(loaded[1], labels)
    assert all(torch.equal(data[i][0], images[i]) for i in range(12))
    assert np.array_equal(data.probabilities(range(12)), labels.numpy())


def test_spawned_workers_see_the_epoch(artifact: Artifact) -> None:
    data = artifact.dataset()
    loader = DataLoader(
        data,
        batch_size=12,
        num_workers=1,
        persistent_workers=True,
        multiprocessing_context="spawn",
    )
    for epoch in (0, 1):
        data.set_epoch(epoch)
        assert torch.equal(next(iter(loader))[0], data.batch(range(12))[0])


def test_mixed_images_have_mixed_hard_labels(artifact: Artifact) -> None:
    data = artifact.dataset()
    data.set_epoch(1)
    _, labels = data.batch(range(12))
    assert labels.sum(1).tolist() == pytest.approx([1.0] * 12)
    assert ((labels > 0).sum(1) == 2).any()


def test_float_pixels_are_normalised_by_the_recipe(artifact: Artifact) -> None:
    raw = artifact.dataset(pixels="uint8")[0][0].float() / 255
    evaluation = artifact.recipe.evaluation
    mean = torch.tensor(evaluation.mean).view(3, 1, 1) / 65536
    std = torch.tensor(evaluation.std).view(3, 1, 1) / 65536
    shown = artifact.dataset()[0][0]
    assert torch.allclose(shown, (raw - mean) / std, atol=1e-6)


def test_a_transform_sees_each_image(artifact: Artifact) -> None:
    data = artifact.dataset(transform=lambda image: int(image.sum()), pixels="uint8", labels="hard")
    total, label = data[5]
    assert isinstance(total, int) and label == 1


def test_soft_labels_are_probabilities_at_the_stored_temperature(
    artifact: Artifact, tmp_path: Path
) -> None:
    soft = soft_copy(artifact, tmp_path / "soft.ddz", temperature=(2, 1))
    data = soft.dataset()
    data.set_epoch(2)
    _, labels = data.batch(range(12))
    z = soft.labels.logits(data.rows, 2) / 64
    expected = torch.softmax(torch.from_numpy(z) / 2, dim=1)
    assert torch.allclose(labels.double(), expected, atol=1e-6)


def test_it_pickles_without_its_pictures(artifact: Artifact) -> None:
    data = artifact.dataset()
    data.set_epoch(1)
    before = data.batch(range(12))[0]
    assert len(pickle.dumps(data)) < 20_000
    assert torch.equal(pickle.loads(pickle.dumps(data)).batch(range(12))[0], before)


WRONG: list[dict[str, Any]] = [
    {"ipc": 5},
    {"views": 0},
    {"classes": ["x"]},
    {"classes": []},
    {"classes": "blob"},
    {"labels": "Hard"},
    {"labels": "onehot"},
    {"pixels": "unit8"},
    {"pixels": None},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_is_not_stored_cannot_be_asked_for(artifact: Artifact, wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        artifact.dataset(**wrong)


def test_an_index_beyond_the_end_is_an_index_error(artifact: Artifact) -> None:
    with pytest.raises(IndexError):
        artifact.dataset()[12]


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Two classes x 3 slots of four pictures in as many views, which change nothing else."""
    folder = tmp_path_factory.mktemp("varied")
    return generated(
        folder / "v.ddz", views=4, variations=4, steps=1, guidance=(1, 1), pixels=False
    )


def test_pictures_of_the_next_epoch_are_made_ahead(
    varied: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Place] = []
    patches = Generator.patches

    def counted(self: Generator, places: Sequence[Place]) -> UInt8s:
        made.extend(places)
        return patches(self, places)

    monkeypatch.setattr(Generator, "patches", counted)
    data = varied.dataset(classes=["cat"])
    first = data.images([0, 1, 2])
    assert data._ahead is not None
    data._ahead.wait()
    assert {place.variation for place in made} == {0, 1} and len(made) >= 6
    before = len(made)
    data.set_epoch(1)
    second = data.images([0, 1, 2])
    again = [place for place in made[before:] if place.class_index == 0 and place.variation == 1]
    assert again == [] and not torch.equal(first, second)


def test_nobody_works_ahead_where_two_epochs_do_not_fit(varied: Artifact) -> None:
    data = varied.dataset(classes=["cat"], cache_bytes=5 * 3 * 32 * 32)
    data.set_epoch(1)
    assert data.images([0, 1, 2]).shape == (3, 3, 32, 32) and data._ahead is None


def test_nobody_works_ahead_in_distributed_training(
    varied: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process shows rows of its own in each epoch, which nobody knows beforehand."""
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    data = varied.dataset(classes=["cat"])
    assert data.images([0]).shape == (1, 3, 32, 32) and data._ahead is None


def test_two_processes_show_every_row_once(artifact: Artifact) -> None:
    data = artifact.dataset()
    data.set_epoch(1)
    wanted = {image.numpy().tobytes() for image in data.images(range(len(data)))}
    shown = []
    for rank in range(2):
        sampler: DistributedSampler[int] = DistributedSampler(data, num_replicas=2, rank=rank)
        sampler.set_epoch(1)
        shown += [image for images, _ in DataLoader(data, 3, sampler=sampler) for image in images]
    assert {image.numpy().tobytes() for image in shown} == wanted and len(shown) == len(data)


def test_workers_show_the_variation_of_the_epoch_their_parent_sets(varied: Artifact) -> None:
    data = varied.dataset(classes=["dog"])
    wanted = []
    for epoch in range(2):
        data.set_epoch(epoch)
        wanted.append(data.images([0, 1, 2]))
    loader = DataLoader(data, batch_size=2, num_workers=1, persistent_workers=True)
    for epoch in (1, 0):
        data.set_epoch(epoch)
        shown = torch.cat([images for images, _ in loader])
        assert torch.equal(shown, wanted[epoch])
