"""Teacher-scored patches: the step that rded, coreset, expand and d3m share.

RDED (arXiv 2312.03526, section 4.1; LINs-lab/RDED 3f6453d): of a few random resized crops of an
image, the one the teacher finds easiest (lowest cross-entropy on the image's own class).
Selection is seeded here, which it is not there. Of these patches the easiest are kept, or those
that cover the class: by facility location, after Grid Distillation (CVPR 2026), or as other
coresets are chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from math import isqrt
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from ddcodec.arrays import Float32s, UInt8s
from ddcodec.errors import SourceError
from ddcodec.methods.base import Job, check_features, readable_images, too_few
from ddcodec.methods.facility_location import facility_location
from ddcodec.methods.herding import herding
from ddcodec.methods.k_center import k_center
from ddcodec.methods.stages import seconds_each
from ddcodec.randomness import derive_seed, uniform_below, words
from ddcodec.synthesis.resample import resize

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher

__all__ = [
    "SELECT_HELP",
    "ScoredPatches",
    "Selection",
    "best_patches",
    "check_selection",
    "chosen_patches",
    "scoring_seconds",
    "smoothness",
]

Selection: TypeAlias = Literal["easiest", "submodular", "k-center", "herding"]
SELECT_HELP = (
    "Which patches are kept: the easiest, those that together stand best for all (submodular), "
    "those that leave none far away (k-center), or those whose mean is that of all (herding)."
)
"""What all methods say of an option of this type."""


@dataclass(frozen=True)
class ScoredPatches:
    """The best patch of each looked-at image, easiest first.

    Attributes:
        patches: uint8[n, h, w, 3].
        losses: float32[n], ascending teacher cross-entropy in nats.
    """

    patches: UInt8s
    losses: Float32s


def best_patches(
    job: Job, class_index: int, *, size: tuple[int, int], images: int, crops: int, min_scale: float
) -> ScoredPatches:
    """Best of ``crops`` random resized crops for up to ``images`` random images of a class.

    Args:
        size: (width, height) of a patch.
        min_scale: smallest crop area, as a share of the image's; the largest is 1.

    Returns:
        ScoredPatches sorted by loss; ties in the order of the seeded shuffle.
    """
    teacher = job.teacher()
    candidates = []
    for i, image in islice(readable_images(job, class_index, None), images):
        key = derive_seed(job.seed, f"{job.source.classes[class_index]}/{i}")
        candidates.append(_random_crops(image, key, crops, size, min_scale))
    if not candidates:
        name = job.source.classes[class_index]
        raise SourceError(f"no picture of class {name!r} can be read; replace the damaged files")
    stack = np.concatenate(candidates)
    losses = _cross_entropy(teacher.logits(_pad_centred(stack, teacher)), class_index)
    losses = losses.reshape(-1, crops)
    best = losses.argmin(axis=1)
    rows = np.arange(len(best))
    order = np.argsort(losses[rows, best], kind="stable")
    chosen = stack.reshape(-1, crops, *stack.shape[1:])[rows, best]
    return ScoredPatches(chosen[order], losses[rows, best][order])


def scoring_seconds(
    job: Job, count: int, *, size: tuple[int, int], images: int, crops: int, min_scale: float
) -> float:
    """About how long :func:`best_patches` takes for all classes.

    Args:
        count: images of a class that are looked at, at least.
        size, images, crops, min_scale: as for :func:`best_patches`.
    """

    def run(some: int) -> None:
        best_patches(job, 0, size=size, images=some, crops=crops, min_scale=min_scale)

    looked_at = [min(n, max(images, count)) for n in job.source.counts]
    return sum(looked_at) * seconds_each(run, max(looked_at))


def chosen_patches(
    job: Job,
    class_index: int,
    count: int,
    select: Selection,
    *,
    size: tuple[int, int],
    images: int,
    crops: int,
    min_scale: float,
) -> UInt8s:
    """The ``count`` patches of a class that are kept, in their order: uint8[count, h, w, 3].

    Args:
        select: ``easiest`` keeps the lowest losses; ``submodular`` those whose features together
            stand for all patches' best, each weighed by the teacher's probability of its class;
            ``k-center`` and ``herding`` go by features alone.
        size, images, crops, min_scale: as for :func:`best_patches`, but at least ``count`` images
            are looked at.

    Raises:
        EncodeError: there are fewer patches.
        ModelMismatchError: the choice goes by features, and the teacher has none.
    """
    scored = best_patches(
        job,
        class_index,
        size=size,
        images=max(images, count),
        crops=crops,
        min_scale=min_scale,
    )
    if len(scored.patches) < count:
        raise too_few(job, class_index, len(scored.patches), count)
    if select == "easiest":
        return scored.patches[:count]
    teacher = job.teacher()
    features = teacher.features(_pad_centred(scored.patches, teacher))
    if select == "k-center":
        ranking = k_center(features, count)
    elif select == "herding":
        ranking = herding(features, count)
    else:
        ranking = facility_location(features, count, np.exp(-scored.losses))
    return scored.patches[ranking]


def check_selection(job: Job, select: Selection) -> None:
    """Refuse a choice by features, before any work, where the teacher has none.

    Raises:
        ModelMismatchError: it has none.
    """
    if select != "easiest":
        check_features(job)


def smoothness(min_scale: float) -> float:
    """Bytes of a patch that a teacher finds easy, relative to those of a whole image of its size.

    Enlarged crops are smooth, the more so the smaller they are: 0.82 and 0.84 with min_scale=0.08,
    0.93 and 0.88 with 0.5 (CIFAR-10, and ImageNette at 64 pixels).
    """
    return 1 - 0.185 * (1 - min_scale)


def _random_crops(
    image: UInt8s, key: int, crops: int, size: tuple[int, int], min_scale: float
) -> UInt8s:
    """uint8[crops, h, w, 3]: square crops, area uniform in min_scale..1 of the image."""
    height, width = image.shape[:2]
    draws = words(key, 2, 0, 3 * crops).reshape(crops, 3)
    out = []
    for area_word, x_word, y_word in draws:
        # In percent with 16 binary places, so that the draw is of integers.
        smallest = round(100 * min_scale * (1 << 16))
        percent_q16 = smallest + int(uniform_below(area_word, (100 << 16) - smallest + 1))
        side = isqrt(height * width * percent_q16 // (100 << 16))
        side = max(1, min(side, height, width))
        x = int(uniform_below(x_word, width - side + 1))
        y = int(uniform_below(y_word, height - side + 1))
        crop = image[None, y : y + side, x : x + side]
        out.append(resize(np.ascontiguousarray(crop), size[1], size[0]))
    return np.concatenate(out)


def _pad_centred(patches: UInt8s, teacher: Teacher) -> UInt8s:
    """Patches smaller than the teacher's input sit in its middle, on its mean colour."""
    width, height = teacher.size
    n, h, w, _ = patches.shape
    if (h, w) == (height, width):
        return patches
    if h > height or w > width:
        return resize(patches, height, width)
    mean = np.rint(np.asarray(teacher.mean) * 255).astype(np.uint8)
    out = np.empty((n, height, width, 3), np.uint8)
    out[:] = mean
    top, left = (height - h) // 2, (width - w) // 2
    out[:, top : top + h, left : left + w] = patches
    return out


def _cross_entropy(logits: Float32s, class_index: int) -> Float32s:
    peak = logits.max(axis=1, keepdims=True)
    total = np.log(np.exp((logits - peak).astype(np.float64)).sum(axis=1)) + peak[:, 0]
    losses: Float32s = (total - logits[:, class_index]).astype(np.float32)
    return losses
