"""coreset: real patches that together stand for their class.

The candidates and collages of rded, of more images, and chosen for coverage and ease together
instead of ease alone. Of the stored pictures that were tried at equal bytes, students learn most
from these (docs/benchmarks/budget.md); a budget without a method is spent so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddcodec.methods.base import Job
from ddcodec.methods.best_patches import SELECT_HELP, Selection
from ddcodec.methods.options import option
from ddcodec.methods.rded import RDED

__all__ = ["Coreset"]


@dataclass(frozen=True)
class Coreset(RDED):
    """Patches that together stand best for those of all images that are looked at."""

    name: ClassVar[str] = "coreset"
    summary: ClassVar[str] = "Patches that together stand for their class, as mosaics."

    images: int | None = option(
        None,
        "Images of a class that are looked at; by default ten for each patch that is kept, and 300 "
        "at least.",
        low=1,
    )
    select: Selection = option("submodular", SELECT_HELP)

    def looked_at(self, job: Job) -> int:
        return self.images or max(300, 10 * job.ipc * self.factor_for(job) ** 2)
