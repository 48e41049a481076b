"""From one encode's tokens: artifacts with other variations, views and labels, and what they teach.

    python -m tools.bench.variations d3m.ddz --teacher T --test cifar10/test \
        --make 10:30:30:none:soft --make 10:300:300:crop+flip:hard -o OUT --seeds 3

A recipe is IPC:VIEWS:VARIATIONS:VIEW:LABELS. Tokens, schedule and prior are those of the artifact,
and so is the guidance unless another is given, so that the recipes differ in nothing else. What was
made already is kept in OUT. Prints bytes beside accuracies as JSON, one line each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.artifact.slicing import NewSections
from ddcodec.classifiers.store import load_teacher
from ddcodec.container import CopiedSection, write_container
from ddcodec.encoding.labelling import Labelling
from ddcodec.encoding.plain_sections import hard_label_sections, seed_sections
from ddcodec.evaluation.evaluate import evaluate
from ddcodec.evaluation.protocols import get_protocol
from ddcodec.evaluation.testset import TestPictures
from ddcodec.labels.options import LabelOptions
from ddcodec.methods.options import ratio_of
from ddcodec.methods.work import WorkFolder
from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.head import Head
from ddcodec.recipe.parts import LabelRecipe
from ddcodec.recipe.synthesis import Synthesis, Text2Image
from ddcodec.recipe.view import View, parse_view


class Recipe(NamedTuple):
    """One cell of the comparison."""

    ipc: int
    views: int
    variations: int
    view: str
    labels: str

    @classmethod
    def read(cls, text: str) -> Recipe:
        ipc, views, variations, view, labels = text.split(":")
        return cls(int(ipc), int(views), int(variations), view, labels)

    @property
    def file(self) -> str:
        return "-".join(map(str, self)) + ".ddz"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--make", action="append", required=True, metavar="RECIPE")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0, help="of pictures and views")
    parser.add_argument("--seeds", type=int, default=3, help="students of each")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--protocol", default="ddz")
    parser.add_argument("--guidance", help="classifier-free guidance, such as 2 or 5/2")
    parser.add_argument("--label-bytes", type=int)
    parser.add_argument("--label-temperature", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(exist_ok=True)
    base = ddcodec.open(arguments.artifact)
    guidance = None if arguments.guidance is None else ratio_of(arguments.guidance)
    test = TestPictures.open(arguments.test).for_artifact(base)
    protocol = get_protocol(arguments.protocol).with_epochs(arguments.epochs)
    for text in arguments.make:
        recipe, began = Recipe.read(text), time.perf_counter()
        asked = f"{arguments.label_bytes or 'auto'}-{arguments.guidance or 'auto'}"
        out = arguments.out / f"{asked.replace('/', 'by')}-{recipe.file}"
        coding = LabelOptions(budget=arguments.label_bytes)
        temperature = arguments.label_temperature, 1
        if not out.exists():
            drawn = guided(base, guidance)
            made_of(
                base, drawn, recipe, arguments.teacher, coding, temperature, arguments.seed, out
            )
        made = time.perf_counter() - began
        artifact = ddcodec.open(out)
        found = evaluate(artifact, test, "convnet3", range(arguments.seeds), protocol)
        accuracies = [100 * a for a in found.accuracies]
        kinds = {node.name: node.stored for node in artifact.sizes().children}
        row = {
            **recipe._asdict(),
            "protocol": protocol.name,
            "epochs": found.settings["epochs"],
            "bytes": artifact.file_len,
            "label_bytes": sum(kinds.get(k, 0) for k in ("label-model", "label-fields", "labels")),
            "mean": round(statistics.mean(accuracies), 2),
            "deviation": round(statistics.stdev(accuracies), 2) if len(accuracies) > 1 else None,
            "seconds": [round(made), round(time.perf_counter() - began - made)],
        }
        print(json.dumps(row), flush=True)
    return 0


def guided(base: Artifact, guidance: Ratio | None) -> Synthesis:
    """How the artifact's pictures are drawn, with another guidance if one is given."""
    synthesis = base.recipe.synthesis
    if not isinstance(synthesis, Text2Image):
        raise SystemExit("this artifact's pictures are not drawn from prompts alone")
    return synthesis if guidance is None else replace(synthesis, guidance=guidance)


def made_of(
    base: Artifact,
    synthesis: Synthesis,
    recipe: Recipe,
    teacher: str,
    coding: LabelOptions,
    temperature: Ratio,
    seed: int,
    out: Path,
) -> None:
    """Write an artifact of the same tokens."""
    view = parse_view(recipe.view, base.recipe.size) if recipe.views > 1 else View()
    changed = replace(
        base.recipe,
        synthesis=synthesis,
        ipc=recipe.ipc,
        views=recipe.views,
        variations=recipe.variations,
        view=view,
        labels=LabelRecipe("hard"),
    )
    head = replace(base.head, recipe=changed)
    shared: NewSections = [
        CopiedSection(base.reader, s, s.box)
        for s in base.sections
        if s.kind in ("prompts", "schedule")
    ]
    shared += seed_sections(head, seed)
    hard = hard_label_sections(head)
    draft = out.with_suffix(".draft")
    write_container(draft, head=head.to_map(), sections=[*shared, *hard], overwrite=True)
    labels = hard
    with ddcodec.open(draft) as opened, WorkFolder.held(out.with_suffix(".work"), {}) as work:
        labelling = Labelling(opened, work, prior=None, device="cpu", progress=progress)
        if recipe.labels == "soft":
            head = soft(head, temperature)
            labels = labelling.soft_labels(
                load_teacher(teacher, base.head.classes), head, coding, seed
            ).sections
        pixels = labelling.pixel_sections()
    write_container(out, head=head.to_map(), sections=[*shared, *labels, *pixels])
    draft.unlink()


def soft(head: Head, temperature: Ratio) -> Head:
    return replace(head, recipe=replace(head.recipe, labels=LabelRecipe("soft", temperature)))


def progress(what: str, done: int, total: int) -> None:
    if done == total:
        print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
