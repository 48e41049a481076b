"""Small artifacts for tests: how to make one, and a teacher that costs nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import ddcodec
from ddcodec.arrays import UInt8s
from ddcodec.artifact import Artifact
from ddcodec.classifiers.store import save_teacher
from ddcodec.classifiers.teacher_training import TeacherSettings, train_teacher
from ddcodec.codecs.mosaic_png import MosaicPng
from ddcodec.codecs.pixel_digest import PixelDigests
from ddcodec.codecs.prompt_fp16 import PromptFp16
from ddcodec.codecs.prompt_text import PromptText
from ddcodec.codecs.quantised_latents import QuantisedLatents, quantise
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
from ddcodec.encoding.plain_sections import hard_label_sections, seed_sections
from ddcodec.prior.load import Prior, load_prior
from ddcodec.prior.partial_schedule import extract_partial_schedule
from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.synthesis import Image2Image, Stored, Text2Image
from ddcodec.recipe.view import View
from ddcodec.sources.folder import scan
from ddcodec.sources.source import load_images
from ddcodec.synthesis.resample import resize


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
    data = artifact.dataset(pixels="uint8")
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
    return _written(out, head, sections, info, pixels)


def redrawn(
    out: Path,
    base: str = "patches",
    *,
    profile: str = "w8a15",
    share: tuple[int, int] = (1, 1),
    variations: int = 1,
    grid: int = 1,
) -> Artifact:
    """Two classes x 3 images x 4 views of the packaged prior, from patches of 8 px or latents.

    Redrawn at 16 px in two of three steps, after the classes' names; ``grid`` x ``grid`` of them
    make an image.
    """
    names, per, side = ("cat", "dog"), grid**2, 16
    prior = load_prior("tiny", profile=profile, batch=4)
    start = extract_partial_schedule(prior.scheduler, 3, (2, 3))
    recipe = Recipe(
        size=(side * grid, side * grid),
        ipc=3,
        views=4,
        variations=variations,
        synthesis=Image2Image(
            prompt="A photo of {}",
            vectors=(0,),
            size=(side, side),
            guidance=(1, 1),
            profile=profile,
            batch=prior.engine.batch,
            weights=prior.engine.weights,
            base=base,
            signal=start.signal_bits,
            share=share,
        ),
        layout=Layout("collage", grid) if grid > 1 else Layout(),
        view=View("identity", flip=1, cutmix=1),
        labels=LabelRecipe("hard"),
        evaluation=Evaluation((32768,) * 3, (16384,) * 3, "ddz"),
    )
    head = Head(names, ((0, 2),), ((0, 2),), recipe, prior.pin)
    corners = np.random.default_rng(0).integers(0, 256, (2, 3, per, 2, 2, 3)).astype(np.uint8)
    patches = corners.repeat(4, axis=3).repeat(4, axis=4)
    stored = _mosaics(patches) if base == "patches" else [_latents(prior, patches, side)]
    sections = [
        *stored,
        NewSection("prompts", PromptText().spec(), Box(0, 2), PromptText().encode(["", "puppy"])),
        NewSection("schedule", ScheduleTable().spec(), Box(), ScheduleTable().encode(start.table)),
        *seed_sections(head, 7),
        *hard_label_sections(head),
    ]
    return _written(out, head, sections, {})


def _mosaics(patches: UInt8s) -> list[NewSection]:
    """Of slot 0, and of slots 1 and 2."""
    codec = MosaicPng(8, 8)
    return [
        NewSection(
            "patches",
            codec.spec(),
            Box(0, 2, first, count),
            codec.encode(patches[:, first : first + count]),
        )
        for first, count in ((0, 1), (1, 2))
    ]


def _latents(prior: Prior, patches: UInt8s, side: int) -> NewSection:
    flat = resize(patches.reshape(-1, *patches.shape[3:]), side, side)
    encoded = prior.engine.encode(flat).cpu().numpy()
    latents = encoded.reshape(*patches.shape[:3], *encoded.shape[1:])
    codec = QuantisedLatents(*encoded.shape[1:])
    raw = codec.encode(quantise(latents, np.full(codec.channels, 0.5, np.float32)))
    return NewSection("latents", codec.spec(), Box(0, 2), raw)


def _written(
    out: Path, head: Head, sections: list[NewSection], info: dict[str, Any], pixels: bool = True
) -> Artifact:
    """Write an artifact, with the digests of the pictures it draws if ``pixels``."""
    draft = out.with_suffix(".draft")
    write_container(draft, head=head.to_map(), sections=sections, info=info)
    if not pixels:
        return ddcodec.open(draft)
    classes, slots = len(head.classes), head.recipe.ipc
    with ddcodec.open(draft) as drafted:
        digests = drafted.renderer().digests([(c, s) for c in range(classes) for s in range(slots)])
    values = np.frombuffer(b"".join(d[:4] for d in digests), np.uint8).reshape(classes, slots, 4)
    codec, flags = PixelDigests(4), ANCILLARY | SAFE_TO_COPY
    box = Box(0, classes, 0, slots)
    stored = NewSection("pixels", codec.spec(), box, codec.encode(values), flags)
    write_container(out, head=head.to_map(), sections=[*sections, stored], info=info)
    return ddcodec.open(out)
