"""Expected seconds of an encode by stage, from doing a little of each on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from ddcodec.arrays import Float32s
from ddcodec.codecs.pixel_digest import digested_variations
from ddcodec.codecs.schedule_table import ScheduleTable
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.labelling import CHUNK
from ddcodec.labels.encoder.costs import symbol_costs
from ddcodec.labels.encoder.encoder import MOST_SEARCHED
from ddcodec.labels.encoder.innovations import search_symbols
from ddcodec.methods.base import Content, read_seconds
from ddcodec.methods.stages import Stage, seconds_each
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.synthesis import Generated, Image2Image
from ddcodec.rendering.guidance import is_guided
from ddcodec.rendering.renderer import KEPT_PICTURES
from ddcodec.synthesis import views
from ddcodec.synthesis.view_draw import draw

__all__ = ["expected_seconds"]

# How often all labels are searched, at all finenesses that are tried and in all rounds of each.
_SEARCHES = 16
# Storing a teacher takes a time of its own, and for each picture that it is fitted to so many times
# what the teacher takes (CIFAR-10).
_FEW, _FITTED = 8, 10
# The spread of a label's logits about what is predicted of it, in nats, and of one symbol's.
_LEFT, _SYMBOL = 1.0, 0.3


def expected_seconds(inputs: Inputs, head: Head, content: Content) -> dict[str, float]:
    """Expected seconds by stage, named as progress names them, in their order.

    Args:
        inputs: of the encode; prior and teacher are on this machine.
        head: of the artifact to be.
        content: of it, or of a trial: its schedule counts, and no picture.
    """
    return dict(_stages(inputs, head, content))


def _stages(inputs: Inputs, head: Head, content: Content) -> Iterator[Stage]:
    job, recipe = inputs.rehearsal(head.recipe.ipc), head.recipe
    training = inputs.training_seconds()
    if training is not None:
        reading = len(inputs.source) * read_seconds(job, inputs.size)
        yield Stage("teacher", reading + training)
    if not inputs.options.asks_teacher:
        sampled = sum(min(n, inputs.sampled_per_class) for n in inputs.source.counts)
        yield Stage("statistics", sampled * read_seconds(job, inputs.size))
    own = inputs.method.stages(job)
    if own is None:
        inputs.remarks.append(
            f"method {inputs.options.method} does not say how long its own work takes: the time "
            "is that of the rest"
        )
    yield from own or ()
    if isinstance(recipe.synthesis, Generated):
        yield Stage("pictures", _drawing(inputs, head, content, recipe.synthesis))
    if recipe.labels.kind == "teacher":
        yield Stage("stored teacher", _storing(inputs, head))
    if recipe.labels.kind == "soft" and inputs.options.asks_teacher:
        yield Stage("labels", _asking(inputs, head))
    if recipe.labels.kind == "soft" and inputs.options.label_layers == "innovation":
        yield Stage("label search", _searching(recipe, len(head.classes)))


def _drawing(inputs: Inputs, head: Head, content: Content, synthesis: Generated) -> float:
    """Of all pictures, as often as they are drawn."""
    from ddcodec.methods.prior_seconds import PriorSeconds

    recipe, (width, height) = head.recipe, synthesis.size
    soft = recipe.labels.kind != "hard"
    variations = recipe.variations if soft else digested_variations(recipe.variations)
    pictures = len(head.classes) * recipe.generated_per_class * variations
    network = PriorSeconds(inputs.prior(), (height, width), min(pictures, CHUNK))
    (table,) = (s.raw for s in content.sections if s.kind == "schedule")
    steps = len(ScheduleTable().decode(table).timesteps)
    each = steps * (1 + is_guided(synthesis.guidance)) * network.unet + network.decoder
    if isinstance(synthesis, Image2Image) and synthesis.base == "patches":
        each += network.encoder
    return each * (pictures + (_drawn_again(recipe, len(head.classes)) if soft else 0))


def _drawn_again(recipe: Recipe, classes: int) -> int:
    """Pictures that are drawn again for labels, because memory has no room for all."""
    rows = classes * recipe.ipc
    if 3 * recipe.width * recipe.height * rows * recipe.variations <= KEPT_PICTURES:
        return 0
    # Those of a class are kept while its labels are asked for, their partners are not.
    return rows * (recipe.views if recipe.view.cutmix else recipe.variations)


def _asking(inputs: Inputs, head: Head) -> float:
    """Of all labels: making a view of an image, and showing it to the teacher."""
    recipe, teacher = head.recipe, inputs.teacher_to_time()

    def run(count: int) -> None:
        drawn = draw(
            recipe.view,
            seeds=np.arange(count),
            slots=np.zeros(count, np.int64),
            view_index=1,
            height=recipe.height,
            width=recipe.width,
            origin_count=len(head.classes),
        )
        images = np.zeros((count, recipe.height, recipe.width, 3), np.uint8)
        shown = views.augment(images, drawn)
        if recipe.view.cutmix:
            shown = views.mix(shown, views.augment(images, drawn), drawn)
        teacher.logits(shown)

    labels = len(head.classes) * recipe.ipc * recipe.views
    return labels * seconds_each(run, min(recipe.ipc, CHUNK))


def _storing(inputs: Inputs, head: Head) -> float:
    """Of writing the teacher in few bits, fitted to some images and measured on others."""
    from ddcodec.labels.teacher.quantise import pictures_wanted, quantise_teacher

    teacher, side = inputs.teacher_to_time(), head.recipe.width
    noise = np.random.default_rng(0).integers(0, 256, (_FEW, side, side, 3)).astype(np.uint8)
    own = seconds_each(lambda _: quantise_teacher(teacher, noise, inputs.options.teacher_bits), 1)
    each = seconds_each(lambda count: teacher.logits(noise[:count]), _FEW)
    return own + _FITTED * pictures_wanted(side) * each


def _searching(recipe: Recipe, classes: int) -> float:
    """Of coding all labels, from a search of a few made up."""
    random = np.random.default_rng(0)
    atoms = max(1, min(MOST_SEARCHED, classes - 1))
    basis = (_SYMBOL * random.standard_normal((atoms, classes))).astype(np.float32)
    costs = symbol_costs(np.rint(random.laplace(size=(1024, atoms))))

    def run(count: int) -> None:
        target = (_LEFT * random.standard_normal((count, classes))).astype(np.float32)

        def rows(part: slice) -> tuple[Float32s, Float32s]:
            return target[part], np.zeros_like(target[part])

        search_symbols(rows, count, basis, costs, 4.0, 1e-3, rounds=1, workers=os.cpu_count() or 1)

    labels = classes * recipe.ipc * recipe.views
    return _SEARCHES * labels * seconds_each(run, labels)
