"""select: patches where a prior sees the class, a few of each of its visual elements.

"Towards Consistent and Efficient Dataset Distillation via Diffusion-Driven Selection" (arXiv
2412.09959). Section 3.1: of each picture, the window where the prompt with the class lowers the
prior's loss the most against the prompt without. Section 3.2: DIFT features of these patches,
k-means, and a ranking. The ranking is the order of slots, so that a prefix of them serves a
smaller IPC. No teacher has a part in it. What the paper leaves open is an option: how many
timesteps, at which size pictures are seen, and the layer of the features.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ddcodec.arrays import Array, Float32s, Int64s, UInt8s, UInt64s
from ddcodec.errors import EncodeError, RequestError
from ddcodec.methods.base import (
    Content,
    Job,
    Method,
    expected_patch_bytes,
    read_seconds,
    readable_images,
    too_few,
)
from ddcodec.methods.clustering import cluster_order, k_means
from ddcodec.methods.options import RatioOption, option, ratio_of
from ddcodec.methods.patch_mosaics import most_slots, patch_sections
from ddcodec.methods.pieces import each_piece
from ddcodec.methods.prompting import check_template, check_texts, prompt_of
from ddcodec.methods.stages import Stage
from ddcodec.methods.windows import alike, cut, framed, seen_at, window_of
from ddcodec.randomness import derive_seed
from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.layout import MAX_GRID, Layout
from ddcodec.recipe.synthesis import Stored
from ddcodec.synthesis.resample import resize

if TYPE_CHECKING:
    from ddcodec.methods.diffusion_scores import DiffusionScorer
    from ddcodec.prior.load import Prior

__all__ = ["DiffusionSelection"]

# From here on an image is a collage up to this IPC, as in RDED, and windows leave a margin.
_LARGE, _COLLAGE_IPC = 224, 10
_MARGIN = (7, 8)
# Pictures in memory at the sizes that networks see; results do not depend on it.
_CHUNK = 64


@dataclass(frozen=True)
class DiffusionSelection(Method):
    """The patches where a prior sees the class, ranked by cluster."""

    name: ClassVar[str] = "select"
    summary: ClassVar[str] = "Patches where the prior sees the class, a few of each cluster."
    uses_prior: ClassVar[bool] = True
    stores_pictures: ClassVar[bool] = True

    factor: int | None = option(
        None,
        f"Patches along each side of an image; by default 2 from {_LARGE} pixels on where the IPC "
        f"is at most {_COLLAGE_IPC}, else 1.",
        low=1,
        high=MAX_GRID,
    )
    images: int = option(300, "Images of a class that are looked at.", low=1)
    template: str = option("An image of {}.", "Prompt with {} in the place of the class.")
    null: str | None = option(
        None,
        "Prompt that it is compared with; by default the template with nothing in that place.",
    )
    window: RatioOption | None = option(
        None,
        "Side of a patch as a share of the image's; by default 7/8 from 224 pixels on, else 1.",
        low=0,
        high=1,
    )
    side: int | None = option(
        None,
        "Shorter side in pixels at which the prior looks at images; by default half its own, or "
        "more where the images are larger, up to its own.",
        low=1,
    )
    timesteps: int = option(4, "Timesteps at which losses are compared.", low=1, high=1000)
    first: RatioOption = option(
        (1, 10), "The earliest of them, as a share of those of the prior.", low=0, high=1
    )
    last: RatioOption = option((7, 10), "The latest of them.", low=0, high=1)
    clustering: bool = option(True, "Whether patches are clustered, or ranked by score alone.")
    clusters: int = option(32, "Clusters of a class.", low=1)
    top: int = option(10, "Clusters that patches are taken from, those of the best scores.", low=1)
    layer: int = option(
        1, "Up block of the U-Net that gives the features, counted from 0.", low=0, high=64
    )
    noised: RatioOption = option(
        (4, 25), "Timestep of the features, as a share of those of the prior.", low=0, high=1
    )

    def check(self, job: Job) -> None:
        super().check(job)
        factor, per = self._factor(job), self._factor(job) ** 2
        if factor > min(job.size):
            raise RequestError(
                f"factor={factor} divides images of {min(job.size)} pixels too often"
            )
        for name, count in zip(job.source.classes, job.source.counts, strict=True):
            if count < job.ipc * per:
                raise EncodeError(
                    f"class {name!r} has {count} images, but ipc={job.ipc} in collages of {per} "
                    f"needs {job.ipc * per}; lower the IPC or the factor, or add images"
                )
        most_slots(self._patch(job), per, job.patches)
        if ratio_of(self.window or 1)[0] == 0:
            raise RequestError("window=0 leaves nothing of an image; give a larger share")
        self._check_prior(job)

    def fill(self, job: Job) -> Content:
        pieces = each_piece(job, "selection", self.name, self._ranking)
        sections = patch_sections((p["patches"] for p in pieces), job.ipc, job.patches)
        factor = self._factor(job)
        layout = Layout("collage", factor) if factor > 1 else Layout("single", 1)
        return Content(Stored(), layout, sections, info={"prior": job.prior().pin.describe()})

    def estimate(self, job: Job) -> dict[str, int]:
        # Whole images stand in for chosen windows: a plan must not run a prior.
        patches = self._wanted(job) * len(job.source.classes)
        return {"patches": round(expected_patch_bytes(job, self._patch(job)) * patches)}

    def stages(self, job: Job) -> list[Stage]:
        from ddcodec.methods.prior_seconds import PriorSeconds

        prior, most = job.prior(), max(self.images, self._wanted(job))
        looked_at = sum(min(n, most) for n in job.source.counts)
        # A picture of the source says of what shape they are.
        _, image = next(readable_images(job, 0, None))
        frame = framed(image, self._frame(job)).shape[:2]
        shape = seen_at((frame[0], frame[1]), self._side(job, prior), prior.multiple)
        network = PriorSeconds(prior, shape, looked_at)
        # Each timestep asks with and without the class; features ask once more.
        asked, encoded = 2 * self.timesteps + self.clustering, 1 + self.clustering
        each = asked * network.unet + encoded * network.encoder + read_seconds(job, None)
        return [Stage("selection", looked_at * each)]

    def _check_prior(self, job: Job) -> None:
        prior = job.prior()
        check_template(self.template)
        check_texts(job, self.template, [""] * len(job.names))
        prior.prompt_ids(self._null)
        blocks = len(prior.components.config("unet").up_block_types)
        if self.layer >= blocks:
            raise RequestError(
                f"layer={self.layer} is not in this prior, whose U-Net has {blocks} up blocks; "
                f"choose 0 to {blocks - 1}"
            )
        if _above(self.first, self.last):
            raise RequestError("first is above last; the timesteps between them are compared")
        side = self._side(job, prior)
        prior.latent_shape(side, side)  # refused now, if the prior cannot

    @property
    def _null(self) -> str:
        return self.template.replace("{}", "") if self.null is None else self.null

    def _factor(self, job: Job) -> int:
        large = min(job.size) >= _LARGE and job.ipc <= _COLLAGE_IPC
        return self.factor or (2 if large else 1)

    def _patch(self, job: Job) -> tuple[int, int]:
        """(width, height) of a stored patch in pixels."""
        factor = self._factor(job)
        return job.size[0] // factor, job.size[1] // factor

    def _wanted(self, job: Job) -> int:
        """Patches of a class."""
        return job.ipc * self._factor(job) ** 2

    def _window(self, job: Job) -> Ratio:
        if self.window is not None:
            return ratio_of(self.window)
        return _MARGIN if min(job.size) >= _LARGE else (1, 1)

    def _frame(self, job: Job) -> int:
        """Shorter side at which a window is about as large as a training image."""
        share = self._window(job)
        return -(-min(job.size) * share[1] // share[0])

    def _side(self, job: Job, prior: Prior) -> int:
        wanted = min(prior.size, max(self._frame(job), prior.size // 2))
        return self.side or -(-wanted // prior.multiple) * prior.multiple

    def _ranking(self, job: Job, class_index: int) -> dict[str, Array]:
        """uint8 [patches of a class, h, w, 3] in the order of slots, and their scores."""
        from ddcodec.methods.diffusion_scores import DiffusionScorer

        scorer = DiffusionScorer(job.prior())
        patches, scores, seeds = self._scored(job, class_index, scorer)
        wanted = self._wanted(job)
        if len(patches) < wanted:
            raise too_few(job, class_index, len(patches), wanted)
        order = self._order(job, class_index, scorer, patches, scores, seeds)[:wanted]
        width, height = self._patch(job)
        return {"patches": resize(patches[order], height, width), "scores": scores[order]}

    def _scored(
        self, job: Job, class_index: int, scorer: DiffusionScorer
    ) -> tuple[UInt8s, Float32s, UInt64s]:
        """The best window of each image at the size of training images, its score and seed."""
        frames, keys, name = list[UInt8s](), list[int](), job.source.classes[class_index]
        count = max(self.images, self._wanted(job))
        for number, image in islice(readable_images(job, class_index, None), count):
            frames.append(framed(image, self._frame(job)))
            keys.append(derive_seed(job.seed, f"{name}/{number}"))
        seeds = np.array(keys, np.uint64)
        patches = np.empty((len(frames), job.size[1], job.size[0], 3), np.uint8)
        scores = np.empty(len(frames), np.float32)
        for rows in alike(frames, _CHUNK):
            stack = np.stack([frames[row] for row in rows])
            found = self._best(job, class_index, scorer, stack, seeds[rows])
            patches[rows], scores[rows] = found
        return patches, scores, seeds

    def _best(
        self, job: Job, class_index: int, scorer: DiffusionScorer, frames: UInt8s, seeds: UInt64s
    ) -> tuple[UInt8s, Float32s]:
        from ddcodec.methods.diffusion_scores import best_windows, drawn_timesteps

        prior, shape = job.prior(), (frames.shape[1], frames.shape[2])
        seen = seen_at(shape, self._side(job, prior), prior.multiple)
        window = window_of(shape, job.size, self._window(job))
        ends = [_timestep(r, scorer.timesteps) for r in (self.first, self.last)]
        timesteps = drawn_timesteps(derive_seed(job.seed, "timesteps"), self.timesteps, *ends)
        prompt = prompt_of(self.template, job.names[class_index])
        maps = scorer.loss_differences(resize(frames, *seen), prompt, self._null, seeds, timesteps)
        scaled = [max(1, w * s // f) for w, s, f in zip(window, seen, shape, strict=True)]
        corners, scores = best_windows(maps, seen, (scaled[0], scaled[1]), prior.latent_factor)
        return cut(frames, corners * shape // np.array(seen), window, job.size), scores

    def _order(
        self,
        job: Job,
        class_index: int,
        scorer: DiffusionScorer,
        patches: UInt8s,
        scores: Float32s,
        seeds: UInt64s,
    ) -> Int64s:
        """All patches of a class, the best first."""
        if not self.clustering:
            return np.argsort(-scores, kind="stable").astype(np.int64)
        prior, name = job.prior(), job.source.classes[class_index]
        seen = seen_at((job.size[1], job.size[0]), self._side(job, prior), prior.multiple)
        prompt = prompt_of(self.template, job.names[class_index])
        timestep = _timestep(self.noised, scorer.timesteps)
        features = [
            scorer.features(resize(patches[i], *seen), prompt, seeds[i], timestep, self.layer)
            for i in alike(patches, _CHUNK)
        ]
        seed = derive_seed(job.seed, f"{name}/clusters")
        return cluster_order(
            scores, k_means(np.concatenate(features), self.clusters, seed), self.top
        )


def _timestep(share: RatioOption, total: int) -> int:
    """The timestep at a share of all, the last one at most."""
    numerator, denominator = ratio_of(share)
    return min(total - 1, total * numerator // denominator)


def _above(one: RatioOption, other: RatioOption) -> bool:
    (a, b), (c, d) = ratio_of(one), ratio_of(other)
    return a * d > c * b
