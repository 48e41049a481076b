"""Coverage: every row of a table is held exactly once (spec/table.md, "Sections")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ddcodec import codecs
from ddcodec.codecs.label_model import LabelModelCodec
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.container import Section
from ddcodec.errors import HeaderError
from ddcodec.recipe.head import Head, Range, joined
from ddcodec.table.boxes import Ranks, Span, span_of, tiling_fault
from ddcodec.table.kind import Kind
from ddcodec.table.kinds import KINDS

__all__ = ["check_coverage", "picture_classes"]

Sections = dict[str, list[Section]]


def check_coverage(sections: Iterable[Section], head: Head) -> None:
    """Check that every row, and every partner of the support, can be found once.

    Costs by the number of sections, whatever the number of classes.

    Raises:
        HeaderError: something is missing, stored twice, or not of this table.
        UnknownCodecError: a section's codec, which this reader lacks.
    """
    by_kind: Sections = {name: [] for name in KINDS}
    for section in sections:
        if section.kind in KINDS:
            by_kind[section.kind].append(section)
            KINDS[section.kind].codec(section, head.recipe)
    pictures = picture_classes(head, by_kind["seeds"])
    for kind in KINDS.values():
        found = by_kind[kind.name]
        if not kind.used(head.recipe) or (kind.optional and not found):
            continue
        if kind.scope == "artifact":
            _check_single(kind, found)
        elif kind.scope == "origin":
            _check_origins(kind, found, _origins_in_need(kind, by_kind, head), head)
        else:
            classes = joined(head.rows) if kind.scope == "rows" else pictures
            if kind.name == "label-fields":
                classes = _with_fields(classes, by_kind, head)
            _check_tiles(kind, found, classes, head)


def picture_classes(head: Head, seeds: Sequence[Section]) -> tuple[Range, ...]:
    """The classes that have pictures: those with rows, and their support, which has seeds."""
    return joined([*head.rows, *((s.box.class_start, s.box.class_count) for s in seeds)])


def _check_single(kind: Kind, found: Sequence[Section]) -> None:
    if len(found) != 1:
        how = "holds no" if not found else f"holds {len(found)} sections of kind"
        raise HeaderError(f"the artifact {how} {kind.name}, but needs one; the file is damaged")


def _check_origins(
    kind: Kind, found: Sequence[Section], needed: Sequence[Range], head: Head
) -> None:
    have: set[Range] = set()
    for section in found:
        origin = section.box.class_start, section.box.class_count
        if origin in have:
            raise _fault(kind, head, origin[0], twice=True)
        have.add(origin)
    for origin in needed:
        if origin not in have:
            raise _fault(kind, head, origin[0], twice=False)


def _check_tiles(
    kind: Kind, found: Sequence[Section], classes: Sequence[Range], head: Head
) -> None:
    ranks = Ranks(classes)
    slots, views = kind.slots(head.recipe), kind.views(head.recipe)
    spans = []
    for section in found:
        box = section.box
        if not kind.whole and not ranks.holds(box.class_start, box.class_count):
            raise HeaderError(
                f"{kind.name} of classes that have no {'rows' if kind.scope == 'rows' else 'use'}"
                " for them; the file is damaged",
                section=section.label,
            )
        span = span_of(box, slots, views)
        start, end = (ranks.of(c) for c in span.classes)
        spans.append(span._replace(classes=(start, end)))
    fault = tiling_fault(spans, Span((0, ranks.count), (0, slots), (0, views)))
    if fault is not None:
        class_index = ranks.class_at(fault.class_index)
        raise _fault(kind, head, class_index, fault.slot, fault.view, twice=fault.twice)


def _fault(
    kind: Kind, head: Head, class_index: int, slot: int = 0, view: int = 0, *, twice: bool
) -> HeaderError:
    where = f"of class {head.classes[class_index]!r}"
    if "slot" in kind.axes:
        where += f", slot {slot}"
    if "view" in kind.axes:
        where += f", view {view}"
    if twice:
        return HeaderError(f"{kind.name} {where} are stored twice; the file is damaged")
    return HeaderError(f"{kind.name} {where} are missing; the artifact is incomplete")


def _origins_in_need(kind: Kind, by_kind: Sections, head: Head) -> list[Range]:
    """The origins that cannot do without a section of a kind."""
    if kind.name == "teacher":
        rows = Ranks(joined(head.rows))
        return [o for o in head.origins if rows.of(sum(o)) > rows.of(o[0])]
    return sorted(_layered_origins(by_kind, head))


def _layered_origins(by_kind: Sections, head: Head) -> set[Range]:
    """The origins of labels that are told from a model."""
    return {
        head.origin(section.box.class_start)
        for section in by_kind["labels"]
        if section.codec.name == SoftLabels.name
    }


def _with_fields(classes: Sequence[Range], by_kind: Sections, head: Head) -> tuple[Range, ...]:
    """Those of the classes whose labels are told from a model that has atoms."""
    layered, fitted = _layered_origins(by_kind, head), []
    for section in by_kind["label-model"]:
        origin = section.box.class_start, section.box.class_count
        codec = codecs.get(section.codec)
        if origin in layered and isinstance(codec, LabelModelCodec) and codec.atoms:
            fitted.append(origin)
    return _shared(classes, joined(fitted))


def _shared(left: Sequence[Range], right: Sequence[Range]) -> tuple[Range, ...]:
    """The classes that two lists of ranges, each ascending and apart, have in common."""
    shared, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        start = max(left[i][0], right[j][0])
        ends = sum(left[i]), sum(right[j])
        if start < min(ends):
            shared.append((start, min(ends) - start))
        if ends[0] < ends[1]:
            i += 1
        else:
            j += 1
    return tuple(shared)
