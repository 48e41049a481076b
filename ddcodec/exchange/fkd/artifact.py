"""An artifact of pictures that others have distilled, with the labels and views of their tree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ddcodec.arrays import StepProgress, UInt8s
from ddcodec.codecs.hard_labels import OWN_CLASS, HardLabels
from ddcodec.codecs.seed_derived import SeedDerived
from ddcodec.container import Box, NewSection, Reader, write_container
from ddcodec.errors import RequestError
from ddcodec.exchange.fkd.labels import TreeLabels
from ddcodec.labels.options import LabelOptions
from ddcodec.labels.sections import label_sections
from ddcodec.methods.patch_mosaics import PatchCoding, patch_sections
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.synthesis import Stored
from ddcodec.table.table import Table

__all__ = ["write_artifact"]

# ImageNet's mean and deviation, in 1/65536 of full scale.
_IMAGENET = Evaluation((31785, 29884, 26608), (15008, 14680, 14746), "ddz")


def write_artifact(
    out: str | os.PathLike[str],
    pictures: UInt8s,
    classes: Sequence[str],
    labels: TreeLabels,
    *,
    work: str | os.PathLike[str],
    coding: LabelOptions | None = None,
    patches: PatchCoding | None = None,
    evaluation: Evaluation = _IMAGENET,
    seed: int = 0,
    force: bool = False,
    progress: StepProgress | None = None,
) -> str:
    """Write pictures, their views and labels as one artifact.

    Args:
        out: the file.
        pictures: uint8 [classes x ipc, height, width, 3], class by class.
        classes: their names.
        labels: of these pictures.
        work: an existing folder for a draft.
        coding: how soft labels are coded; lists of the k largest logits are kept as they are.
        patches: how pictures are; by default without a loss.
        evaluation: statistics and protocol of students.
        seed: of the encoder's choices.
        force: replace ``out``.
        progress: called with (done, total) labels of one pass; passes follow one another.

    Returns:
        The content digest in hex.

    Raises:
        RequestError: pictures and labels are not of one table.
        EncodeError: ``out`` exists, or cannot be written.
    """
    count, ipc = len(classes), labels.draws.shape[1]
    height, width = pictures.shape[1:3]
    if labels.draws.shape[0] != count or len(pictures) != count * ipc:
        raise RequestError(
            f"labels are of {labels.draws.shape[0]} classes x {ipc} pictures, and there are "
            f"{len(pictures)} pictures of {count} classes"
        )
    if labels.logits.shape[2] != count:
        raise RequestError(
            f"labels are over {labels.logits.shape[2]:,} classes, and the pictures have {count:,}: "
            "give the pictures and names of all classes of the labels"
        )
    if labels.size != (width, height):
        raise RequestError(f"labels are of pictures of another size, {labels.size}")
    head = _head(tuple(classes), ipc, labels, evaluation)
    each = (pictures[c * ipc : (c + 1) * ipc] for c in range(count))
    seeds = SeedDerived()
    base = [
        *patch_sections(each, ipc, patches or PatchCoding("png")),
        *labels.sections(head),
        NewSection("seeds", seeds.spec(), Box(0, count), seeds.raw_from(seed, head.classes)),
    ]
    if labels.listed is not None:
        sections, info = labels.lists(), {}
    else:
        draft = Path(work) / "draft.ddz"
        plain = replace(head, recipe=replace(head.recipe, labels=LabelRecipe("hard")))
        hard = HardLabels()
        own = hard.encode(np.full((1, 1, 1), OWN_CLASS, np.int32))
        stand_in = NewSection("labels", hard.spec(), Box(0, count), own)
        write_container(draft, head=plain.to_map(), sections=[*base, stand_in], overwrite=True)
        with Reader(draft) as reader:
            made = label_sections(
                Table(reader, plain),
                head,
                labels.logits,
                coding or LabelOptions(),
                seed=seed,
                progress=progress,
            )
        draft.unlink()
        sections, info = made.sections, {"labels": {"divergence": f"{made.divergence:.3g}"}}
    return write_container(
        out, head=head.to_map(), sections=[*base, *sections], info=info, overwrite=force
    ).hex()


def _head(classes: tuple[str, ...], ipc: int, labels: TreeLabels, evaluation: Evaluation) -> Head:
    recipe = Recipe(
        size=labels.size,
        ipc=ipc,
        views=labels.views,
        synthesis=Stored(),
        layout=Layout(),
        view=labels.view,
        labels=LabelRecipe("soft", labels.temperature),
        evaluation=evaluation,
    )
    whole = ((0, len(classes)),)
    return Head(classes, whole, whole, recipe)
