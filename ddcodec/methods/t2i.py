"""t2i: a text prompt for each class, and nothing learned.

"Generative dataset distillation based on diffusion models" (the SDXL-Turbo paper, section 3): the
class's name is the prompt. Stored are the template, the texts that take the place of names, a base
seed, the schedule, and labels.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ddcodec.methods.base import Content, Job
from ddcodec.methods.options import option
from ddcodec.methods.prompting import PromptingMethod, check_texts, text_sections
from ddcodec.methods.stages import Stage
from ddcodec.sources.class_names import texts_from_file

if TYPE_CHECKING:
    from ddcodec.prior.load import Prior

__all__ = ["TextToImage"]


@dataclass(frozen=True)
class TextToImage(PromptingMethod):
    """The names of the classes as prompts, drawn by the prior."""

    name: ClassVar[str] = "t2i"
    summary: ClassVar[str] = "The names of the classes as prompts, drawn by the prior."

    texts: str | None = option(
        None,
        "File of texts, CSV or JSON: class folder, text. They take the place of the names of these "
        "classes in the prompt.",
    )

    def to_map(self) -> dict[str, Any]:
        """The options, the texts by their content: a job goes on with the same ones only."""
        values = super().to_map()
        if self.texts is not None and Path(self.texts).is_file():
            values["texts"] = hashlib.sha256(Path(self.texts).read_bytes()).hexdigest()
        return values

    def fill(self, job: Job) -> Content:
        return self.of_texts(job, self._texts(job))

    def estimate(self, job: Job) -> dict[str, int]:
        return {
            "prompts": sum(len(section.raw) for section in text_sections(self._texts(job))),
            "schedule": self.schedule_bytes(job.prior()),
        }

    def stages(self, job: Job) -> list[Stage]:
        return []  # all its pictures are drawn as any reader draws them

    def check_prompts(self, job: Job, prior: Prior, grid: int) -> None:
        check_texts(job, self.prompt(prior, grid), self._texts(job))

    def _texts(self, job: Job) -> list[str]:
        """The text of each class, empty where it is the name."""
        classes = job.source.classes
        return (
            [""] * len(classes) if self.texts is None else [*texts_from_file(self.texts, classes)]
        )
