from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.reporting.plot import Plot, Point, front, plot

points = st.lists(
    st.builds(
        Point,
        label=st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=12),
        x=st.integers(1, 10**12),
        y=st.floats(0, 100),
        error=st.none() | st.floats(0, 20),
        role=st.sampled_from(["artifact", "baseline"]),
        number=st.integers(1, 99),
        series=st.sampled_from(["rded", "d3m"]),
    ),
    min_size=1,
    max_size=8,
)


def crowd(count: int) -> list[Point]:
    """Artifacts of almost the same size and accuracy."""
    return [
        Point(f"artifact number {i}", 20_000 + i, 50 + i / 10, 0.5, "artifact", i + 1, str(i))
        for i in range(count)
    ]


def texts(drawn: Plot) -> list[str]:
    return [mark.label.text for mark in drawn.marks if mark.label is not None]


@given(points, st.sampled_from([340, 760]))
def test_whatever_the_figures_all_points_are_inside_and_no_labels_overlap(
    found: list[Point], width: int
) -> None:
    drawn = plot(found, chance=10, width=width)
    assert len(drawn.marks) == len(found)
    for mark in drawn.marks:
        assert 0 <= mark.x <= drawn.width
        assert 0 <= mark.top <= mark.y <= mark.bottom <= drawn.height
    boxes = [mark.label.box for mark in drawn.marks if mark.label is not None]
    assert not any(one.hits(other) for one, other in combinations(boxes, 2))
    assert all(box.left >= 0 and box.right <= drawn.width for box in boxes)


def test_more_bytes_lie_to_the_right_and_more_accuracy_above() -> None:
    drawn = plot([Point("a", 1_000, 20, None, "artifact"), Point("b", 9_000, 60, 2, "artifact")])
    a, b = drawn.marks
    assert a.x < b.x
    assert a.y > b.y
    assert b.top < b.y < b.bottom


def test_few_points_have_their_names() -> None:
    drawn = plot(crowd(4))
    assert texts(drawn) == [f"artifact number {i}, {50 + i / 10:.1f}" for i in range(4)]
    assert not drawn.numbered


@pytest.mark.parametrize("width", [340, 760])
def test_names_without_a_place_give_way_to_the_numbers_of_rows(width: int) -> None:
    drawn = plot(crowd(40), width=width)
    assert drawn.numbered
    assert texts(drawn) == [str(i + 1) for i in range(40)]
    boxes = [mark.label.box for mark in drawn.marks if mark.label is not None]
    assert not any(one.hits(other) for one, other in combinations(boxes, 2))


def test_a_front_leaves_out_what_a_smaller_file_of_the_method_surpasses() -> None:
    sizes = [(10, 50.0), (20, 40.0), (30, 60.0)]
    rded = [Point("", x, y, None, "artifact", series="rded") for x, y in sizes]
    alone = Point("", 25, 70, None, "artifact", series="d3m")
    assert front(rded) == [rded[0], rded[2]]
    (line,) = plot([*rded, alone]).lines
    assert line[0] == "artifact"
    assert len(line[1]) == 2
