"""State of a dataset in a checkpoint, and loaders that keep it by themselves."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from ddcodec.artifact import Artifact
from ddcodec.artifact.dataset import DistilledDataset
from ddcodec.errors import RequestError
from tests.artifacts import encode_small

EPOCHS = 2


@pytest.fixture(scope="module")
def artifact(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return encode_small(image_folder, tmp_path_factory.mktemp("resuming") / "small.ddz")


def shuffled(data: DistilledDataset, workers: int) -> Iterator[bytes]:
    """The images of some epochs, in a seeded order."""
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(data, 5, shuffle=True, num_workers=workers, generator=generator)
    for _ in range(EPOCHS):
        for images, labels in loader:
            yield images.numpy().tobytes() + labels.numpy().tobytes()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_shown_does_not_depend_on_the_number_of_workers(
    artifact: Artifact, workers: int
) -> None:
    alone = list(shuffled(artifact.dataset(), 0))
    assert list(shuffled(artifact.dataset(), workers)) == alone


@pytest.mark.parametrize("ranks", [2, 3])
def test_what_an_epoch_shows_does_not_depend_on_the_number_of_ranks(
    artifact: Artifact, ranks: int
) -> None:
    def shown(ranks: int) -> list[set[bytes]]:
        epochs = [set[bytes]() for _ in range(EPOCHS)]
        for rank in range(ranks):
            data = artifact.dataset()  # each rank has its own, as each is a process
            sampler: DistributedSampler[int] = DistributedSampler(data, ranks, rank)
            for epoch in range(EPOCHS):
                data.set_epoch(epoch)
                sampler.set_epoch(epoch)
                for images, _ in DataLoader(data, 4, sampler=sampler):
                    epochs[epoch] |= {image.numpy().tobytes() for image in images}
        return epochs

    assert shown(ranks) == shown(1)


def test_items_go_on_with_the_view_they_had_come_to(artifact: Artifact) -> None:
    data, again = artifact.dataset(), artifact.dataset()
    data.batch([0, 1, 0, 5])
    again.load_state_dict(data.state_dict())
    for found, wanted in zip(again.batch(range(12)), data.batch(range(12)), strict=True):
        assert torch.equal(found, wanted)


def test_a_state_is_no_view_of_what_comes_later(artifact: Artifact) -> None:
    data = artifact.dataset()
    state, first = data.state_dict(), data.batch([3])
    data.load_state_dict(state)
    assert torch.equal(data.batch([3])[0], first[0])


def test_an_epoch_that_was_set_is_the_whole_state(artifact: Artifact) -> None:
    data, part = artifact.dataset(), artifact.dataset(ipc=1)
    data.set_epoch(4)
    part.load_state_dict(data.state_dict())
    assert part.view == 1


def test_a_state_survives_torch_save(artifact: Artifact, tmp_path: Path) -> None:
    data = artifact.dataset()
    data.batch([1])
    torch.save(data.state_dict(), tmp_path / "state.pt")
    again = artifact.dataset()
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(again.batch([1])[0], data.batch([1])[0])


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({}, "no state of a dataset"),
        ({"epoch": "1", "counts": None}, "no state of a dataset"),
        ({"epoch": -1, "counts": None}, "no state of a dataset"),
        ({"epoch": -1, "counts": torch.zeros(5, dtype=torch.int64)}, "of 5 items, .* has 12"),
    ],
)
def test_a_state_of_something_else_is_refused(
    artifact: Artifact, state: dict[str, Any], said: str
) -> None:
    data = artifact.dataset()
    with pytest.raises(RequestError, match=said):
        data.load_state_dict(state)
    assert data.view is None


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")  # torchdata 0.11 calls it
@pytest.mark.parametrize("workers", [0, 2])
def test_a_stateful_loader_goes_on_in_the_middle_of_an_epoch(
    artifact: Artifact, workers: int
) -> None:
    pytest.importorskip("torchdata", reason="needs torchdata's StatefulDataLoader")
    stateful = importlib.import_module("torchdata.stateful_dataloader").StatefulDataLoader

    def loader() -> tuple[DistilledDataset, Any]:
        torch.manual_seed(0)
        data = artifact.dataset()
        return data, stateful(data, 3, shuffle=True, num_workers=workers)

    data, whole = loader()
    data.set_epoch(1)
    wanted = [images for images, _ in whole]
    data, begun = loader()
    data.set_epoch(1)
    running = iter(begun)
    assert all(map(torch.equal, [images for images, _ in islice(running, 2)], wanted[:2]))
    state = begun.state_dict()
    data, resumed = loader()
    resumed.load_state_dict(state)
    rest = [images for images, _ in resumed]
    assert len(rest) == len(wanted) - 2 and all(map(torch.equal, rest, wanted[2:]))
    assert data.view == 1
