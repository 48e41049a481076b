"""Labels of artifacts: real ones of the asked quality, hostile ones refused in little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.artifact.artifact import from_reader
from ddcodec.classifiers.store import load_teacher, save_teacher
from ddcodec.classifiers.teacher_training import TeacherSettings, train_teacher
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.container import Reader
from ddcodec.errors import DdcodecError, HeaderError, LimitExceededError
from ddcodec.labels import reader
from ddcodec.sources.digits import write_digits
from ddcodec.sources.folder import scan
from ddcodec.sources.source import load_images
from ddcodec.table import table
from tools.conformance.reference.labels import Labels
from tools.conformance.vectors.files import Item, file_of, in_order
from tools.conformance.vectors.labels import MAKER
from tools.conformance.vectors.labels.artifacts import (
    common,
    crops,
    cutmix,
    fields_item,
    head_of,
    labels_item,
)
from tools.conformance.vectors.labels.raw import (
    CROPS,
    FLIPS,
    RESIZED,
    codec,
    model_codec,
    model_raw,
)

FOLDER = MAKER.folder
TEMPERATURE = 4


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """scikit-learn's digits, and a teacher of them that trained for seconds."""
    folder = tmp_path_factory.mktemp("digits")
    source = scan(write_digits(folder / "digits"))
    images, labels = load_images(source, (16, 16))
    settings = TeacherSettings(steps=60, batch_size=32, pad=2)
    save_teacher(train_teacher(images, labels, source.classes, settings), folder / "teacher")
    return folder / "digits", folder / "teacher"


@pytest.fixture(params=["class", "field", "innovation", "lossless"])
def coded(
    request: pytest.FixtureRequest, digits: tuple[Path, Path], tmp_path: Path
) -> Iterator[Artifact]:
    """Labels of digits in each layer, at a quality of 0.002 nats."""
    source, teacher = digits
    ddcodec.encode(
        source,
        tmp_path / "a.ddz",
        method="random",
        ipc=3,
        views=12,
        size=16,
        teacher=str(teacher),
        label_temperature=TEMPERATURE,
        label_layers=request.param,
        label_quality=0.002,
    )
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        yield artifact


def log_softmax(values: np.ndarray) -> np.ndarray:
    peak = values.max(axis=1, keepdims=True)
    found: np.ndarray = values - peak - np.log(np.exp(values - peak).sum(axis=1, keepdims=True))
    return found


def test_real_labels_are_as_close_as_was_asked(coded: Artifact, digits: tuple[Path, Path]) -> None:
    teacher = load_teacher(digits[1], coded.classes)
    rows = [(c, s) for c in range(10) for s in range(3)]
    kl, worst = [], 0.0
    for view in range(coded.recipe.views):
        wanted = np.asarray(teacher.logits(coded.renderer().images(rows, view)), np.float64)
        found = coded.labels.logits(rows, view)
        p = log_softmax(wanted / TEMPERATURE)
        q = log_softmax(found / 64 / TEMPERATURE)
        kl.append((np.exp(p) * (p - q)).sum(axis=1))
        centred = wanted - wanted.mean(axis=1, keepdims=True)
        worst = max(worst, float(np.abs(centred - found / 64).max()))
    (codec,) = {s.codec.name: s.codec for s in coded.sections if s.kind == "labels"}.values()
    assert codec.version == SoftLabels.version
    if codec.params["step"] == 1:  # lossless: the teacher's logits, rounded
        assert worst <= 0.5 / 64 + 1e-4
    elif codec.params["columns"]:
        assert np.mean(kl) <= 0.002
    assert np.mean(kl) < 0.2  # whatever the layers


def test_real_labels_are_those_of_the_second_decoder(coded: Artifact) -> None:
    assert coded.path is not None
    plain = Labels(coded.path.read_bytes())
    rows = [(0, 0), (4, 2), (9, 1)]
    for view in (0, 1, 11):
        wanted = [plain.logits(c, s, view) for c, s in rows]
        assert coded.labels.logits(rows, view).tolist() == wanted


def test_any_order_and_any_cache_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with ddcodec.open(FOLDER / "y_cutmix.ddz") as artifact:
        rows = [(c, s) for c in range(4) for s in range(3)]
        whole = [artifact.labels.logits(rows, v) for v in range(5)]
    monkeypatch.setattr(table, "KEPT_BYTES", 1)
    monkeypatch.setattr(reader, "_BLOCK", 7)
    with ddcodec.open(FOLDER / "y_cutmix.ddz") as artifact:
        for v in (3, 0, 4):
            for n in (7, 7, 1, 11):
                assert artifact.labels.logits([rows[n]], v)[0].tolist() == whole[v][n].tolist()
            assert artifact.labels.logits(rows[::-1], v)[::-1].tolist() == whole[v].tolist()


KINDS = st.sampled_from(
    [
        FLIPS,
        CROPS,
        RESIZED,
        {**RESIZED, "scale": [1, 4096, 4096]},
        {**FLIPS, "flip": 0},
    ]
)


