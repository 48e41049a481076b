"""Slices and unions of artifacts: class subsets, IPC prefixes, view prefixes, merges.

Stored bytes are copied wherever a section lies wholly inside the slice. A section that is cut is
re-encoded without loss where its codec allows; a lossy mosaic is copied whole. So the images and
labels that stay are the same bytes, and class indices never change (spec/ddz.md, "Slices").
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ddcodec import codecs
from ddcodec.artifact import Artifact
from ddcodec.codecs.mosaic import Mosaic
from ddcodec.container import (
    KINDS,
    Box,
    CopiedSection,
    NewSection,
    Section,
    write_container,
)
from ddcodec.errors import EncodeError
from ddcodec.recipe import Head, to_ranges
from ddcodec.section_shapes import array_shape

__all__ = ["merge", "subset"]

NewSections = list[NewSection | CopiedSection]

# What the labels of a whole origin share, and what to call them coded or computed apart.
OF_ORIGINS = {
    "label-model": "has another label model",
    "teacher": "stores another teacher",
}


def subset(
    artifact: Artifact,
    out: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    ipc: int | None = None,
    views: int | None = None,
    force: bool = False,
) -> str:
    """Write the rows of some classes, the first slots and the first views as a new artifact.

    CutMix partners outside the class subset stay as support: their pictures are kept, their
    labels are not. Partner slots never exceed the row's own slot, so IPC prefixes need none.

    Returns:
        The content digest in hex.

    Raises:
        EncodeError: unknown class, or more slots or views than there are.
    """
    head = artifact.head
    recipe = head.recipe
    ipc = _prefix("ipc", ipc, recipe.ipc)
    views = _prefix("views", views, recipe.views)
    keep = artifact.class_indices(classes) if classes is not None else head.row_classes
    if not keep:
        raise EncodeError("a subset needs at least one class; name it with --classes")
    new_head = replace(head, rows=to_ranges(keep), recipe=replace(recipe, ipc=ipc, views=views))
    support = _support(artifact, new_head)
    sections: NewSections = []
    for section in artifact.sections:
        wanted = keep if section.kind in ("labels", "pixels") else tuple(sorted({*keep, *support}))
        sections += _cut(artifact, section, new_head, wanted)
    digest = write_container(
        out, head=new_head.to_map(), sections=sections, info=dict(artifact.info), overwrite=force
    )
    return digest.hex()


def _prefix(name: str, wanted: int | None, have: int) -> int:
    if wanted is None:
        return have
    if not 1 <= wanted <= have:
        raise EncodeError(f"--{name} {wanted} is not within 1..{have}, what the artifact holds")
    return wanted


def _support(artifact: Artifact, head: Head) -> tuple[int, ...]:
    """Classes outside the rows whose pictures the remaining views mix in."""
    if not head.recipe.view.cutmix or head.recipe.views == 1:
        return ()
    renderer = artifact.renderer()
    rows = [(c, s) for c in head.row_classes for s in range(head.recipe.ipc)]
    partners = {c for v in range(1, head.recipe.views) for c, _ in renderer.partners(rows, v) or ()}
    return tuple(sorted(partners - set(head.row_classes)))


def _cut(artifact: Artifact, section: Section, head: Head, classes: Sequence[int]) -> NewSections:
    """The part of a section that lies in the slice, as few sections as possible."""
    reader, box = artifact.reader, section.box
    if section.kind not in KINDS and not section.safe_to_copy:
        return []
    if section.kind == "schedule" or section.kind not in KINDS:
        return [CopiedSection(reader, section, box)]
    if section.kind in OF_ORIGINS:  # every row of its origin needs all of it
        wanted = any(box.class_start <= c < box.class_start + box.class_count for c in classes)
        return [CopiedSection(reader, section, box)] if wanted else []
    slots = head.recipe.seeds_per_class if section.kind == "seeds" else head.recipe.ipc
    slot_count = max(0, min(box.slot_count, slots - box.slot_start))
    view_count = max(0, min(box.view_count, head.recipe.views - box.view_start))
    inside = [c for c in classes if box.class_start <= c < box.class_start + box.class_count]
    if not inside or (box.slot_count and not slot_count) or (box.view_count and not view_count):
        return []
    codec = codecs.get(section.codec)
    unchanged = (slot_count, view_count) == (box.slot_count, box.view_count)
    unchanged &= _keeps_undivided(section, artifact.head, head)
    if isinstance(codec, Mosaic) or (unchanged and len(inside) == box.class_count):
        return [CopiedSection(reader, section, box)]
    raw, shape = reader.read_raw(section), array_shape(section, artifact.head)
    new: NewSections = []
    for start, count in to_ranges(inside):
        first = start - box.class_start
        part = codec.slice_raw(
            raw,
            slice(first, first + count),
            slice(0, slot_count or slots),
            shape,
            slice(0, view_count or head.recipe.views),
        )
        new_box = Box(start, count, box.slot_start, slot_count, box.view_start, view_count)
        new.append(NewSection(section.kind, codec.spec(), new_box, part, section.flags))
    return new


def _keeps_undivided(section: Section, old: Head, new: Head) -> bool:
    """Whether an axis the box does not divide has the same length in both heads.

    A derived seed list stores no entry a slot, so it outlives any slice.
    """
    if section.kind == "seeds":
        if section.codec.name == "seed-derived":
            return True
        return section.box.slot_count > 0 or (
            old.recipe.seeds_per_class == new.recipe.seeds_per_class
        )
    if section.kind == "prompts":
        return True
    return (section.box.slot_count > 0 or old.recipe.ipc == new.recipe.ipc) and (
        section.box.view_count > 0
        or section.kind != "labels"
        or old.recipe.views == new.recipe.views
    )


def merge(
    artifacts: Sequence[Artifact], out: str | os.PathLike[str], *, force: bool = False
) -> str:
    """Unite artifacts of disjoint classes and of one recipe into a new one.

    Slices of one artifact unite to what they were cut from; artifacts of different class lists
    are put side by side, and their labels go on ranging over the classes of their own origin.

    Returns:
        The content digest in hex.

    Raises:
        EncodeError: a class in both, recipes that differ (saying in what), or labels of the same
            classes that were coded, or are computed, apart.
    """
    if len(artifacts) < 2:
        raise EncodeError("merge needs at least two artifacts")
    first = artifacts[0].head
    _check_mergeable(artifacts)
    if all(a.head.classes == first.classes for a in artifacts):
        _check_same_labels(artifacts)
        classes, origins, shifts = first.classes, first.origins, [0] * len(artifacts)
    else:
        classes, origins, shifts = _side_by_side(artifacts)
    rows = [
        i + shift for a, shift in zip(artifacts, shifts, strict=True) for i in a.head.row_classes
    ]
    head = Head(classes, to_ranges(rows), origins, first.recipe, first.prior)
    sections = _united_sections(artifacts, shifts)
    info: dict[str, Any] = {**artifacts[0].info, "merged": [a.digest for a in artifacts]}
    return write_container(
        out, head=head.to_map(), sections=sections, info=info, overwrite=force
    ).hex()


def _check_mergeable(artifacts: Sequence[Artifact]) -> None:
    first = artifacts[0]
    seen: dict[str, Artifact] = {}
    for artifact in artifacts:
        ours, theirs = first.recipe.to_map(), artifact.recipe.to_map()
        # The evaluation is advice; no row depends on it.
        differing = sorted(k for k in ours if k != "evaluation" and ours[k] != theirs[k])
        if differing:
            raise EncodeError(
                f"{artifact.path} differs from {first.path} in {', '.join(differing)}; "
                "cut both to one IPC and number of views with `ddz subset`, and merge only "
                "artifacts of one recipe"
            )
        if artifact.head.prior != first.head.prior:
            raise EncodeError(f"{artifact.path} and {first.path} were made with different priors")
        for name in artifact.classes:
            if name in seen:
                raise EncodeError(
                    f"class {name!r} is in {seen[name].path} and in {artifact.path}; "
                    "drop it from one with `ddz subset --classes`"
                )
            seen[name] = artifact


def _check_same_labels(artifacts: Sequence[Artifact]) -> None:
    """Slices of one artifact share its teacher and label model; others mean other labels."""
    seen: dict[tuple[str, Box], tuple[codecs.Codec[Any, Any], bytes]] = {}
    for artifact in artifacts:
        for section in artifact.sections:
            if section.kind in OF_ORIGINS:
                content = codecs.get(section.codec), artifact.reader.read_raw(section)
                if seen.setdefault((section.kind, section.box), content) != content:
                    raise EncodeError(
                        f"{artifact.path} {OF_ORIGINS[section.kind]} for the same classes: its "
                        "labels were made apart; merge only slices of one artifact, or artifacts "
                        "of other classes"
                    )


def _side_by_side(
    artifacts: Sequence[Artifact],
) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...], list[int]]:
    classes: list[str] = []
    origins: list[tuple[int, int]] = []
    shifts = []
    for artifact in artifacts:
        shift = len(classes)
        both = sorted(set(classes) & set(artifact.head.classes))
        if both:
            raise EncodeError(
                f"{artifact.path} and another artifact both label over class {both[0]!r}, though "
                "their class lists differ; only slices of one artifact can share classes"
            )
        classes += artifact.head.classes
        origins += [(start + shift, count) for start, count in artifact.head.origins]
        shifts.append(shift)
    return tuple(classes), tuple(origins), shifts


def _united_sections(artifacts: Sequence[Artifact], shifts: Sequence[int]) -> NewSections:
    """All sections; what two slices share (the schedule, support pictures) is kept once."""
    united: NewSections = []
    have: dict[tuple[str, int, int], set[int]] = {}
    for artifact, shift in zip(artifacts, shifts, strict=True):
        for section in artifact.sections:
            box = section.box
            covered = have.setdefault((section.kind, box.slot_start, box.view_start), set())
            if section.kind == "schedule" or section.kind not in KINDS:
                if not covered:
                    united += _cut(artifact, section, artifact.head, ())
                covered.add(0)
                continue
            classes = range(box.class_start, box.class_start + box.class_count)
            fresh = [c for c in classes if c + shift not in covered]
            for new in _cut(artifact, section, artifact.head, fresh):
                moved = new.box._replace(class_start=new.box.class_start + shift)
                united.append(replace(new, box=moved))
            covered.update(c + shift for c in fresh)
    return united
