"""Drafts of an artifact and what labels them: heads, provenance, labels, seeds.

A draft has everything but labels that are soft; what students will be taught is what the teacher
says of its pictures as any reader renders them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ddcodec.artifact import Artifact
from ddcodec.container import NewSection, write_container
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.labelling import Labelling
from ddcodec.encoding.plain_sections import hard_label_sections, seed_sections
from ddcodec.methods import package_of
from ddcodec.methods.base import Content
from ddcodec.methods.work import WorkFolder
from ddcodec.recipe import profiles
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.view import View
from ddcodec.version import __version__

__all__ = ["Drafting"]


class Drafting:
    """What is written of one encode, and how its drafts are labelled.

    Args:
        inputs: of the encode.
        ipc: images per class; it may change as long as nothing is written.

    Attributes:
        divergence: of the soft labels from the teacher's, once there are any.
    """

    def __init__(self, inputs: Inputs, ipc: int) -> None:
        self.inputs, self.options, self.ipc = inputs, inputs.options, ipc
        self.divergence: float | None = None

    def head(
        self, content: Content, labels: LabelRecipe, evaluation: Evaluation | None = None
    ) -> Head:
        classes = self.inputs.source.classes
        recipe = Recipe(
            size=self.inputs.size,
            ipc=self.ipc,
            views=self.options.views,
            variations=self.options.pictures_each,
            synthesis=content.synthesis,
            layout=content.layout,
            view=self._view(),
            labels=labels,
            evaluation=evaluation or self._evaluation(),
        )
        whole = ((0, len(classes)),)
        names = None if self.inputs.names == classes else self.inputs.names
        return Head(classes, whole, whole, recipe, content.prior, names)

    def _view(self) -> View:
        """What views vary; nothing where there is only the picture itself."""
        view = self.inputs.view
        return view if self.options.views > 1 or view.stored else View("identity")

    def _evaluation(self) -> Evaluation:
        statistics = self.inputs.statistics()
        return Evaluation(statistics.mean, statistics.std, "ddz")

    def teacher_pin(self) -> tuple[str, bytes]:
        """What a header says of the teacher: its name and digest; nothing where none is asked."""
        if not self.options.asks_teacher:
            return "", b""
        teacher = self.inputs.teacher()
        return teacher.arch, bytes.fromhex(teacher.digest)

    def info(self, content: Content, teacher: str, digest: bytes) -> dict[str, Any]:
        options = self.options
        info: dict[str, Any] = {"tool": f"ddcodec {__version__}"}
        # The pixels of exact profiles depend on no environment.
        if content.prior is not None and options.profile == profiles.FLOAT:
            from ddcodec.prior.load import fingerprint

            info["environment"] = fingerprint(self.inputs.device)
        if options.omit_provenance:
            return info
        info |= {
            "method": options.method,
            "options": self.inputs.method.to_map(),
            "images": len(self.inputs.source),
            "source": bytes.fromhex(self.inputs.source.fingerprint),
            **content.info,
        }
        if options.time_limit is not None:
            info["time_limit"] = options.time_limit
        if (package := package_of(options.method)) is not None:
            info["package"] = package
        if options.asks_teacher:
            info["teacher"], info["teacher_digest"] = teacher, digest
        if self.divergence is not None:  # a header holds no floating-point number
            info["labels"] = {"divergence": f"{self.divergence:.3g}"}
            if options.labels == "soft":
                info["labels"]["layers"] = options.label_layers
        return info

    def label_recipe(self) -> LabelRecipe:
        options = self.options
        if options.labels == "hard":
            return LabelRecipe("hard")
        return LabelRecipe(options.labels, options.temperature)

    def draft(self, content: Content, head: Head, path: Path) -> list[NewSection]:
        """Write a draft with hard labels; its sections short of these."""
        base = [*content.sections, *seed_sections(head, self.options.seed)]
        if self.options.given_labels is not None:
            base += self.options.given_labels.sections(head)
        sections = [*base, *hard_label_sections(head)]
        write_container(path, head=head.to_map(), sections=sections, overwrite=True)
        return base

    def labelling(self, draft: Artifact, content: Content, work: WorkFolder) -> Labelling:
        return Labelling(
            draft,
            work,
            prior=self.prior_of(content),
            device=self.inputs.device,
            progress=self.options.tell,
            pool=self.inputs.pool,
        )

    def prior_of(self, content: Content) -> str | None:
        """The prior to render a draft with: the very commit that its pin names."""
        pin = content.prior
        return None if pin is None else pin.describe() if pin.revision else self.options.prior

    def soft_labels(
        self, labelling: Labelling, head: Head, room: int | None = None
    ) -> list[NewSection]:
        """Stored labels, the teacher's or given ones, or the teacher that computes them.

        Args:
            labelling: of the draft.
            head: of the artifact to be.
            room: bytes that stored labels may take, under a budget.
        """
        options, given = self.options, self.options.given_labels
        if given is not None and given.coded is not None:
            self.divergence = 0.0
            return list(given.coded(head))
        coding = options.coding if room is None else replace(options.coding, budget=room)
        if given is not None:
            result = labelling.coded(given.logits, head, coding, options.seed)
        elif options.labels == "teacher":
            result = labelling.stored_teacher(self.inputs.teacher(), head, options.teacher_bits)
        else:
            result = labelling.soft_labels(self.inputs.teacher(), head, coding, options.seed)
        self.divergence = result.divergence
        return result.sections
