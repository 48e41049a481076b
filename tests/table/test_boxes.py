"""Boxes tile the table exactly, or the first cell that they do not is named."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.container import Box, CodecSpec, Section
from ddcodec.recipe.head import to_ranges
from ddcodec.table.boxes import BoxIndex, Fault, Ranks, Span, span_of, tiling_fault

WHOLE = Span((0, 3), (0, 4), (0, 2))
ENDS = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda ends: tuple(sorted(ends)))
SPANS = st.builds(Span, ENDS, ENDS, ENDS)


def covered(spans: list[Span]) -> np.ndarray:
    """How often each cell within 6 x 6 x 6 is covered."""
    counts = np.zeros((6, 6, 6), int)
    for classes, slots, views in spans:
        counts[slice(*classes), slice(*slots), slice(*views)] += 1
    return counts


def divided(span: Span, axis: int, at: int) -> list[Span]:
    start, end = span[axis]
    at = min(max(at, start), end)
    low, high = list(span), list(span)
    low[axis], high[axis] = (start, at), (at, end)
    return [Span(*low), Span(*high)]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), st.integers(0, 4)), max_size=9))
def test_any_division_of_the_whole_tiles_it(cuts: list[tuple[int, int, int]]) -> None:
    spans = [WHOLE]
    for which, axis, at in cuts:
        spans += divided(spans.pop(which % len(spans)), axis, at)
    assert tiling_fault(spans, WHOLE) is None


@given(st.lists(SPANS, max_size=6))
def test_the_fault_is_the_first_cell_not_covered_once(spans: list[Span]) -> None:
    wrong = covered(spans) - covered([WHOLE])
    cells = [cell for cell in product(range(6), repeat=3) if wrong[cell]]
    expected = Fault(*cells[0], twice=bool(wrong[cells[0]] > 0)) if cells else None
    assert tiling_fault(spans, WHOLE) == expected


def test_a_hole_and_an_overlap_of_equal_area_do_not_cancel() -> None:
    spans = [
        Span((0, 3), (0, 4), (0, 1)),
        Span((0, 2), (0, 4), (1, 2)),
        Span((0, 1), (0, 4), (0, 1)),
    ]
    assert tiling_fault(spans, WHOLE) == Fault(0, 0, 0, twice=True)


def test_counting_corners_costs_by_boxes_whatever_their_size() -> None:
    huge = Span((0, 1 << 20), (0, 1 << 24), (0, 1 << 24))
    assert tiling_fault(divided(huge, 0, 777), huge) is None
    assert tiling_fault([], huge) == Fault(0, 0, 0, twice=False)


@given(st.sets(st.integers(0, 40)), st.integers(0, 45), st.integers(0, 45))
def test_ranks_count_the_chosen_classes(chosen: set[int], start: int, count: int) -> None:
    ranks = Ranks(to_ranges(chosen))
    inside = [c for c in range(start, start + count) if c in chosen]
    assert ranks.count == len(chosen)
    assert ranks.of(start) == sum(c < start for c in chosen)
    assert ranks.holds(start, count) == (len(inside) == count)
    assert ranks.shared(start, count) == list(to_ranges(inside))
    outside = set(range(start, start + count)) - chosen
    assert ranks.missing(start, count) == list(to_ranges(outside))
    assert [ranks.class_at(rank) for rank in range(ranks.count)] == sorted(chosen)


def test_an_undivided_axis_holds_all_of_it() -> None:
    assert span_of(Box(2, 3), 5, 7) == Span((2, 5), (0, 5), (0, 7))
    assert span_of(Box(2, 3, 1, 9, 2, 1), 5, 7) == Span((2, 5), (1, 5), (2, 3))


def section(index: int, box: Box) -> Section:
    return Section(index, "labels", 0, CodecSpec("x", 1, "none", {}), box, 1, 1, 0, 0)


def test_sections_are_found_by_class_slot_and_view() -> None:
    boxes = [Box(0, 2), Box(2, 1, 0, 4), Box(2, 1, 4, 4, 0, 3), Box(2, 1, 4, 4, 3, 3)]
    index = BoxIndex([section(i, box) for i, box in enumerate(boxes)])

    def found(*cell: int) -> int | None:
        here = index.find(*cell)
        return None if here is None else here.index

    assert [found(1, 99, 99), found(2, 3, 50), found(2, 4, 2), found(2, 7, 5)] == [0, 1, 2, 3]
    assert found(3) is None and found(2, 8) is None and found(2, 4, 6) is None
    assert [s.index for s in index.of_class(2)] == [1, 2, 3]
    assert [s.index for s in index.of_view(3)] == [0, 1, 3]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), st.integers(0, 4)), max_size=12))
def test_many_rows_are_found_as_each_is(cuts: list[tuple[int, int, int]]) -> None:
    spans = [WHOLE]
    for which, axis, at in cuts:
        spans += [s for s in divided(spans.pop(which % len(spans)), axis, at) if covered([s]).any()]
    boxes = [Box(*(n for start, end in s for n in (start, end - start))) for s in spans]
    codec = CodecSpec("hard-labels", 1, "none")
    sections = [Section(i, "labels", 0, codec, box, 1, 1, 0, 0) for i, box in enumerate(boxes)]
    index = BoxIndex(sections, 1)
    rows = np.array([(c, s) for c in range(4) for s in range(5)])
    for view in range(2):
        found = index.find_all(rows, view)
        for (c, s), place in zip(rows.tolist(), found.tolist(), strict=True):
            alone = index.find(c, s, view)
            assert (index.sections[place] if place >= 0 else None) is alone
            inside = [i for i, span in enumerate(spans) if covered([span])[c, s, view]]
            assert inside == ([place] if place >= 0 else [])
