"""el2n: images by the error that networks make on them early in training.

Paul et al., "Deep Learning on a Data Diet: Finding Important Examples Early in Training" (arXiv
2107.07075, section 2.2): the score of an image is the length of the difference between predicted
probabilities and the one-hot label, averaged over networks that were trained for a few epochs; the
images with the highest scores are kept. Where few are kept, the easy ones serve better (Sorscher
et al., arXiv 2206.14486): ``keep`` chooses. The paper stops long trainings early; here short ones
run to their end, of the default teacher's architecture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ddcodec.arrays import Float32s, Int64s, UInt8s
from ddcodec.errors import RequestError
from ddcodec.methods.base import Job
from ddcodec.methods.options import option
from ddcodec.methods.ranked_images import Look, RankedImages
from ddcodec.methods.stages import Stage
from ddcodec.randomness import derive_seed
from ddcodec.sources.source import load_images

if TYPE_CHECKING:
    from ddcodec.classifiers.store import TeacherCache
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["EL2N", "error_norms"]


@dataclass(frozen=True)
class EL2N(RankedImages):
    """Images by the mean error of networks that were trained for a short time."""

    name: ClassVar[str] = "el2n"
    summary: ClassVar[str] = "Real images by the error of networks early in training."

    keep: Literal["hardest", "easiest"] = option(
        "hardest", "Which images are kept: those with the largest errors, or the smallest."
    )
    networks: int = option(3, "Networks whose errors are averaged.", low=1, high=100)
    length: float = option(
        0.2, "How long each is trained, as a share of a teacher's training.", low=0.001, high=1.0
    )

    def check(self, job: Job) -> None:
        super().check(job)
        width, height = job.size
        if width != height:
            raise RequestError(
                f"el2n trains networks, and these take square pictures, not {width}x{height}: "
                "choose a size"
            )

    def look(self, job: Job) -> Look:
        return partial(error_norms, [self._network(job, k) for k in range(self.networks)])

    def rank(self, seen: Float32s, count: int) -> Int64s:
        errors = seen[:, 0] if self.keep == "easiest" else -seen[:, 0]
        return np.argsort(errors, kind="stable")[:count].astype(np.int64)

    def stages(self, job: Job) -> list[Stage]:
        from ddcodec.classifiers.teacher_training import seconds_to_train, untrained

        caches = [self._cache(job, k) for k in range(self.networks)]
        settings, size, classes = caches[0].settings, caches[0].size, job.source.classes
        missing = sum(not cache.folder.is_dir() for cache in caches)
        each = seconds_to_train(settings, len(classes), size[0], job.device) if missing else 0.0
        network = untrained(settings, classes, size).to(job.device)
        look = partial(error_norms, [network] * self.networks)
        return [
            Stage("networks", missing * each),
            Stage("coreset", self.looking_seconds(job, look)),
        ]

    def _network(self, job: Job, number: int) -> Teacher:
        """One of the networks; they are kept as teachers are, so that an encode can go on."""
        source, cache = job.source, self._cache(job, number)
        return cache.find() or cache.train(
            lambda: load_images(source, cache.size, on_error="skip", report=job.report),
            partial(job.tell, f"network {number + 1} of {self.networks}"),
            device=job.device,
        )

    def _cache(self, job: Job, number: int) -> TeacherCache:
        """Where one of the networks is kept."""
        from ddcodec.classifiers.store import TeacherCache
        from ddcodec.classifiers.teacher_training import default_settings, training_size

        source, seed = job.source, derive_seed(job.seed, f"el2n {number}")
        size, classes = training_size(job.size), len(source.classes)
        settings = default_settings(len(source), size[0], classes=classes, flip=job.flip, seed=seed)
        # Nothing is held out: images that a network has not seen would seem harder than others.
        steps = max(1, round(self.length * settings.steps))
        return TeacherCache(
            source.fingerprint,
            size,
            source.classes,
            replace(settings, steps=steps, held_out=0),
            job.warn,
        )


def error_norms(networks: Sequence[Teacher], images: UInt8s, class_index: int) -> Float32s:
    """The score of images uint8[n, h, w, 3] of a class: float32[n, 1], 0 to sqrt 2."""
    scores = np.zeros((len(images), 1), np.float32)
    for network in networks:
        logits = network.logits(images).astype(np.float64)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        errors = odds / odds.sum(axis=1, keepdims=True)
        errors[:, class_index] -= 1
        scores[:, 0] += np.linalg.norm(errors, axis=1) / len(networks)
    return scores
