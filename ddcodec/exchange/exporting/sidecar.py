"""``ddz.json``: of which artifact an export is, and what its numbers mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddcodec.exchange.exporting.format import ExportFormat
from ddcodec.exchange.exporting.selection import Selection
from ddcodec.exchange.folder import SIDECAR
from ddcodec.files import json_text, read_json

__all__ = ["SCHEMA", "is_export", "sidecar"]

SCHEMA = "ddcodec.exported/1"


def sidecar(format: ExportFormat, selection: Selection, more: Mapping[str, Any]) -> bytes:
    """The sidecar of an export, as JSON.

    Args:
        format: that was written.
        selection: the part of the artifact.
        more: what the format says besides.
    """
    head, data = selection.artifact.head, selection.data
    recipe = head.recipe
    values = {
        "schema": SCHEMA,
        "format": format.name,
        "source": "the truth is the .ddz artifact with this content digest",
        "digest": selection.artifact.digest,
        "order": format.order,
        "classes": list(head.classes),
        "readable_names": None if head.names is None else list(head.names),
        "exported_classes": list(data.row_classes),
        "ipc": data.ipc,
        "views": data.views,
        "images": format.count(selection),
        "size": list(recipe.size),
        "labels": format.labels,
        "label_kind": recipe.labels.kind,
        "temperature": recipe.labels.at,
        "protocol": recipe.evaluation.protocol,
        "artifact_mean": [value / 65536 for value in recipe.evaluation.mean],
        "artifact_std": [value / 65536 for value in recipe.evaluation.std],
        **more,
    }
    lines = (f"{json_text(k)}: {json_text(v)}" for k, v in values.items())
    return ("{\n " + ",\n ".join(lines) + "\n}\n").encode()


def is_export(folder: Path) -> bool:
    """Whether a folder holds an export, so that it may be replaced by another."""
    try:
        return read_json(folder / SIDECAR).get("schema") == SCHEMA
    except (OSError, ValueError):
        return False
