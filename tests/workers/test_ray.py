"""A Ray cluster computes what this process would; needs ray, which is an extra."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ddcodec.errors import EncodeError, RequestError, SourceError
from ddcodec.workers import Pool, Workers, open_pool
from tests.artifacts import encode_small
from tests.parts import killed, killed_once, refused, squared

ray: Any = pytest.importorskip("ray", reason="needs ddcodec[ray]")


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with open_pool(Workers(ray="local")) as opened:
        assert opened is not None
        yield opened


def test_parts_come_back_and_errors_do(pool: Pool) -> None:
    assert dict(pool.map(squared, range(5))) == {n: n * n for n in range(5)}
    with pytest.raises(SourceError, match="class 7 has no pictures"):
        dict(pool.map(refused, [7]))


def test_a_worker_that_dies_is_replaced_but_not_for_ever(pool: Pool, tmp_path: Path) -> None:
    found = dict(pool.map(partial(killed_once, tmp_path), range(6)))
    assert found == {n: n * n for n in range(6)} and (tmp_path / "killed").exists()
    with pytest.raises(EncodeError, match="died 4 times over one part"):
        dict(pool.map(killed, [1]))


def test_the_artifact_is_the_same(
    pool: Pool, image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"method": "herding", "labels": "soft", "teacher": str(teacher_folder)}
    alone = encode_small(image_folder, tmp_path / "alone.ddz", **asked)
    together = encode_small(image_folder, tmp_path / "together.ddz", ray="local", **asked)
    assert together.digest == alone.digest


def test_no_cluster_is_said() -> None:
    ray.shutdown()
    with (
        pytest.raises(RequestError, match=r"there is no Ray cluster at '127\.0\.0\.1:1'"),
        open_pool(Workers(ray="127.0.0.1:1")),
    ):
        pass