@settings(max_examples=40)
@given(KINDS, st.data())
def test_whole_files_have_the_labels_of_the_second_decoder(
    view: dict[str, Any], data: st.DataObject
) -> None:
    """Any view, feature set, number of atoms and kind of symbols."""

    def number(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    view = {**view, "cutmix": number(0, 1)}
    k, ipc, views, r = number(1, 4), number(1, 3), number(1, 3), number(0, 3)
    params = {"parts": number(1, 2), "degree": number(0, 3), "response": number(0, 1)}
    params |= {"shift": number(0, 12), "mean_step": number(1, 64), "band": number(1, 4)}
    head = head_of(view, [number(3, 9), number(3, 9)], [[0, k]], ipc, views, [[0, k]])
    model = model_codec(k, r, view, **params)
    columns, step = data.draw(st.sampled_from([(0, 0), (r, 0), (k, 1), (k, 100), (0, 5)]))
    entry = codec("soft-labels", columns=columns, band=number(1, 4), step=step)
    stream = number(0, 1 << 20)
    items = [
        *common(head, stream),
        Item("label-model", model, (0, k, 0, 0, 0, 0), model_raw(model, stream)),
        labels_item(entry, (0, k, 0, ipc, 0, views), stream, 6),
    ]
    if r:
        items.append(fields_item(model, (0, k, 0, ipc, 0, 0), stream))
    artifact = opened(head, items)
    assert artifact.verify("digest") == 0
    plain = Labels(file_of(*in_order(items), head=head))
    rows = [(c, s) for c in range(k) for s in range(ipc)]
    for v in range(views):
        wanted = [plain.logits(c, s, v) for c, s in rows]
        assert artifact.labels.logits(rows, v).tolist() == wanted


def test_what_cannot_be_asked_for() -> None:
    with ddcodec.open(FOLDER / "y_resized.ddz") as artifact:
        for rows, view in (([], 0), ([(0, 0), (4, 0)], 0), ([(0, 0)], 3), ([(0, 2)], 0)):
            with pytest.raises(HeaderError):
                artifact.labels.logits(rows, view)
    head, items = crops()
    whole = [i for i in items if i.kind != "labels"]
    nothing = codec("soft-labels", columns=0, band=1, step=0)
    artifact = opened(head, [*whole, Item("labels", nothing, (0, 3, 0, 0, 0, 0), b"\0")])
    assert artifact.labels.logits([(0, 0)], 3).shape == (1, 3)
    with pytest.raises(HeaderError, match="beyond"):
        artifact.labels.logits([(0, 0)], 4)


def opened(head: dict[str, Any], items: list[Item]) -> Artifact:
    data = file_of(*in_order(items), head=head)
    return from_reader(Reader.from_bytes(data))


@pytest.mark.parametrize("ipc", [1 << 12, 1 << 24])
def test_a_head_that_promises_millions_of_pictures_takes_no_memory(ipc: int) -> None:
    """The file holds two slots of each class; a table of all rows would be gigabytes."""
    head, items = cutmix()
    promised = {**head, "recipe": {**head["recipe"], "ipc": ipc}, "rows": [[0, 4]]}
    artifact = opened(
        promised,
        [i._replace(box=(*i.box[:2], 0, 3, *i.box[4:])) if i.kind == "seeds" else i for i in items],
    )
    tracemalloc.start()
    with pytest.raises(DdcodecError):
        artifact.labels.logits([(0, 0), (3, 1)], 1)
    with pytest.raises(DdcodecError):
        artifact.verify("structure")
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def test_labels_without_symbols_cannot_promise_any_number() -> None:
    """One zero byte may stand for all labels; their coefficients would be gigabytes."""
    head, items = crops()
    promised = {**head, "recipe": {**head["recipe"], "views": 1 << 24}}
    nothing = codec("soft-labels", columns=0, band=1, step=0)
    whole = [i for i in items if i.kind != "labels"]
    artifact = opened(promised, [*whole, Item("labels", nothing, (0, 3, 0, 0, 0, 0), b"\0")])
    tracemalloc.start()
    with pytest.raises(LimitExceededError, match="smaller sections"):
        artifact.labels.logits([(0, 0)], 3)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def test_fields_stored_twice_or_for_a_view_are_refused() -> None:
    head, items = crops()
    (fields,) = (item for item in items if item.kind == "label-fields")
    one = fields._replace(box=(0, 1, 0, 2, 0, 0), raw=b"\1\0" + b"\0\xff" * 9)
    with pytest.raises(HeaderError, match="stored twice"):
        opened(head, [*items, one]).verify("structure")
    moved = [i if i is not fields else i._replace(box=(0, 3, 0, 2, 0, 4)) for i in items]
    with pytest.raises(HeaderError, match="divided by views"):
        opened(head, moved).verify("structure")


@pytest.mark.parametrize("kind", ["seeds", "labels", "label-model", "label-fields", "patches"])
def test_a_section_of_another_kinds_codec_is_refused(kind: str) -> None:
    head, items = crops()
    wrong = {
        "compression": "none",
        "name": "pixel-digest",
        "params": {"length": 4},
        "version": 2,
    }
    changed = [i._replace(codec=wrong) if i.kind == kind else i for i in items]
    artifact = opened(head, changed)
    for section in artifact.sections:
        if section.kind == kind:
            with pytest.raises(HeaderError, match="pixel-digest"):
                artifact.table.decode(section)


def test_partners_are_needed_only_where_they_show() -> None:
    with ddcodec.open(FOLDER / "y_slice.ddz") as artifact:
        assert artifact.verify("digest") == 0
        held = {s.box.class_start for s in artifact.sections if s.kind == "label-fields"}
        assert 1 < len(held) < len(artifact.head.classes)
