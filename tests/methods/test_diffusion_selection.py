"""select: the pictures in which the packaged prior sees the class, ranked by cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.errors import EncodeError, RequestError
from ddcodec.sources.folder import scan
from tests.artifacts import encode_small

QUICK = {"images": 8, "timesteps": 1, "side": 16, "clusters": 4, "top": 2}


def selected(folder: Path, out: Path, *, ipc: int = 4, **options: Any) -> Artifact:
    return encode_small(
        folder, out, method="select", ipc=ipc, quality=90, options={**QUICK, **options}
    )


def chosen(artifact: Artifact, folder: Path, class_index: int = 0) -> list[int]:
    """The numbers of the pictures in the slots of a class, in the order of slots."""
    source, ipc = scan(folder), artifact.recipe.ipc
    pictures = [source.read(class_index, n, None)[0].astype(int) for n in range(12)]
    patches = [artifact.table.patches(class_index, slot)[0] for slot in range(ipc)]
    return [int(np.argmin([np.abs(p - q).mean() for q in pictures])) for p in patches]


@pytest.fixture(scope="module")
def artifact(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return selected(image_folder, tmp_path_factory.mktemp("select") / "select.ddz")


def test_it_stores_pictures_that_need_no_prior_to_be_shown(artifact: Artifact) -> None:
    assert artifact.head.prior is None
    assert artifact.info["prior"] == "tiny"
    assert {s.kind for s in artifact.sections} == {
        "labels",
        "patches",
        "pixels",
        "seeds",
    }
    assert artifact.verify("pixels") == 12


def test_a_slot_is_a_picture_of_its_own(artifact: Artifact, image_folder: Path) -> None:
    for c in range(3):
        assert len(set(chosen(artifact, image_folder, c))) == 4


def test_two_runs_make_one_file(artifact: Artifact, image_folder: Path, tmp_path: Path) -> None:
    assert selected(image_folder, tmp_path / "again.ddz").digest == artifact.digest


def test_a_smaller_ipc_is_a_prefix(artifact: Artifact, image_folder: Path, tmp_path: Path) -> None:
    small = selected(image_folder, tmp_path / "2.ddz", ipc=2)
    for c in range(3):
        assert chosen(small, image_folder, c) == chosen(artifact, image_folder, c)[:2]


def test_without_clusters_the_score_alone_decides(
    artifact: Artifact, image_folder: Path, tmp_path: Path
) -> None:
    plain = selected(image_folder, tmp_path / "plain.ddz", ipc=8, clustering=False)
    order = [chosen(plain, image_folder, c) for c in range(3)]
    assert [sorted(o) for o in order] != order
    # Eight pictures were looked at, so these are all of them; clusters put others first.
    assert [chosen(artifact, image_folder, c) for c in range(3)] != [o[:4] for o in order]
    for c in range(3):
        assert set(chosen(artifact, image_folder, c)) <= set(order[c])


def test_large_images_of_a_small_ipc_are_collages(image_folder: Path, tmp_path: Path) -> None:
    made = encode_small(
        image_folder,
        tmp_path / "large.ddz",
        method="select",
        ipc=1,
        size=224,
        options={"timesteps": 1, "side": 16, "images": 4},
    )
    assert made.recipe.layout.grid == 2
    assert made.table.patches(0, 0).shape == (4, 112, 112, 3)
    assert made.renderer().pictures([(0, 0)]).shape == (1, 224, 224, 3)


def test_a_window_is_cut_where_the_prior_sees_the_class(image_folder: Path, tmp_path: Path) -> None:
    made = selected(image_folder, tmp_path / "w.ddz", ipc=1, window="1/2", side=32)
    source, patch = scan(image_folder), made.table.patches(1, 0)[0].astype(int)
    # Enlarged from 8 of 16 px: its own window of some picture is closer than any whole picture.
    pictures = [source.read(1, n, None)[0] for n in range(12)]
    windows = [
        p[y : y + 8, x : x + 8].repeat(2, 0).repeat(2, 1)
        for p in pictures
        for y in range(9)
        for x in range(9)
    ]
    nearest = min(np.abs(patch - w).mean() for w in windows)
    assert nearest < 0.8 * min(np.abs(patch - p).mean() for p in pictures)


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"template": "An image"}, RequestError, "needs {} once"),
        ({"template": "An image of {}" + 20 * " again"}, EncodeError, "tokens"),
        ({"null": 20 * "again "}, EncodeError, "tokens"),
        ({"layer": 3}, RequestError, "has 3 up blocks; choose 0 to 2"),
        ({"first": "3/4"}, RequestError, "first is above last"),
        ({"window": 0}, RequestError, "leaves nothing"),
        ({"side": 18}, EncodeError, "multiples of 4"),
        ({"factor": 2}, EncodeError, "has 12 images, but ipc=4 in collages of 4 needs 16"),
        ({"factor": 17}, RequestError, "too often"),
        ({"clusters": 0}, RequestError, "clusters"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(
    image_folder: Path, tmp_path: Path, options: dict[str, Any], error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        selected(image_folder, tmp_path / "x.ddz", **options)
    assert not list(tmp_path.iterdir())


def test_stored_pictures_have_no_variations() -> None:
    with pytest.raises(RequestError, match="one stored picture each"):
        ddcodec.encode("none", "x.ddz", method="select", variations=2)


def test_a_plan_says_what_would_be_stored(image_folder: Path, tmp_path: Path) -> None:
    would = ddcodec.encode(
        image_folder, tmp_path / "x", method="select", ipc=2, labels="hard", dry_run=True
    )
    assert set(would.expected) == {"container", "labels", "patches", "pixels", "seeds"}
    assert would.options_used["prior"] == "tiny"
    assert "profile" not in would.options_used
