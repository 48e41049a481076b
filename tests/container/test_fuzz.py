"""Damaged files are opened or refused, never anything else (the full count runs in CI)."""

from __future__ import annotations

import pytest

from ddcodec.container import Reader
from ddcodec.errors import LimitExceededError
from tools.conformance import fuzz
from tools.conformance.mutations import mutated, structured

CORPUS = fuzz.load_corpus()


def small(pattern: str) -> list[bytes]:
    """The vectors of a pattern, but for large ones, which take long."""
    files = [path.read_bytes() for path in sorted(fuzz.VECTORS.rglob(pattern))]
    return [data for data in files if len(data) <= fuzz.LARGE]


def test_damaged_files_open_or_are_refused() -> None:
    outcomes = fuzz.fuzz(CORPUS, range(2000), seed=1)
    assert outcomes.total() == 2000
    # Every layer was reached: a fuzzer that stops at the magic would find nothing.
    assert set(outcomes) >= {
        "ok",
        "bad-magic",
        "truncated",
        "unsupported-version",
        "header",
        "non-canonical",
        "limit-exceeded",
        "checksum-mismatch",
        "payload",
        "digest-mismatch",
        "unknown-codec",
    }


def test_both_readers_accept_the_same_damaged_files() -> None:
    fuzz.fuzz(CORPUS, range(1000), seed=2, open_fully=fuzz.open_twice)


def test_both_readers_refuse_the_same_tables() -> None:
    outcomes = fuzz.fuzz(small("y_*.ddz"), range(3000), seed=4, open_fully=fuzz.check_twice)
    assert set(outcomes) >= {"ok", "header"}


def test_damaged_artifacts_decode_or_are_refused() -> None:
    outcomes = fuzz.fuzz(small("y_table_*.ddz"), range(5000), seed=3, open_fully=fuzz.decode_fully)
    assert set(outcomes) >= {"ok", "header", "payload", "unknown-codec", "digest-mismatch"}


def test_a_run_can_be_repeated() -> None:
    assert mutated(CORPUS, 3, 17) == mutated(CORPUS, 3, 17)
    assert mutated(CORPUS, 3, 17) != mutated(CORPUS, 3, 18)


def test_the_fuzzer_sees_a_reader_that_fails() -> None:
    def careless(data: bytes) -> None:
        reader = Reader.from_bytes(data, limits=fuzz.SMALL)
        reader.head["classes"]

    with pytest.raises(fuzz.Fault, match=r"run \d+ of seed 0: KeyError") as caught:
        fuzz.fuzz(CORPUS, range(2000), 0, careless)
    assert mutated(CORPUS, 0, caught.value.run) == caught.value.data


def test_the_fuzzer_sees_a_reader_that_takes_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: bytes) -> None:
        raise LimitExceededError("too large")

    monkeypatch.setattr(fuzz, "SECONDS_PER_RUN", -1.0)
    with pytest.raises(fuzz.Fault, match=r"took over -1\.0 s"):
        fuzz.fuzz(CORPUS, range(1), 0, refuse)
    monkeypatch.undo()
    monkeypatch.setattr(fuzz, "GROWTH_KIB", -1)
    with pytest.raises(fuzz.Fault, match="MiB"):
        fuzz.fuzz(CORPUS, range(1), 0, refuse)


def test_every_way_withstands_files_edited_where_it_means_something() -> None:
    corpus = fuzz.load_good()
    fuzz.read_every_way(corpus[0])  # imports take longer than any file may
    outcomes = fuzz.fuzz(corpus, range(25), 7, fuzz.read_every_way, structured)
    assert outcomes.total() == 25 and set(outcomes) >= {"ok", "payload", "header"}
