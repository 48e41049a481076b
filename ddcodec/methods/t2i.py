"""t2i: a text prompt for each class, and nothing learned.

"Generative dataset distillation based on diffusion models" (the SDXL-Turbo paper, section 3): the
class's name is the prompt. Stored are the template, the texts where they differ from the names, a
base seed, the schedule, and labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ddcodec.methods.base import Content, Job
from ddcodec.methods.prompting import PromptingMethod, layout_of, text_sections

if TYPE_CHECKING:
    from ddcodec.prior.load import Prior

__all__ = ["TextToImage"]


@dataclass(frozen=True)
class TextToImage(PromptingMethod):
    """The names of the classes as prompts, drawn by the prior."""

    name: ClassVar[str] = "t2i"
    summary: ClassVar[str] = "The names of the classes as prompts, drawn by the prior."
    uses_prior: ClassVar[bool] = True

    def fill(self, job: Job) -> Content:
        prior = job.prior()
        sections = [*text_sections(self._texts(job)), self.schedule_section(prior)]
        return Content(self.synthesis(job, (0,)), layout_of(job.size), sections, prior.pin)

    def estimate(self, job: Job) -> dict[str, int]:
        return {
            "prompts": sum(len(section.raw) for section in text_sections(self._texts(job))),
            "schedule": self.schedule_bytes(job.prior()),
        }

    def check_prompts(self, job: Job, prior: Prior, grid: int) -> None:
        super().check_prompts(job, prior, grid)
        template = self.prompt(prior, grid)
        for name, text in zip(job.names, self._texts(job), strict=True):
            prior.prompt_ids(template.replace("{}", text or name.replace("_", " ")))

    def _texts(self, job: Job) -> list[str]:
        return [""] * len(job.source.classes)
