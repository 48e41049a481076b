"""Small artifacts for tests: how to make one, and a teacher that costs nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.classifiers.store import save_teacher
from ddcodec.classifiers.teacher import TeacherSettings, train_teacher
from ddcodec.codecs.pixel_digest import PixelDigests
from ddcodec.codecs.prompt_fp16 import PromptFp16
from ddcodec.codecs.schedule_table import ScheduleTable
from ddcodec.codecs.top_k_labels import TopKLabels
from ddcodec.container import (
    ANCILLARY,
    SAFE_TO_COPY,
    Box,
    CopiedSection,
    NewSection,
    write_container,
)
from ddcodec.encoding.labelling import hard_label_sections, seed_sections
from ddcodec.prior.load import load_prior
from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.synthesis import Stored, Text2Image
from ddcodec.recipe.view import View
from ddcodec.sources.folder import scan
from ddcodec.sources.source import load_images


def encode_small(source: Path, out: Path, **changes: Any) -> Artifact:
    """Three classes x 4 images x 3 views of 16 px, real images with hard labels by default."""
    settings: dict[str, Any] = {"method": "random", "ipc": 4, "views": 3, "labels": "hard"}
    ddcodec.encode(source, out, **{**settings, **changes})
    return ddcodec.open(out)


def stored_head(classes: int, *, ipc: int, views: int, **changes: Any) -> Head:
    """The head of a table of stored pictures with hard labels, of one origin."""
    recipe = Recipe(
        size=(2, 2),
        ipc=ipc,
        views=views,
        synthesis=Stored(),
        layout=Layout(),
        view=View(),
        labels=LabelRecipe("hard"),
        evaluation=Evaluation((1, 2, 3), (4, 5, 6), "ddz"),
    )
    whole = ((0, classes),)
    names = tuple(f"class {c}" for c in range(classes))
    return Head(names, **{"rows": whole, "origins": whole, "recipe": recipe, **changes})


def quick_teacher(source: Path, out: Path, *, steps: int = 10, seed: int = 0) -> Path:
    """A teacher of a folder of 16 px pictures, trained in a moment: --teacher auto takes long."""
    folder = scan(source)
    images, labels = load_images(folder, (16, 16))
    settings = TeacherSettings(steps=steps, batch_size=12, pad=2, seed=seed)
    save_teacher(train_teacher(images, labels, folder.classes, settings), out)
    return out


def rewritten(artifact: Artifact, out: Path, head: dict[str, Any]) -> Path:
    """The same sections under another head."""
    sections = [CopiedSection(artifact.reader, s, s.box) for s in artifact.sections]
    write_container(out, head=head, sections=sections, info=artifact.info)
    return out


def everything(artifact: Artifact) -> dict[tuple[str, int, int], tuple[bytes, bytes]]:
    """(class name, slot, view) -> (image bytes, label bytes) of every row."""
    data = artifact.dataset()
    rows = {}
    for view in range(data.views):
        data.set_epoch(view)
        images, labels = data.batch(range(len(data)))
        for (c, slot), image, label in zip(data.rows, images, labels, strict=True):
            key = (artifact.head.classes[c], slot, view)
            rows[key] = (image.numpy().tobytes(), np.asarray(label).tobytes())
    return rows


def soft_copy(artifact: Artifact, out: Path, temperature: tuple[int, int] = (4, 1)) -> Artifact:
    """The artifact with seeded random soft labels in place of its hard ones."""
    head, recipe = artifact.head, artifact.recipe
    shape = (len(head.classes), recipe.ipc, recipe.views, len(head.classes))
    logits = np.random.default_rng(0).integers(-40, 1, shape).astype(np.int16) * 32
    codec = TopKLabels.for_labels(logits, k=len(head.classes), step=32)
    labels = NewSection("labels", codec.spec(), Box(0, len(head.classes)), codec.encode(logits))
    kept = [
        CopiedSection(artifact.reader, s, s.box) for s in artifact.sections if s.kind != "labels"
    ]
    soft = replace(head, recipe=replace(recipe, labels=LabelRecipe("soft", temperature)))
    write_container(out, head=soft.to_map(), sections=[*kept, labels])
    return ddcodec.open(out)


def generated(
    out: Path,
    *,
    profile: str = "w8a15",
    batch: int = 4,
    grid: int = 1,
    views: int = 2,
    variations: int = 1,
    steps: int = 2,
    guidance: Ratio = (5, 2),
    pixels: bool = True,
    **info: Any,
) -> Artifact:
    """Two classes x 3 slots of the packaged prior, from random tokens."""
    names = ("cat", "dog")
    prior = load_prior("tiny", profile=profile, batch=batch)
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 0.02, (len(names), 1, prior.text_width)).astype(np.float16)
    synthesis = Text2Image(
        prompt="A photo of {}",
        vectors=(1, *prior.text_widths),
        size=(32, 32),
        grid=grid,
        guidance=guidance,
        profile=profile,
        batch=prior.engine.batch,
        weights=prior.engine.weights,
    )
    recipe = Recipe(
        size=(32 // grid, 32 // grid),
        ipc=3,
        views=views,
        variations=variations,
        synthesis=synthesis,
        layout=Layout(),
        view=View("identity", flip=1, cutmix=1),
        labels=LabelRecipe("hard"),
        evaluation=Evaluation((32768,) * 3, (16384,) * 3, "ddz"),
    )
    head = Head(names, ((0, 2),), ((0, 2),), recipe, prior.pin)
    box = Box(0, len(names))
    sections = [
        NewSection("prompts", PromptFp16().spec(), box, PromptFp16().encode(vectors)),
        NewSection(
            "schedule", ScheduleTable().spec(), Box(), ScheduleTable().encode(prior.schedule(steps))
        ),
        *seed_sections(head, 7),
        *hard_label_sections(head),
    ]
    draft = out.with_suffix(".draft")
    write_container(draft, head=head.to_map(), sections=sections, info=info)
    if not pixels:
        return ddcodec.open(draft)
    with ddcodec.open(draft) as drafted:
        digests = drafted.renderer().digests([(c, s) for c in range(2) for s in range(3)])
    codec, flags = PixelDigests(), ANCILLARY | SAFE_TO_COPY
    raw = codec.encode(np.frombuffer(b"".join(digests), np.uint8).reshape(2, 3, 4))
    stored = NewSection("pixels", codec.spec(), Box(0, 2, 0, 3), raw, flags)
    write_container(out, head=head.to_map(), sections=[*sections, stored], info=info)
    return ddcodec.open(out)
