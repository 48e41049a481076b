"""The evidence as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_markdown(report: Mapping[str, Any]) -> str:
    lines = [
        f"# Exact execution on {report['device']}",
        "",
        f"`{report.get('command', '')}`, torch {report['environment']['torch']}, CUDA "
        f"{report['cuda']}, {report['seconds']} s. "
        + (
            f"**Different: {report['differences']}**" if report["differences"] else "No difference."
        ),
    ]
    for stage, found in report.items():
        if not isinstance(found, dict) or stage == "environment":
            continue
        lines += ["", f"## {stage}", ""]
        if stage == "speed":
            lines += _speed_table(found)
            continue
        equal = sum(value == "equal" for value in found.values())
        if equal:
            lines += [f"{equal} digests are equal to those of CPUs."]
        lines += [f"- {k}: {_short(v)}" for k, v in found.items() if v != "equal"]
    return "\n".join(lines) + "\n"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {100 * v:.0f} %" for k, v in value.items())
    return str(value)[:300]


def _speed_table(found: Mapping[str, Any]) -> list[str]:
    lines = ["| | images/s | s | peak GiB |", "| --- | ---: | ---: | ---: |"]
    for key, value in found.items():
        if isinstance(value, dict):
            cells = (value["images_per_second"], value["seconds"], value.get("peak_gib", ""))
            lines.append("| " + " | ".join([key, *map(str, cells)]) + " |")
    lines += ["", "An image is one evaluation of the U-Net, without guidance."]
    return lines + [f"- {k}: {v}" for k, v in found.items() if k in ("left_out", "failed")]
