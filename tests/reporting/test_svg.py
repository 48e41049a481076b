from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.reporting.svg import Point, bytes_text, percent_text, scatter, stacked_bar

points = st.lists(
    st.builds(
        Point,
        label=st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=12),
        x=st.integers(1, 10**12),
        y=st.floats(0, 100),
        error=st.none() | st.floats(0, 20),
        role=st.sampled_from(["artifact", "baseline"]),
    ),
    min_size=1,
    max_size=6,
)


@given(points)
def test_any_figures_give_a_well_formed_plot_with_all_points_inside(found: list[Point]) -> None:
    root = ElementTree.fromstring(scatter(found, chance=10, title="<figures> & more"))
    circles = [e for e in root if e.tag == "circle"]
    assert len(circles) == len(found)
    for circle in circles:
        assert 0 <= float(circle.attrib["cx"]) <= 760
        assert 0 <= float(circle.attrib["cy"]) <= 400


def test_more_bytes_lie_to_the_right_and_more_accuracy_above() -> None:
    plot = scatter([Point("a", 1_000, 20, None, "artifact"), Point("b", 9_000, 60, 2, "artifact")])
    (ax, ay), (bx, by) = (
        (float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', plot)
    )
    assert ax < bx
    assert ay > by


def test_labels_of_near_points_do_not_share_a_place() -> None:
    crowd = [Point(f"artifact {i}", 20_000 + i, 50 + i / 10, 0.5, "artifact") for i in range(4)]
    places = re.findall(r'class="label artifact" x="([\d.]+)" y="([\d.]+)"', scatter(crowd))
    assert len(set(places)) == 4


def test_a_bar_has_its_parts_in_proportion_and_skips_empty_ones() -> None:
    root = ElementTree.fromstring(stacked_bar([("a", 75), ("none", 0), ("b", 25)]))
    widths = [float(rect.attrib["width"]) for rect in root]
    assert widths == [pytest.approx(570), pytest.approx(190)]
    assert root[1].attrib["class"] == "part2"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (812, "812 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (31_400, "31.4 kB"),
        (999_600, "1.00 MB"),
        (1_540_000, "1.54 MB"),
        (307_000, "307 kB"),
    ],
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert bytes_text(count) == text


def test_percent_for_people() -> None:
    assert percent_text(0.5961) == "59.6 %"
    assert percent_text(0.5961, 0.0031) == "59.6 ± 0.3 %"
