"""Expected bytes of soft labels, from really labelling a few images of the source."""

from __future__ import annotations

from dataclasses import replace

from ddcodec.artifact import open_artifact
from ddcodec.container import write_container
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.labelling import Labelling
from ddcodec.encoding.plain_sections import hard_label_sections, seed_sections
from ddcodec.files import scratch_folder
from ddcodec.methods.random_images import RandomImages
from ddcodec.methods.work import WorkFolder
from ddcodec.recipe.head import Head
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import LabelRecipe
from ddcodec.recipe.synthesis import Stored

__all__ = ["sampled_label_bytes"]

# Labels that a teacher gives in seconds; of half as many, all would seem 14 % shorter (CIFAR-10).
_LABELS = 600
# Teachers are less of one mind about generated pictures (CIFAR-10 and ImageNette: 2 to 11 %).
_GENERATED = 1.08


def sampled_label_bytes(inputs: Inputs, head: Head) -> int | None:
    """Expected bytes of all label sections; None where a sample is not to be had in seconds.

    Args:
        inputs: of the encode.
        head: of the artifact to be, with soft labels.
    """
    classes, recipe = len(head.classes), head.recipe
    least = classes * recipe.views
    if least > _LABELS or recipe.variations > 1 or inputs.training_is_needed:
        return None
    slots = min(recipe.ipc, *inputs.source.counts, _LABELS // least)
    plain = replace(
        recipe,
        ipc=slots,
        synthesis=Stored(),
        layout=Layout("single", 1),
        labels=LabelRecipe("hard"),
    )
    draft_head = replace(head, recipe=plain, prior=None)
    content = RandomImages().fill(replace(inputs.job(slots), progress=None))
    sections = [
        *content.sections,
        *seed_sections(draft_head, inputs.options.seed),
        *hard_label_sections(draft_head),
    ]
    label_head = replace(draft_head, recipe=replace(plain, labels=recipe.labels))
    with scratch_folder() as folder, WorkFolder.held(folder / "work", {}) as work:
        write_container(work.draft, head=draft_head.to_map(), sections=sections)
        with open_artifact(work.draft) as draft:
            labelling = Labelling(draft, work, prior=None, device=inputs.device, progress=None)
            options = inputs.options
            found = labelling.soft_labels(
                inputs.teacher(), label_head, options.coding, options.seed
            )
    # The model is stored once, whatever the IPC.
    fixed = sum(len(s.raw) for s in found.sections if s.kind == "label-model")
    each = (sum(len(s.raw) for s in found.sections) - fixed) / slots
    factor = _GENERATED if inputs.method.generates else 1.0
    return round(fixed + factor * each * recipe.ipc)
