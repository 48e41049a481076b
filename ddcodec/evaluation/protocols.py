"""Named training protocols of students. Every figure of a report carries the one it was made by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ddcodec.artifact import Artifact
from ddcodec.classifiers.optimisation import Optimisation, Precision
from ddcodec.errors import RequestError
from ddcodec.suggestions import did_you_mean

if TYPE_CHECKING:  # the names of protocols need no torch
    from torch import nn
    from torch.optim import AdamW
    from torch.optim.lr_scheduler import LambdaLR

__all__ = ["PROTOCOLS", "Protocol", "TrainingPlan", "get_protocol"]


@dataclass(frozen=True)
class TrainingPlan:
    """A protocol applied to one artifact: nothing left to choose."""

    epochs: int
    batch_size: int
    steps: int


@dataclass(frozen=True)
class Protocol:
    """How a student is trained on an artifact: AdamW, cosine schedule, stored labels.

    Attributes:
        name: as users spell it.
        summary: what it is, in one sentence.
        epochs: passes over the images; None means by their number, see :meth:`plan`.
        batch_size: images per step; None means by number of images or IPC, see :meth:`plan`.
        lr: highest learning rate.
        weight_decay: decoupled, not on biases and norms.
        span: part of the cosine's half period: 1 ends at 0, 1/2 at half the rate.
        all_views: epoch e shows view e modulo V; else only plain pictures are shown: those of
            view 0, or of all views where these change nothing and show variations.
        visits: epochs None stands for 300 of each picture, but at most about this many image
            visits.
        warmup: share of the steps with a rising rate.
        free: between which shares of the epochs fresh views with smoothed hard labels are shown
            in place of stored ones; see :class:`ddcodec.evaluation.shown.FreeViews`.
        smoothing: of those labels, 0..1.

    >>> artifact, protocol = ddcodec.open("shapes.ddz"), ddcodec.get_protocol("ddz")
    >>> protocol.plan_for(artifact)
    TrainingPlan(epochs=300, batch_size=10, steps=600)
    """

    name: str
    summary: str
    epochs: int | None = None
    batch_size: int | None = None
    lr: float = 1e-3
    weight_decay: float = 0.01
    span: float = 1.0
    all_views: bool = True
    visits: int = 300_000
    warmup: float = 0.0
    free: tuple[float, float] = (0.0, 0.0)
    smoothing: float = 0.8

    def is_free(self, epoch: int, epochs: int) -> bool:
        """Whether an epoch of so many shows fresh views with smoothed hard labels."""
        start, end = self.free
        return start * epochs <= epoch < end * epochs

    def plan(self, images: int, ipc: int, classes: int, variations: int = 1) -> TrainingPlan:
        """Epochs, batch size and steps for an artifact of so many images, each of variations.

        Unstated epochs are 300 for each variation, fewer (at least 60) where that would be more
        than ``visits`` image visits. An unstated batch size is RDED's table for ``rded`` (10, 50 or
        100 by IPC, doubled for 100 classes and more), else 10 to 128, about a twelfth of all
        pictures.
        """
        epochs = self.epochs or min(300 * variations, max(60, self.visits // max(1, images)))
        if self.batch_size is not None:
            batch = self.batch_size
        elif self.name == "rded":
            batch = (10 if ipc < 10 else 50 if ipc < 50 else 100) * (2 if classes >= 100 else 1)
        else:
            batch = min(128, max(10, images * variations // 12))
        batch = min(batch, images)
        return TrainingPlan(epochs, batch, epochs * -(-images // batch))

    def plan_for(self, artifact: Artifact) -> TrainingPlan:
        """Epochs, batch size and steps for an artifact."""
        recipe, classes = artifact.recipe, len(artifact.classes)
        views = recipe.views if self.all_views else recipe.plain_views
        images, variations = classes * recipe.ipc, min(views, recipe.variations)
        return self.plan(images, recipe.ipc, classes, variations)

    def optimisation(self, plan: TrainingPlan, precision: Precision = "auto") -> Optimisation:
        """The optimiser, and the learning rate of each step of a plan."""
        return Optimisation(
            steps=plan.steps,
            lr=self.lr,
            weight_decay=self.weight_decay,
            span=self.span,
            warmup=self.warmup,
            precision=precision,
        )

    def optimiser(self, student: nn.Module, plan: TrainingPlan) -> tuple[AdamW, LambdaLR]:
        """The same for a training loop of one's own: call ``step()`` of both after each batch."""
        from torch.optim.lr_scheduler import LambdaLR

        from ddcodec.classifiers.training import optimiser_of

        optimisation = self.optimisation(plan)
        optimiser = optimiser_of(student, optimisation)
        return optimiser, LambdaLR(optimiser, optimisation.factor)

    def with_epochs(self, epochs: int | None) -> Protocol:
        """The same protocol with another number of epochs.

        Raises:
            RequestError: fewer than 1.
        """
        if epochs is None:
            return self
        if epochs < 1:
            raise RequestError(f"{epochs} epochs train nothing: give at least 1")
        return replace(self, epochs=epochs)

    def describe(self, plan: TrainingPlan, temperature: str | None) -> str:
        """The protocol as a paragraph for readers of a report; no temperature: hard labels."""
        rate = "to 0" if self.span == 1 else f"to {_percent((1 + _cosine(self.span)) / 2)} of it"
        views = (
            "epoch e shows stored view e modulo V"
            if self.all_views
            else "only plain pictures are shown, another variation in each epoch if there are any"
        )
        loss = (
            "cross-entropy with the hard labels, mixed as the view mixes its pictures"
            if temperature is None
            else f"the KL divergence from the stored soft labels at temperature {temperature}"
        )
        return (
            f"{self.summary} {plan.epochs} epochs of batches of {plan.batch_size}, AdamW at "
            f"{self.lr:g} with weight decay {self.weight_decay:g} (none on biases and norms), "
            f"cosine {rate}; {views}; the loss is {loss}.{self._free_phase()} The network after "
            "the last epoch is tested, once: nothing is chosen on test images."
        )

    def _free_phase(self) -> str:
        start, end = self.free
        if start == end:
            return ""
        return (
            f" From {_percent(start)} to {_percent(end)} of the epochs, fresh crops and flips are "
            "shown instead, with CutMix within the batch, and the loss is cross-entropy with hard "
            f"labels of which {_percent(self.smoothing)} are spread over all classes, weighed by "
            "1 / T^2 so that its gradients are of the size of the others'."
        )


