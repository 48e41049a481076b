"""Workers compute what this process would, whatever becomes of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ddcodec.errors import EncodeError, RequestError, SourceError
from ddcodec.workers import Pool, Workers, computed, open_pool
from ddcodec.workers.shipping import Parcel, unpacked
from tests.parts import killed, killed_once, process, refused, squared


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with open_pool(Workers(2)) as opened:
        assert opened is not None
        yield opened


def test_one_worker_is_this_process() -> None:
    with open_pool(Workers(1)) as pool:
        assert pool is None
        assert [*computed(pool, process, [1])] == [(1, os.getpid())]


def test_every_key_is_computed_elsewhere(pool: Pool) -> None:
    assert dict(computed(pool, squared, range(5))) == {n: n * n for n in range(5)}
    assert os.getpid() not in dict(pool.map(process, [1, 2])).values()


def test_what_a_killed_worker_had_in_hand_is_computed_again(pool: Pool, tmp_path: Path) -> None:
    found = dict(pool.map(partial(killed_once, tmp_path), range(6)))
    assert found == {n: n * n for n in range(6)} and (tmp_path / "killed").exists()


def test_workers_that_die_again_and_again_are_an_error(pool: Pool) -> None:
    with pytest.raises(EncodeError, match="killed 3 times before any had finished its part"):
        dict(pool.map(killed, [1]))


def test_an_error_of_ours_comes_back_as_it_was(pool: Pool) -> None:
    with pytest.raises(SourceError, match="class 7 has no pictures"):
        dict(pool.map(refused, [7]))


def test_what_cannot_be_sent_is_refused_at_once(pool: Pool) -> None:
    local: Callable[[int], int] = lambda number: number  # noqa: E731
    with pytest.raises(RequestError, match="cannot be sent to another process"):
        dict(pool.map(local, [1]))


def test_a_worker_with_other_libraries_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    parcel = Parcel.of(squared, "cpu")
    assert unpacked(parcel.name, lambda: parcel.content)(3) == 9
    monkeypatch.setattr("ddcodec.workers.shipping.__version__", "0.0.1")
    other = Parcel.of(squared, "cpu")
    monkeypatch.undo()
    with pytest.raises(EncodeError, match=r"a worker has ddcodec .* process that asks has 0\.0\.1"):
        unpacked(other.name, lambda: other.content)


@pytest.mark.parametrize("given", [Workers, partial(Workers, ray=None)])
def test_no_worker_is_none(given: Callable[..., Workers]) -> None:
    with pytest.raises(RequestError, match="workers=0 is not allowed"):
        given(0)


def test_a_cluster_has_workers_of_its_own() -> None:
    with pytest.raises(RequestError, match="ray='auto' has workers of its own"):
        Workers(2, ray="auto")
