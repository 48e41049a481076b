from __future__ import annotations

from dataclasses import replace

import pytest

from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.reporting.classes import classes_of
from tests.reporting.figures import evaluation


def counted(count: int) -> Evaluation:
    """Of class c, c pictures in ten times the number of classes are taken for the next one."""
    rows = []
    for c in range(count):
        row = [0] * count
        row[c], row[(c + 1) % count] = 10 * count - c, c
        rows.append(tuple(row))
    names = tuple(f"class {c}" for c in range(count))
    return replace(evaluation("a.ddz", 0.5), class_names=names, confusion=tuple(rows))


def test_few_classes_have_a_matrix_and_a_complete_list() -> None:
    found = classes_of(counted(3))
    assert found is not None
    assert [r.name for r in found.results] == ["class 0", "class 1", "class 2"]
    assert found.results[2].accuracy == pytest.approx(28 / 30)
    assert [[cell.text for cell in row] for row in found.matrix] == [
        ["100", "", ""],
        ["", "97", "3"],
        ["7", "", "93"],
    ]
    assert found.matrix[2][0].hint == "6.7 % of class 2 taken for class 0"


def test_many_classes_have_their_ends_and_what_is_confused_most() -> None:
    found = classes_of(counted(50))
    assert found is not None
    assert len(found.results) == 20
    assert found.left_out == 30
    assert found.matrix == ()
    assert (found.confused[0].true, found.confused[0].guess) == ("class 49", "class 0")


def test_figures_without_counts_show_no_classes() -> None:
    assert classes_of(evaluation("old.ddz", 0.5)) is None
