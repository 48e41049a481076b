"""Ways to spend a budget: each spends all of it, and can be asked for as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.encoding.costs import Costs, label_bytes_each
from ddcodec.encoding.options import EncodeOptions
from ddcodec.errors import RequestError
from ddcodec.evaluation.protocols import get_protocol
from ddcodec.planning.model import Training
from ddcodec.planning.settings import Filling, considered, parse_filling, plain

COSTS = Costs(fixed=700.0, teacher=0.0, picture=80.0, slot=81.0)
SOFT = Filling("random")


@given(
    st.integers(2_000, 3_000_000),
    st.sampled_from(["soft", "hard", "teacher"]),
    st.integers(1, 5000),
)
def test_every_setting_spends_its_budget(budget: int, labels: str, pictures: int) -> None:
    filling = Filling("random", labels=labels)  # type: ignore[arg-type]
    for setting in considered(budget, filling, COSTS, (pictures,) * 10):
        parts = setting.sections()
        assert sum(parts.values()) == budget
        assert min(parts.values()) >= 0
        assert 1 <= setting.ipc <= pictures
        options = EncodeOptions(**setting.options())
        assert options.budget_bytes == budget
        # Finer pictures are fewer: the price of each is that of what it is said to be.
        if setting.coarseness > 0.25:
            each = parts["pictures"] / (10 * setting.ipc)
            assert each == pytest.approx(COSTS.picture / setting.coarseness, rel=0.05, abs=1)


def test_budgets_begin_with_what_an_encode_within_one_begins_with() -> None:
    first = plain(list(considered(30_700, SOFT, COSTS, (5000,) * 10)))
    assert (first.coarseness, first.label, first.views) == (pytest.approx(1, abs=0.04), 1, 30)
    # 28,300 bytes for pictures of 80, their digests and 30 labels of 0.8 bytes.
    assert first.ipc == 28


def test_generated_pictures_take_no_bytes_and_labels_all() -> None:
    generated = Costs(fixed=3000.0, teacher=0.0, picture=0.0, slot=1.0)
    (first, *_) = considered(20_000, Filling("t2i"), generated, (9,) * 10)
    assert first.sections()["pictures"] == 0
    assert "label_bytes" not in first.options()
    options = EncodeOptions(**first.options())
    assert first.variations == options.variations == first.views
    hard = Filling("t2i", labels="hard")
    assert next(considered(20_000, hard, generated, (9,) * 10)).variations == 1
    assert next(considered(20_000, SOFT, COSTS, (99,) * 10)).variations == 1


@given(st.integers(4_000, 3_000_000), st.integers(2, 100))
def test_drawn_pictures_are_as_many_as_labels_of_a_price(budget: int, classes: int) -> None:
    generated = Costs(fixed=3000.0, teacher=0.0, picture=0.0, slot=1.0)
    found = list(considered(budget, Filling("t2i"), generated, (9,) * classes))
    for setting in found:
        assert sum(setting.sections().values()) == budget
        slots, price = classes * setting.ipc, setting.label * label_bytes_each(classes)
        labels = setting.sections()["labels"]
        assert setting.variations == setting.views
        assert labels / (slots * setting.views) >= 0.99 * price
        assert labels / (slots * (setting.views + 1)) < price + 1, "one view more would be too dear"
    numbers = [setting.views * setting.ipc for setting in found]
    assert numbers == sorted(numbers, reverse=True), "cheaper labels are more"


def test_students_of_generated_pictures_are_trained_as_on_the_artifact() -> None:
    generated = Costs(fixed=3000.0, teacher=0.0, picture=0.0, slot=1.0)
    setting = next(considered(20_000, Filling("t2i"), generated, (9,) * 10))
    training = Training.of(get_protocol("ddz"), setting, 10)
    planned = get_protocol("ddz").plan(10 * setting.ipc, setting.ipc, 10, setting.variations)
    assert (training.epochs, training.steps) == (planned.epochs, planned.steps)
    assert planned.batch_size == 128


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rdde", "unknown method 'rdde'"),
        ("rded:easy", "'easy' in 'rded:easy' is not KEY=VALUE"),
        ("rded:colour=1", "method rded has no option 'colour'"),
        ("rded:select=best", "select='best' is not allowed"),
    ],
)
def test_methods_that_cannot_be_asked_for_are_refused(text: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parse_filling(text)


def test_a_stored_teacher_stands_for_labels() -> None:
    costs = COSTS._replace(fixed=165_700.0, teacher=165_000.0)
    (first, *_) = considered(300_000, Filling("random", labels="teacher"), costs, (5000,) * 10)
    assert first.sections()["labels"] == 165_000
    assert first.options()["labels"] == "teacher"
    assert "label_bytes" not in first.options()
