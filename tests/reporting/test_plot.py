from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.reporting.plot import OUTLINES, Level, Plot, Point, plot

points = st.lists(
    st.builds(
        Point,
        label=st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=12),
        x=st.integers(1, 10**12),
        y=st.floats(0, 100),
        error=st.none() | st.floats(0, 20),
        role=st.sampled_from(["artifact", "baseline", "published"]),
        key=st.integers(1, 99).map(str),
        shape=st.sampled_from(["soft", "hard", "teacher", "published", ""]),
        least=st.none() | st.integers(1, 10**12),
    ),
    min_size=1,
    max_size=8,
)


def crowd(count: int) -> list[Point]:
    """Artifacts of almost the same size and accuracy."""
    return [
        Point(f"artifact number {i}", 20_000 + i, 50 + i / 10, 0.5, "artifact", str(i + 1))
        for i in range(count)
    ]


def texts(drawn: Plot) -> list[str]:
    return [mark.label.text for mark in drawn.marks if mark.label is not None]


@given(points, st.sampled_from([340, 760]))
def test_whatever_the_figures_all_points_are_inside_and_no_labels_overlap(
    found: list[Point], width: int
) -> None:
    drawn = plot(found, levels=[Level(10, "chance"), Level(70, "whole", True)], width=width)
    assert len(drawn.marks) == len(found)
    for mark in drawn.marks:
        assert 0 <= mark.x <= drawn.width
        assert 0 <= mark.top <= mark.y <= mark.bottom <= drawn.height
        assert mark.least is None or mark.least >= drawn.left
    assert "whole" in [level.text for level in drawn.levels]
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
    assert drawn.keyed == frozenset()


@pytest.mark.parametrize("width", [340, 760])
def test_names_without_a_place_give_way_to_the_numbers_of_rows(width: int) -> None:
    drawn = plot(crowd(40), width=width)
    assert drawn.keyed == {"artifact"}
    assert texts(drawn) == [str(i + 1) for i in range(40)]
    boxes = [mark.label.box for mark in drawn.marks if mark.label is not None]
    assert not any(one.hits(other) for one, other in combinations(boxes, 2))


def test_the_front_leaves_out_what_a_smaller_artifact_surpasses() -> None:
    sizes = [(10, 50.0), (20, 40.0), (30, 60.0)]
    own = [Point("", x, y, None, "artifact") for x, y in sizes]
    rivals = [Point("", 5, 70, None, "baseline"), Point("", 5, 70, None, "published")]
    assert len(plot([*own, *rivals]).front) == 2
    assert plot(own[:2]).front == ()


def published(count: int) -> list[Point]:
    """Published figures near the crowd; the most accurate is the best."""
    figures = [
        Point(f"method {i}", 20_010, 52 + i / 40, None, "published", chr(97 + i))
        for i in range(count)
    ]
    return [*figures[:-1], replace(figures[-1], best=True)]


def test_names_of_published_figures_give_way_before_those_of_artifacts() -> None:
    drawn = plot([*crowd(4), *published(20)])
    assert drawn.keyed == {"published"}
    assert {"artifact number 0, 50.0", "method 19, 52.5", "a", "s"} <= set(texts(drawn))


@pytest.mark.parametrize("width", [340, 760])
def test_a_dozen_artifacts_and_published_figures_are_all_labelled(width: int) -> None:
    drawn = plot([*crowd(12), *published(14)], width=width)
    assert len(texts(drawn)) == 12 + 14
    assert drawn.keyed >= {"published"}


def test_published_marks_lie_under_the_others_and_show_their_other_bytes() -> None:
    other = Point("MTT", 122_880, 46.3, None, "published", "a", "published", least=30_720)
    drawn = plot([Point("own", 30_720, 60, 1, "artifact"), other])
    assert [mark.point.label for mark in drawn.marks] == ["MTT", "own"]
    assert drawn.marks[0].least == pytest.approx(drawn.marks[1].x)


def test_a_mark_says_its_labels_and_protocol_and_has_the_shape_of_its_labels() -> None:
    point = Point("a", 1_000, 20, 1.5, "artifact", "1", "hard", "hard labels, protocol ddz")
    assert point.hint == "a: 1.00 kB, 20.0 ± 1.5 %, hard labels, protocol ddz"
    shapes = {Point("", 1, 1, None, "artifact", shape=shape).outline for shape in OUTLINES}
    assert len(shapes) == len(OUTLINES)


def test_a_level_off_the_axis_is_left_out_unless_it_is_needed() -> None:
    own = [Point("own", 1_000, 60, None, "artifact")]
    assert plot(own, levels=[Level(10, "chance")]).levels == ()
    (level,) = plot(own, levels=[Level(90, "whole set", needed=True)]).levels
    assert level.text == "whole set"
