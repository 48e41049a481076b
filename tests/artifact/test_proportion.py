"""Memory and steps go with the file and with what is asked for, however much a head promises.

Memory is what Python and numpy allocate; a step is a call of a function, in Python or in C.
Neither depends on how busy the machine is.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.container import DEFAULT_LIMITS, PRELUDE_LEN
from ddcodec.container.deflate import inflate
from ddcodec.errors import DecodeError, HeaderError, ModelMismatchError, PayloadError
from ddcodec.exchange import folder as exported
from ddcodec.recipe.head import MAX_NAME_BYTES
from ddcodec.recipe.synthesis import Text2Image
from ddcodec.table import table
from ddcodec.table.table import Table
from tests.artifacts import generated, rewritten
from tools.conformance import hostile

MIB = 1 << 20


@dataclass
class Spent:
    """What a block took: bytes at its peak, and calls."""

    memory: int = 0
    steps: int = 0


@contextmanager
def measured() -> Iterator[Spent]:
    spent = Spent()
    tracemalloc.start()
    try:
        yield spent
    finally:
        spent.memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


@contextmanager
def counted() -> Iterator[Spent]:
    spent, before = Spent(), sys.getprofile()

    def count(frame: object, event: str, argument: object) -> None:
        spent.steps += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        yield spent
    finally:
        sys.setprofile(before)


def steps(make: hostile.Make, path: Path, use: Callable[[Artifact], object]) -> int:
    """How many steps it takes to open a file and use it."""
    make(path)
    with counted() as spent, ddcodec.open(path) as artifact:
        use(artifact)
    return spent.steps


@pytest.mark.parametrize("make", [hostile.promised_cells, hostile.promised_slots])
def test_what_a_head_promises_and_no_section_holds_is_refused_first(
    make: hostile.Make, tmp_path: Path
) -> None:
    path = make(tmp_path / "a.ddz")
    assert path.stat().st_size < 400
    with counted() as spent, pytest.raises(HeaderError, match="patches of class 'c0', slot 1"):
        ddcodec.decode(path, tmp_path / "out", views=None, progress=False)
    assert spent.steps < 50_000
    with measured() as taken, pytest.raises(HeaderError):
        ddcodec.decode(path, tmp_path / "out", views=None, progress=False)
    assert taken.memory < 4 * MIB
    assert not (tmp_path / "out").exists()


def test_one_row_of_millions_takes_no_table_of_them(tmp_path: Path) -> None:
    with ddcodec.open(hostile.many_slots(tmp_path / "a.ddz")) as artifact:
        artifact.table.check()
        with measured() as spent:
            rows = artifact.head.all_rows
            seed = artifact.table.seeds_of(np.array([rows[-1]]))
        assert (len(rows), rows[-1], seed.shape) == (1 << 24, (0, (1 << 24) - 1), (1,))
        assert spent.memory < MIB
        with measured() as spent:
            image = artifact.renderer().images([rows[7]], 1)
        # One mosaic of 2^24 pixels, as decoded and as patches.
        assert image.shape == (1, 16, 16, 3) and spent.memory < 160 * MIB


def test_label_models_of_many_origins_are_kept_within_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "KEPT_BYTES", 32 * MIB)
    path = hostile.label_models(4, 2048)(tmp_path / "a.ddz")
    with ddcodec.open(path) as artifact, measured() as spent:
        for start, count in artifact.head.origins:
            assert artifact.labels.logits([(start, 0)], 0).shape == (1, count)
            assert artifact.table.kept.used <= 32 * MIB
    # A model of 8 MiB means: 16 as it is decoded, and what is kept of the others.
    assert spent.memory < 64 * MIB


def test_stored_teachers_are_kept_within_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "KEPT_BYTES", 8 * MIB)
    with ddcodec.open(hostile.teachers(3, "convnet3")(tmp_path / "a.ddz")) as artifact:
        data = artifact.dataset()
        for item in range(3):
            data.probabilities([item])
            assert 0 < artifact.table.kept.used <= 8 * MIB


def test_a_few_stored_bytes_never_become_gigabytes_of_raw_ones(tmp_path: Path) -> None:
    paths = [hostile.zeros_for_models(tmp_path / f"{name}.ddz") for name in "ab"]
    assert paths[0].stat().st_size < 10_000
    for use in (
        lambda a: a.verify("digest"),
        lambda a: a.labels.logits([(0, 0)], 0),
        lambda a: a.subset(tmp_path / "c.ddz"),
        lambda a: ddcodec.merge(paths, tmp_path / "c.ddz"),
    ):
        with (
            ddcodec.open(paths[0]) as artifact,
            measured() as spent,
            pytest.raises(PayloadError, match="67108864 raw bytes, where 65568 are more than"),
        ):
            use(artifact)
        assert spent.memory < 2 * MIB


def test_a_stream_of_one_lane_takes_few_steps_for_each_integer(tmp_path: Path) -> None:
    views = 1 << 12
    path = hostile.slow_labels(1, views)(tmp_path / "a.ddz")
    with ddcodec.open(path) as artifact:
        artifact.table.check()
        (section,) = artifact.table.sections("labels")
        with counted() as spent:
            artifact.table.decode(section)
    assert spent.steps < 8 * views


def test_a_label_takes_the_block_it_is_in_and_not_its_section(tmp_path: Path) -> None:
    path = hostile.untold_labels(1 << 24)(tmp_path / "a.ddz")
    assert path.stat().st_size < 500
    with ddcodec.open(path) as artifact, measured() as spent:
        assert artifact.labels.logits([(0, 0)], (1 << 24) - 1).tolist() == [[0]]
    assert spent.memory < 24 * MIB


@pytest.mark.parametrize(
    "make",
    [hostile.many_origins(1500), hostile.scattered_seeds(3000), hostile.long_name(6000)],
)
def test_opening_and_checking_takes_memory_by_the_header(
    make: hostile.Make, tmp_path: Path
) -> None:
    path = make(tmp_path / "a.ddz")
    with ddcodec.open(path) as artifact:
        stored = path.read_bytes()[PRELUDE_LEN : PRELUDE_LEN + artifact.reader.header_len]
    header = len(inflate(stored, DEFAULT_LIMITS))
    with measured() as spent, ddcodec.open(path) as artifact:
        artifact.verify("structure")
        artifact.sizes()
    assert spent.memory < 128 * header


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_checking_many_origins_is_linear(tmp_path: Path, kind: str) -> None:
    few, many = (
        steps(hostile.many_origins(n, kind), tmp_path / f"{n}.ddz", lambda a: a.verify("digest"))
        for n in (200, 800)
    )
    assert many < 4.4 * few


def test_finding_seeds_in_many_sections_is_linear(tmp_path: Path) -> None:
    def find(artifact: Artifact) -> None:
        artifact.table.seeds(0)
        for slot in range(artifact.recipe.ipc):
            assert artifact.table.find("seeds", 0, slot).box.slot_start == slot

    few, many = (steps(hostile.scattered_seeds(n), tmp_path / f"{n}.ddz", find) for n in (200, 800))
    assert many < 4.4 * few


def test_large_pictures_are_written_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exported, "_PIXELS", 1 << 16)
    monkeypatch.setattr(exported, "_KEPT_STORED", 1)
    path = hostile.blown_up(256, 24)(tmp_path / "a.ddz")
    ddcodec.decode(path, tmp_path / "first", ipc=1, progress=False)
    with measured() as spent:
        done = ddcodec.decode(path, tmp_path / "out", progress=False)
    # A picture is 0.19 MiB; all of them would be 4.5.
    assert done.images == 24 and spent.memory < 3 * MIB


def test_names_are_no_longer_than_they_need_be(tmp_path: Path) -> None:
    hostile.head(["é" * (MAX_NAME_BYTES // 2)])
    with pytest.raises(HeaderError, match=r"name of 1026 bytes, 'é+\.\.\.é+'; a class has one"):
        hostile.head(["é" * (MAX_NAME_BYTES // 2 + 1)])


def test_a_table_as_wide_as_its_longest_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exported, "LARGEST_NAMES", MIB)
    path = hostile.long_name(400)(tmp_path / "a.ddz")
    with ddcodec.open(path) as artifact:
        first = artifact.classes[1:2]
        with pytest.raises(DecodeError, match="would hold 2 MB of names of classes"):
            ddcodec.decode(artifact, tmp_path / "out", classes=first, ipc=1, progress=False)


def test_a_slice_stops_to_look_for_partners_when_there_can_be_no_more(tmp_path: Path) -> None:
    def cut(artifact: Artifact) -> None:
        artifact.subset(tmp_path / "cut.ddz", classes=["c0", "c1"], force=True)

    few, many = (
        steps(hostile.mixed(views), tmp_path / f"{views}.ddz", cut) for views in (40, 4000)
    )
    assert many < 1.2 * few


def test_tables_are_read_alike_with_and_without_a_table_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = hostile.scattered_seeds(12)(tmp_path / "a.ddz")
    rows = np.array([(0, s) for s in (3, 11, 0, 3)])
    with ddcodec.open(path) as artifact:
        painted = artifact.table.seeds_of(rows).tolist()
        assert painted == rows[:, 1].tolist()
        monkeypatch.setattr(table, "_MAX_CELLS", 1)
        assert Table(artifact.reader, artifact.head).seeds_of(rows).tolist() == painted
        with pytest.raises(HeaderError, match="no seeds section covers class 0, slot 12"):
            Table(artifact.reader, artifact.head).seeds_of(np.array([(0, 12)]))


def test_generated_pictures_are_no_larger_than_their_prior_can_make(tmp_path: Path) -> None:
    made = generated(tmp_path / "a.ddz", pixels=False)
    recipe = made.recipe
    assert isinstance(recipe.synthesis, Text2Image)
    wide = replace(recipe.synthesis, size=(8192, 8192))
    head = replace(made.head, recipe=replace(recipe, synthesis=wide))
    with (
        ddcodec.open(rewritten(made, tmp_path / "b.ddz", head.to_map())) as artifact,
        pytest.raises(ModelMismatchError, match=r"8192 x 8192 pixels, but .* 4 times as long"),
    ):
        artifact.renderer().images([(0, 0)], 0)
