"""The base of methods that draw with a prior: prompts, sampling, and the sections of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ddcodec.codecs.prompt_text import PromptText
from ddcodec.codecs.schedule_table import Schedule, ScheduleTable
from ddcodec.container import Box, NewSection
from ddcodec.errors import RequestError
from ddcodec.methods.base import Content, Job, Method
from ddcodec.methods.options import RatioOption, option, ratio_of
from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.layout import MAX_GRID, Layout
from ddcodec.recipe.synthesis import Text2Image

if TYPE_CHECKING:
    from ddcodec.prior.load import Prior

__all__ = [
    "PROMPT",
    "GeneratingMethod",
    "PromptingMethod",
    "check_template",
    "check_texts",
    "layout_of",
    "prompt_of",
    "text_sections",
]

PROMPT = "A photo of {}"
"""Text encoders are trained with captions like this one; it is D3M's template (section 3.2)."""


@dataclass(frozen=True)
class GeneratingMethod(Method):
    """A method whose images a prior generates, after a prompt for each class."""

    uses_prior: ClassVar[bool] = True
    generates: ClassVar[bool] = True

    template: str | None = option(
        None,
        "Prompt with {} in the place of the class; by default that which the prior was trained "
        f"with, or '{PROMPT}'.",
    )
    negative: str = option(
        "", "Prompt that guidance leads away from; it has no effect where guidance is at most 1."
    )
    sampling_steps: int | None = option(
        None, "Steps in which an image is generated; by default the prior's own.", low=1, high=4096
    )
    guidance: RatioOption | None = option(
        None, "Classifier-free guidance, such as 5/2; by default the prior's own.", low=0, high=1000
    )

    def check(self, job: Job) -> None:
        super().check(job)
        if self.template is not None:
            check_template(self.template)
        job.prior().prompt_ids(self.negative_prompt(job.prior()))

    def negative_prompt(self, prior: Prior) -> str:
        """The prompt that guidance leads away from, with this prior."""
        return self.negative

    def generation(
        self, prior: Prior, prompt: str, vectors: tuple[int, ...], side: int
    ) -> dict[str, Any]:
        """The fields that all recipes with a prior have; ``vectors`` as they have it."""
        return {
            "prompt": prompt,
            "vectors": vectors,
            "negative": self.negative_prompt(prior),
            "time_ids": prior.time_ids(side, side),
            "size": (side, side),
            "guidance": self._guidance(prior),
            "profile": prior.engine.profile,
            "batch": prior.engine.batch,
            "weights": prior.engine.weights,
        }

    def schedule(self, prior: Prior) -> Schedule:
        """The prior's own scheduler, as a table."""
        return prior.schedule(self.sampling_steps)

    def schedule_section(self, prior: Prior) -> NewSection:
        """The same as a section."""
        codec = ScheduleTable()
        return NewSection("schedule", codec.spec(), Box(), codec.encode(self.schedule(prior)))

    def schedule_bytes(self, prior: Prior) -> int:
        """Raw bytes of that section."""
        return len(ScheduleTable().encode(self.schedule(prior)))

    def _guidance(self, prior: Prior) -> Ratio:
        return prior.defaults.guidance if self.guidance is None else ratio_of(self.guidance)


@dataclass(frozen=True)
class PromptingMethod(GeneratingMethod):
    """A method whose images the prior draws from a prompt and a seed alone."""

    grid: int | None = option(
        None,
        "Patches along each side of a generated collage; by default as many as the prior can draw.",
        low=1,
        high=MAX_GRID,
    )

    def check(self, job: Job) -> None:
        super().check(job)
        prior = job.prior()
        grid, _ = self.geometry(job.size, prior)
        self.check_prompts(job, prior, grid)

    def check_prompts(self, job: Job, prior: Prior, grid: int) -> None:
        """Refuse prompts that the prior's text encoders cannot read.

        Raises:
            EncodeError: naming the prompt.
        """

    def trial(self, job: Job) -> Content:
        return self.of_texts(job, [""] * len(job.source.classes))

    def of_texts(self, job: Job, texts: list[str]) -> Content:
        """What draws each class after a text; an empty one stands for the class's name."""
        prior = job.prior()
        sections = [*text_sections(texts), self.schedule_section(prior)]
        return Content(self.synthesis(job, (0,)), layout_of(job.size), sections, prior.pin)

    def geometry(self, size: tuple[int, int], prior: Prior) -> tuple[int, int]:
        """(grid, side of a generated picture in pixels) for a data set's (width, height).

        Raises:
            RequestError: the grid asked for does not divide the prior's pictures.
        """
        side = prior.size
        patch = max(min(size), prior.defaults.patch)
        grid = self.grid or max(1, min(4, side // patch))
        if side % grid:
            raise RequestError(f"grid={grid} does not divide the prior's {side} pixels")
        return grid, side

    def prompt(self, prior: Prior, grid: int) -> str:
        """The text around the class, ``{}`` in its place."""
        known = prior.defaults.collage_prompt if grid > 1 else None
        return self.template or known or PROMPT

    def synthesis(self, job: Job, vectors: tuple[int, ...]) -> Text2Image:
        """The recipe of the pictures; ``vectors`` as in ``Text2Image``."""
        prior = job.prior()
        grid, side = self.geometry(job.size, prior)
        common = self.generation(prior, self.prompt(prior, grid), vectors, side)
        return Text2Image(**common, grid=grid)


def check_template(template: str) -> None:
    """Refuse a template without one place for the class.

    Raises:
        RequestError: naming it.
    """
    if template.count("{}") != 1:
        raise RequestError(
            f"the prompt template {template!r} needs {{}} once, in the place of the class"
        )


def check_texts(job: Job, template: str, texts: Sequence[str]) -> None:
    """Refuse texts of classes that make a prompt the text encoders cannot read.

    Args:
        texts: of each class; an empty one stands for the class's name.

    Raises:
        EncodeError: naming the prompt.
    """
    for name, text in zip(job.names, texts, strict=True):
        job.prior().prompt_ids(template.replace("{}", text) if text else prompt_of(template, name))


def prompt_of(template: str, name: str) -> str:
    """The prompt of a class, in whose name ``_`` is a space."""
    return template.replace("{}", name.replace("_", " "))


def layout_of(size: tuple[int, int]) -> Layout:
    """From 224 pixels on, a training image is a collage of 2 x 2 patches, as the field has it."""
    return Layout("collage", 2) if min(size) >= 224 else Layout("single", 1)


def text_sections(texts: list[str]) -> list[NewSection]:
    """The texts of all classes; an empty one stands for the class's name."""
    codec = PromptText()
    return [NewSection("prompts", codec.spec(), Box(0, len(texts)), codec.encode(texts))]
