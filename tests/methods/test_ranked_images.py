"""herding, k-center and el2n: whole images, ranked, and the ranking is the order of slots."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ddcodec
from ddcodec.arrays import Float32s, UInt8s
from ddcodec.artifact import Artifact
from ddcodec.classifiers import store
from ddcodec.classifiers.teacher import Teacher
from ddcodec.classifiers.training import Statistics
from ddcodec.errors import ModelMismatchError, RequestError
from ddcodec.methods.base import Job
from ddcodec.methods.el2n import EL2N, error_norms
from ddcodec.methods.herding import Herding, herding
from ddcodec.methods.k_center import KCenter, k_center
from ddcodec.methods.ranked_images import RankedImages
from ddcodec.methods.work import WorkFolder
from ddcodec.sources.folder import scan
from tests.artifacts import encode_small

CLUSTERS = np.random.default_rng(0).normal(0, 0.1, (4, 9, 5)) + 3 * np.eye(5)[:4, None]
FEATURES = CLUSTERS.reshape(-1, 5).astype(np.float32)
METHODS: dict[str, dict[str, Any]] = {
    "herding": {},
    "k-center": {},
    "el2n": {"networks": 1, "length": 0.02},
}


@pytest.mark.parametrize("method", [Herding(), KCenter(), EL2N(), EL2N(keep="easiest")])
def test_a_shorter_ranking_is_the_beginning_of_a_longer_one(method: RankedImages) -> None:
    whole = method.rank(FEATURES, len(FEATURES)).tolist()
    assert sorted(whole) == list(range(len(FEATURES)))
    for count in (1, 10):
        assert method.rank(FEATURES, count).tolist() == whole[:count]


def test_images_that_are_all_alike_are_ranked_as_they_come() -> None:
    alike = np.ones((4, 3), np.float32)
    assert herding(alike, 4).tolist() == k_center(alike, 4).tolist() == [0, 1, 2, 3]


def test_the_mean_of_herded_images_is_near_that_of_all() -> None:
    units = FEATURES / np.linalg.norm(FEATURES, axis=1, keepdims=True)
    mean = units.mean(0)
    rng = np.random.default_rng(1)
    at_random = [units[rng.permutation(36)[:4]].mean(0) for _ in range(100)]
    chosen = units[herding(FEATURES, 4)].mean(0)
    others = [np.linalg.norm(m - mean) for m in at_random]
    assert np.linalg.norm(chosen - mean) < np.quantile(others, 0.1)


def test_centers_are_in_clusters_of_their_own() -> None:
    assert sorted(k_center(FEATURES, 4) // 9) == [0, 1, 2, 3]
    first = np.linalg.norm(FEATURES - FEATURES.mean(0), axis=1).argmin()
    assert k_center(FEATURES, 1) == [first]


class Sure:
    """A network that gives one class a logit."""

    def __init__(self, logit: float) -> None:
        self.logit = logit

    def logits(self, images: UInt8s) -> Float32s:
        return np.tile(np.float32([self.logit, 0]), (len(images), 1))


def test_an_error_is_the_mean_distance_from_the_label() -> None:
    images = np.zeros((3, 2, 2, 3), np.uint8)
    networks: Any = [Sure(0), Sure(100)]
    # Odds of one half are sqrt(1/2) away from any label; certainty is 0 or sqrt(2) away.
    np.testing.assert_allclose(error_norms(networks, images, 0), np.full((3, 1), 0.5**0.5 / 2))
    np.testing.assert_allclose(
        error_norms(networks, images, 1), np.full((3, 1), (0.5**0.5 + 2**0.5) / 2)
    )
    errors = np.float32([[0.2], [0.9], [0.5]])
    assert EL2N().rank(errors, 2).tolist() == [1, 2]
    assert EL2N(keep="easiest").rank(errors, 2).tolist() == [0, 2]


@pytest.mark.parametrize("name", METHODS)
def test_slots_hold_whole_images_by_rank(
    name: str, image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    def made(file: str, ipc: int, **options: Any) -> Artifact:
        return encode_small(
            image_folder,
            tmp_path / file,
            method=name,
            ipc=ipc,
            quality=100,
            teacher=str(teacher_folder),
            options={**METHODS[name], **options},
        )

    source = scan(image_folder)
    originals = np.stack([source.read(1, n, (16, 16))[0] for n in range(12)]).astype(int)

    def shown(artifact: Artifact) -> list[int]:
        """The numbers of the second class's images."""
        rows = [(1, slot) for slot in range(artifact.recipe.ipc)]
        pictures = artifact.renderer().pictures(rows).astype(int)
        distance = np.abs(pictures[:, None] - originals).mean((2, 3, 4))
        assert (distance.min(1) < 20).all()  # what WebP costs
        return [int(n) for n in distance.argmin(1)]

    five, again = made("a.ddz", 5), made("b.ddz", 5)
    assert five.digest == again.digest
    assert len(set(shown(five))) == 5
    assert shown(made("c.ddz", 2)) == shown(five)[:2]
    # Fewer images are looked at, but never fewer than are needed.
    assert made("d.ddz", 5, images=2).verify("pixels") == 15


def test_a_resumed_encode_asks_nothing_again(
    image_folder: Path, teacher_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {"method": "k-center", "teacher": str(teacher_folder), "work": tmp_path / "work"}
    first = encode_small(image_folder, tmp_path / "a.ddz", **request)
    monkeypatch.setattr(KCenter, "rank", None)
    assert encode_small(image_folder, tmp_path / "b.ddz", **request).digest == first.digest


class Pooled(nn.Module):
    """Logits that no linear layer gives."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3)) * self.scale


def test_el2n_trains_on_every_picture_and_on_small_ones(
    image_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    class Kept:
        def __init__(self, *given: Any) -> None:
            asked.append(given)

        def find(self) -> object:
            return "a teacher"

    monkeypatch.setattr(store, "TeacherCache", Kept)
    source, unused = scan(image_folder), cast(Any, None)
    job = Job(source, source.classes, (128, 128), 1, 0, 50, unused, unused, WorkFolder())
    EL2N().look(job)
    assert [(size, settings.held_out) for _, size, _, settings, *_ in asked] == 3 * [((64, 64), 0)]
    assert len({settings.seed for _, _, _, settings, *_ in asked}) == 3


def test_what_cannot_be_is_refused_before_the_work(image_folder: Path, tmp_path: Path) -> None:
    source, half = scan(image_folder), Statistics((32768,) * 3, (32768,) * 3)
    teacher = Teacher(Pooled(), source.classes, half, (16, 16), "pooled", "0")
    prior: Any = None
    job = Job(
        source=source,
        names=source.classes,
        size=(16, 16),
        ipc=1,
        seed=0,
        teacher=lambda: teacher,
        prior=prior,
        work=WorkFolder(),
    )
    for method in (Herding(), KCenter()):
        with pytest.raises(ModelMismatchError, match="no features"):
            method.check(job)
    with pytest.raises(RequestError, match="square pictures, not 16x8"):
        encode_small(image_folder, tmp_path / "a.ddz", method="el2n", size=(16, 8))


def test_a_plan_trains_no_teacher(image_folder: Path, tmp_path: Path) -> None:
    for name in METHODS:
        would = ddcodec.encode(image_folder, tmp_path / "x", method=name, ipc=2, dry_run=True)
        assert would.expected["patches"] > 0
