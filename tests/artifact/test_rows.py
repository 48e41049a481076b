"""Rows as numpy arrays, which need no torch."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from ddcodec.artifact import Artifact
from ddcodec.errors import RequestError
from tests.artifacts import encode_small, soft_copy
from tests.without_extras import run_without_extras


@pytest.fixture(scope="module")
def hard(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return encode_small(image_folder, tmp_path_factory.mktemp("rows") / "hard.ddz")


@pytest.fixture(scope="module")
def soft(hard: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return soft_copy(hard, tmp_path_factory.mktemp("rows") / "soft.ddz", temperature=(2, 1))


@pytest.mark.parametrize("name", ["hard", "soft"])
def test_arrays_have_the_bits_of_the_dataset(name: str, request: pytest.FixtureRequest) -> None:
    artifact: Artifact = request.getfixturevalue(name)
    reader, data = artifact.rows(), artifact.dataset(pixels="uint8")
    assert list(reader.rows) == list(data.rows) and reader.classes == data.classes
    for view in range(reader.views):
        data.set_epoch(view)
        images, labels = data.batch(range(len(data)))
        made = reader.images(reader.rows, view)
        assert np.array_equal(made.transpose(0, 3, 1, 2), images.numpy())
        assert np.array_equal(reader.probabilities(reader.rows, view, made), labels.numpy())


def test_every_row_may_have_a_view_of_its_own(soft: Artifact) -> None:
    reader = soft.rows(classes=["blob", "stripes"], ipc=2)
    rows, views = [(2, 1), (0, 0), (2, 1)], [0, 2, 1]
    for many in (reader.images, reader.pictures, reader.probabilities, reader.logits):
        whole = many(rows, views)
        for place, (row, view) in enumerate(zip(rows, views, strict=True)):
            assert np.array_equal(whole[place], many([row], view)[0])


def test_no_rows_are_an_empty_array(soft: Artifact) -> None:
    reader = soft.rows()
    assert reader.images([]).shape == (0, 16, 16, 3) and reader.probabilities([]).shape == (0, 3)


@pytest.mark.parametrize("row", [(1, 0), (0, 2), (3, 0), (0, -1), 5, "ab"])
def test_a_row_that_is_not_there_is_refused(soft: Artifact, row: tuple[int, int]) -> None:
    with pytest.raises(RequestError, match="there is no row"):
        soft.rows(classes=["blob", "stripes"], ipc=2).images([row])


@pytest.mark.parametrize("view", [-1, 3, [0, 3]])
def test_a_view_that_is_not_there_is_refused(soft: Artifact, view: int | list[int]) -> None:
    with pytest.raises(RequestError, match=r"there is no view (-1|3): views are 0 to 2"):
        soft.rows().probabilities([(0, 0), (1, 0)], view)


def test_hard_labels_have_no_logits(hard: Artifact) -> None:
    with pytest.raises(RequestError, match="hard labels have no logits"):
        hard.rows().logits([(0, 0)])


def test_a_copy_reads_for_itself(soft: Artifact) -> None:
    reader = soft.rows()
    other = copy.copy(reader)
    assert other.renderer is not reader.renderer
    assert np.array_equal(other.images(reader.rows[:3], 1), reader.images(reader.rows[:3], 1))


def test_reading_needs_no_torch(soft: Artifact) -> None:
    code = (
        "import sys, ddcodec\n"
        "with ddcodec.open(sys.argv[1]) as artifact:\n"
        "    reader = artifact.rows(classes=['blob'])\n"
        "    print(reader.images(reader.rows, 1).shape, reader.probabilities([(0, 3)], 2).sum())\n"
        "    artifact.verify('digest')\n"
        "    artifact._repr_html_()\n"
        "    try:\n"
        "        artifact.dataset()\n"
        "    except ddcodec.DdcodecError as error:\n"
        "        print(error)\n"
    )
    done = run_without_extras(code, soft.path)
    assert done.stdout == (
        "(4, 16, 16, 3) 1.0\n"
        "a torch Dataset (Artifact.rows gives arrays without it) needs torch, which is not "
        "installed: pip install 'ddcodec[torch]'\n"
    ), done.stderr
