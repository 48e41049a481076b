"""Every method side by side: bytes by section, time of encoding, and what students learn.

    python -m tools.bench.methods cifar10/train --test cifar10/test --teacher T -o OUT --seeds 3 \
        --cell "rded" --cell "expand variations=30 sampling_steps=5" --cell "random labels=hard"
    python -m tools.bench.methods -o OUT --table
    python -m tools.bench.methods -o OUT --report methods.html

A cell is a method and options, of the encode (``ipc``, ``views``, ``labels``, ...) or of the
method itself. Artifacts stay in OUT and are not made twice; a cell whose figures are in
OUT/methods.jsonl is done. Random real pictures are a cell like the others, so that they have the
labels of the others. The report is a page with the figures, and the pictures of every artifact.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

import ddcodec
from ddcodec.classifiers.teacher import Teacher
from ddcodec.cli.common import parse_size
from ddcodec.encoding.options import EncodeOptions
from ddcodec.evaluation.evaluate import Evaluation, evaluate
from ddcodec.evaluation.protocols import get_protocol
from ddcodec.evaluation.testset import TestPictures
from ddcodec.methods.options import options_of, parse_value
from ddcodec.reporting.collect import Report, sheet_of
from ddcodec.reporting.html import page
from ddcodec.reporting.published import published_for
from tools.bench.efficientnet import efficientnet_teacher

LABELS = ("labels", "label-model", "label-fields", "teacher")
PICTURES = ("patches", "latents", "prompts", "schedule", "seeds")


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, nargs="?")
    parser.add_argument("--table", action="store_true", help="only print the figures of OUT")
    parser.add_argument("--report", type=Path, help="only write this page about what OUT has")
    parser.add_argument("--test", type=Path)
    parser.add_argument("--teacher", default="auto", help="as of an encode, or efficientnet")
    parser.add_argument("--cell", action="append", default=[])
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--student", default="convnet3")
    parser.add_argument("--protocol", default="ddz")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(words)
    if arguments.table or arguments.report:
        rows = rows_of(arguments.out)
        if arguments.table:
            print(table(rows))
        if arguments.report:
            arguments.report.write_text(page(report(rows, arguments.out)))
        return 0
    if None in (arguments.source, arguments.test):
        parser.error("a source and --test are needed")
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(exist_ok=True)
    for cell in arguments.cell:
        print(json.dumps(measured(cell, arguments)), flush=True)
    return 0


def measured(cell: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of a cell, from the file if they are there."""
    key = [cell, arguments.student, arguments.protocol, arguments.epochs, arguments.seeds]
    for row in rows_of(arguments.out):
        if row["key"] == key:
            return row
    path = file_of(cell, arguments.out)
    record = path.with_suffix(".seconds")
    if not path.exists():
        began = time.perf_counter()
        known = arguments.teacher == "efficientnet"
        options = options_of_cell(cell, efficientnet_teacher() if known else arguments.teacher)
        ddcodec.encode(arguments.source, path, **options)
        record.write_text(f"{time.perf_counter() - began:.1f}")
    with ddcodec.open(path) as artifact:
        test = TestPictures.open(arguments.test).for_artifact(artifact)
        protocol = get_protocol(arguments.protocol).with_epochs(arguments.epochs)
        found = evaluate(artifact, test, arguments.student, range(arguments.seeds), protocol)
        kinds = {node.name: node.stored for node in artifact.sizes().children}
        accuracies = [round(100 * a, 2) for a in found.accuracies]
        row = {
            "key": key,
            "cell": cell,
            "student": found.student,
            "protocol": found.protocol,
            "epochs": found.settings["epochs"],
            "ipc": found.ipc,
            "views": found.views,
            "labels": artifact.recipe.labels.kind,
            "bytes": artifact.file_len,
            "sections": kinds,
            "encode_seconds": float(record.read_text()) if record.exists() else None,
            "accuracies": accuracies,
            "seconds": round(found.seconds),
            "evaluation": found.to_map(),
        }
    with (arguments.out / "methods.jsonl").open("a") as out:
        out.write(json.dumps(row) + "\n")
    return row


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The figures in a folder, oldest first."""
    file = folder / "methods.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def file_of(cell: str, folder: Path) -> Path:
    """The artifact of a cell."""
    return folder / f"{cell.replace(' ', '_').replace('/', 'by')}.ddz"


def report(rows: Sequence[dict[str, Any]], folder: Path) -> Report:
    """Figures and pictures of the cells, most accurate first, beside published figures."""
    ordered = sorted(rows, key=lambda row: -statistics.mean(row["accuracies"]))
    evaluations = tuple(evaluation_of(row) for row in ordered)
    with ExitStack() as stack:
        cells = dict.fromkeys(row["cell"] for row in ordered)
        opened = {c: stack.enter_context(ddcodec.open(file_of(c, folder))) for c in cells}
        sheets = tuple(replace(sheet_of(one), name=cell) for cell, one in opened.items())
        tested = [e.test_images for e in evaluations]
        published, why = published_for("auto", list(opened.values()), tested)
    return Report(evaluations, sheets, (why,) if why else (), published)


def evaluation_of(row: dict[str, Any]) -> Evaluation:
    """The evaluation that a row's figures come from, under the name of its cell."""
    known = {field.name for field in fields(Evaluation)}
    values = {key: value for key, value in row["evaluation"].items() if key in known}
    values |= {"seeds": tuple(values["seeds"]), "accuracies": tuple(values["accuracies"])}
    told = {"name": row["cell"], "labels": row["labels"], "notes": tuple(values["notes"])}
    return Evaluation(**values | told)


def options_of_cell(cell: str, teacher: str | Teacher) -> dict[str, Any]:
    """Keyword arguments of ``ddcodec.encode`` for the words of a cell."""
    method, *words = cell.split()
    known = {one.name: one for one in options_of(EncodeOptions)}
    options: dict[str, Any] = {"method": method, "teacher": teacher, "options": {}}
    for word in words:
        name, _, value = word.partition("=")
        if name == "size":
            options[name] = parse_size(value)
        elif name in known:
            options[name] = parse_value(known[name], value)
        else:
            options["options"][name] = value
    return options


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, most accurate first."""
    columns = "cell", "student, protocol", "bytes", "pictures", "labels", "encode, s", "accuracy, %"
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for row in sorted(rows, key=lambda row: -statistics.mean(row["accuracies"])):
        kinds, accuracies = row["sections"], row["accuracies"]
        mean = f"{statistics.mean(accuracies):.1f}"
        if len(accuracies) > 1:
            mean += f" ± {statistics.stdev(accuracies):.1f}"
        shown, labels = (sum(kinds.get(k, 0) for k in part) for part in (PICTURES, LABELS))
        seconds = "" if row["encode_seconds"] is None else f"{row['encode_seconds']:.0f}"
        lines.append(
            f"| `{row['cell']}` | {row['student']}, {row['protocol']} {row['epochs']} | "
            f"{row['bytes']:,} | {shown:,} | {labels:,} | {seconds} | {mean} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