def _cosine(span: float) -> float:
    from math import cos, pi

    return cos(pi * span)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


PROTOCOLS = (
    Protocol("ddz", "ddcodec's own protocol: stored views, stored labels."),
    Protocol(
        "ddz16",
        "Protocol ddz with batches of 16 images: more steps for the same images shown, which a set "
        "of more than 200 images gains by.",
        batch_size=16,
    ),
    Protocol(
        "rded",
        "RDED's optimiser, schedule and batch sizes (Sun et al. 2024) on the stored views. "
        "It differs from the published protocol in that augmentations and labels are the "
        "stored ones, at the stored temperature, instead of drawn and queried live at 20.",
        epochs=300,
        span=0.5,
    ),
    Protocol(
        "d3m",
        "The no-augmentation protocol of D3M; its optimiser is not published, so ddcodec's "
        "is used.",
        all_views=False,
    ),
    Protocol(
        "hald",
        "Soft labels, then smoothed hard ones, then soft ones again, after HALD (Cui et al. 2025): "
        "a quarter, a half and a quarter of the epochs, with the optimiser of protocol ddz.",
        free=(0.25, 0.75),
    ),
)


def get_protocol(name: str) -> Protocol:
    """The protocol of this name.

    Raises:
        RequestError: there is none.

    >>> ddcodec.get_protocol("ddz").with_epochs(40).epochs
    40
    """
    for protocol in PROTOCOLS:
        if protocol.name == name:
            return protocol
    known = ", ".join(p.name for p in PROTOCOLS)
    near = did_you_mean(name, [p.name for p in PROTOCOLS])
    raise RequestError(f"unknown protocol {name!r}{near}: use one of {known}")
