"""A teacher's look at the order of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ddcodec
from ddcodec.errors import SourceError
from ddcodec.exchange.importing.order_check import judged
from ddcodec.sources.folder import scan
from ddcodec.sources.source import load_images
from tests.conftest import SHAPES
from tests.exchange.importing.neighbours import d4m


@settings(max_examples=20)
@given(st.integers(2, 30), st.integers(1, 5), st.integers(0, 100))
def test_an_order_that_suits_is_never_doubted(classes: int, ipc: int, seed: int) -> None:
    own = np.repeat(np.arange(classes), ipc)
    said = own.copy()
    random = np.random.default_rng(seed)
    wrong = random.random(len(own)) < 0.3
    said[wrong] = random.integers(0, classes, int(wrong.sum()))
    seen = judged(own, said, classes)
    assert not seen.is_wrong
    assert seen.share == (own == said).mean() <= seen.best


@settings(max_examples=20)
@given(st.integers(5, 30), st.integers(4, 10), st.integers(0, 100))
def test_a_shuffled_order_is_wrong(classes: int, ipc: int, seed: int) -> None:
    own = np.repeat(np.arange(classes), ipc)
    seen = judged(own, (own + 1 + seed % (classes - 1)) % classes, classes)
    assert seen.is_wrong and (seen.share, seen.best) == (0, 1)


@pytest.mark.parametrize(("classes", "ipc"), [(10, 1), (10, 10), (5, 4)])
def test_a_teacher_that_knows_nothing_refuses_no_order(classes: int, ipc: int) -> None:
    own = np.repeat(np.arange(classes), ipc)
    random = np.random.default_rng(0)
    seen = [judged(own, random.integers(0, classes, len(own)), classes) for _ in range(30)]
    assert not any(one.is_wrong for one in seen)
    assert sum(one.is_doubtful for one in seen) > 25
    blind = next(one for one in seen if one.is_doubtful)
    assert f"where chance takes {100 // classes} %" in blind.describe(("a",) * classes)


def test_two_classes_that_are_exchanged_are_named() -> None:
    own = np.repeat(np.arange(6), 10)
    said = own.copy()
    said[own == 1], said[own == 4] = 4, 1
    seen = judged(own, said, 6)
    assert seen.is_doubtful and not seen.is_wrong
    assert seen.renamed == ((1, 4), (4, 1))
    text = seen.describe(("a", "b", "c", "d", "e", "f"))
    assert "67 % of 60 pictures" in text and "'b' looks like 'e'" in text


@pytest.fixture(scope="module")
def numbered(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures of each shape, in folders 0, 1 and 2."""
    images, labels = load_images(scan(image_folder), (16, 16))
    first = np.concatenate([np.flatnonzero(labels == c)[:4] for c in range(3)])
    return d4m(tmp_path_factory.mktemp("numbered") / "set", images[first], 4)


def order_file(folder: Path, names: tuple[str, ...]) -> str:
    (folder / "order.txt").write_text("\n".join(names), "utf-8")
    return str(folder / "order.txt")


def test_a_right_order_is_confirmed_and_labelled(
    numbered: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    made = ddcodec.import_artifact(
        numbered,
        tmp_path / "a.ddz",
        classes=order_file(tmp_path, SHAPES),
        teacher=teacher_folder,
        views=3,
    )
    assert made.labels == "soft" and made.divergence is not None
    assert made.agreement is not None and made.agreement.share > 0.6
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        assert artifact.recipe.views == 3 and artifact.recipe.labels.kind == "soft"


def test_a_wrong_order_is_refused_unless_it_is_trusted(
    numbered: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    wrong = order_file(tmp_path, (SHAPES[1], SHAPES[2], SHAPES[0]))
    with pytest.raises(SourceError, match=r"the order of the classes looks wrong: .* in another"):
        ddcodec.import_artifact(numbered, tmp_path / "a.ddz", classes=wrong, teacher=teacher_folder)
    assert not (tmp_path / "a.ddz").exists()
    made = ddcodec.import_artifact(
        numbered,
        tmp_path / "a.ddz",
        classes=wrong,
        teacher=teacher_folder,
        labels="hard",
        trust_order=True,
    )
    assert any("the order of the classes may be wrong" in one for one in made.warnings)
    assert made.labels == "hard"
