"""Trees of FKD labels: order, crops, flips and logits as SRe2L reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.errors import RequestError
from ddcodec.exchange.exporting.fkd import halves_of
from tests.artifacts import encode_small, soft_copy
from tests.exchange.exporting.conftest import loaded, nats, pictures


def test_of_an_fkd_tree_every_image_view_and_label_is_found_again(
    artifact: Artifact, tmp_path: Path
) -> None:
    out = ddcodec.export(artifact, tmp_path / "out", to="fkd", label_batch=5).path
    assert sorted(p.name for p in (out / "labels").iterdir()) == ["epoch_0", "epoch_1", "epoch_2"]
    files = sorted((out / "images").rglob("*.png"))
    images = np.stack([np.asarray(Image.open(path)) for path in files])
    assert np.array_equal(images, pictures(artifact))
    assert files[5].relative_to(out / "images") == Path("new001/class001_id001.png")
    orders = json.loads((out / "sampler_indices_epoch.json").read_text())
    generator = torch.Generator()
    generator.manual_seed(42)
    sampler = torch.utils.data.RandomSampler(range(12), generator=generator)
    for epoch in range(3):
        order = orders[str(epoch)]
        assert order == list(sampler)
        batches = [loaded(out / "labels" / f"epoch_{epoch}" / f"batch_{b}.tar") for b in range(3)]
        assert [len(batch[0]) for batch in batches] == [5, 5, 2]
        assert all(batch[2:5] == [None, None, None] for batch in batches)
        coords, flips, logits = (torch.cat([batch[i] for batch in batches]) for i in (0, 1, 5))
        assert (coords.dtype, flips.dtype, logits.dtype) == (
            torch.float32,
            torch.bool,
            torch.float16,
        )
        assert np.array_equal(logits.double(), nats(artifact, epoch)[order])
        shown = pictures(artifact, epoch)[order]
        for i, row in enumerate(order):
            difference = shown[i].astype(int) - by_pillow(images[row], coords[i], bool(flips[i]))
            assert np.abs(difference).max() <= 1


def by_pillow(
    image: np.ndarray[Any, Any], coords: torch.Tensor, flip: bool
) -> np.ndarray[Any, Any]:
    """What SRe2L's RandomResizedCropWithCoords and hflip make of a picture: Pillow's filters."""
    top, left, rows, columns = (float(c) * 16 for c in coords)
    cut = Image.fromarray(image).crop(
        tuple(round(v) for v in (left, top, left + columns, top + rows))  # type: ignore[arg-type]
    )
    made = np.asarray(cut.resize((16, 16), Image.Resampling.BILINEAR)).astype(int)
    return made[:, ::-1] if flip else made


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("crop", "its crops lie within the picture"),
        ("resized-crop+cutmix", "it mixes a whole batch by one box"),
        ("pda", "it mirrors left to right only; it turns nothing; it leaves brightness"),
    ],
)
def test_views_that_fkd_cannot_say_are_refused_with_the_reason(
    image_folder: Path, tmp_path: Path, view: str, reason: str
) -> None:
    with encode_small(image_folder, tmp_path / "a.ddz", view=view, ipc=1) as hard:
        soft = soft_copy(hard, tmp_path / "soft.ddz")
        with pytest.raises(RequestError, match=reason):
            ddcodec.export(soft, tmp_path / "out", to="fkd")
        made = ddcodec.export(soft, tmp_path / "out", to="fkd", views=1)
        assert "labels/epoch_0/batch_0.tar" in made.files


@settings(max_examples=15)
@given(
    logits=st.lists(st.integers(-(1 << 15), (1 << 15) - 1), min_size=1, max_size=30),
)
def test_logits_of_up_to_32_nats_are_exact_in_fkd(logits: list[int]) -> None:
    array = np.array([logits], np.int16)
    halves, rounded = halves_of(array)
    assert np.array_equal(halves.astype(float)[abs(array) <= 2048] * 64, array[abs(array) <= 2048])
    assert rounded == np.count_nonzero(halves.astype(float) * 64 != array)
