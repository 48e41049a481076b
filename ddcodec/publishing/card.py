"""The card of an artifact: what people, the hub and its viewer read of it, as Markdown."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from ddcodec.artifact import Artifact, as_artifact
from ddcodec.artifact.budget import parts_of, purposes
from ddcodec.artifact.summary import describe_labels
from ddcodec.container import FileSource
from ddcodec.errors import RequestError, shown
from ddcodec.extras import needed_for
from ddcodec.hub import is_hub_id
from ddcodec.publishing.licences import check_licence
from ddcodec.publishing.results import Result, results_of
from ddcodec.recipe import profiles
from ddcodec.templates import templates_of

__all__ = ["PREVIEW", "CardOptions", "card", "card_text", "check_repository"]

PREVIEW = "preview/train-*.parquet"
"""The files that the hub's viewer shows."""

_LISTED = 200  # classes named in the page
_SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M")
_SAFE = frozenset(string.ascii_letters + string.digits + " ,")


@dataclass(frozen=True)
class CardOptions:
    """What a card says besides the artifact.

    Attributes:
        licence: the hub's id of a licence; empty to leave it out.
        repository: ``owner/name`` of the data set; empty where it has none yet.
        file_name: of the artifact in there.
        preview: pictures per class in the preview; 0 for none.
        results: what students learned.
    """

    licence: str = ""
    repository: str = ""
    file_name: str = ""
    preview: int = 0
    results: tuple[Result, ...] = ()


def card(
    artifact: Artifact | FileSource,
    *,
    license: str | None = None,
    repository: str | None = None,
    report: str | os.PathLike[str] | None = None,
) -> str:
    """The card of an artifact for the hub, as Markdown with YAML before it.

    Args:
        artifact: open, or its file.
        license: the hub's id of a licence, such as ``cc-by-4.0``.
        repository: ``owner/name`` of the data set, for the lines that load it.
        report: the JSON of a report, whose accuracies of this artifact are told.

    Raises:
        RequestError: an unknown licence, no name of a repository, or a report of other artifacts.
        FormatError: the artifact cannot be read.

    >>> ddcodec.card("shapes.ddz", license="cc-by-4.0").splitlines()[:2]
    ['---', 'license: cc-by-4.0']
    """
    if license is not None:
        check_licence(license)
    if repository is not None:
        check_repository(repository)
    with as_artifact(artifact) as opened:
        opened.verify("structure")
        results = () if report is None else results_of(report, opened.digest)
        name = Path(opened.file_name).name
        return card_text(opened, CardOptions(license or "", repository or "", name, 0, results))


def check_repository(name: str) -> None:
    """Raises RequestError: this is no ``owner/name``."""
    if not is_hub_id(name):
        raise RequestError(f"{shown(name)} is no name of a repository: write OWNER/NAME")


def card_text(artifact: Artifact, options: CardOptions) -> str:
    """The same with options that were checked."""
    head, recipe = artifact.head, artifact.recipe
    named = list(zip(artifact.classes, (head.readable[c] for c in head.row_classes), strict=True))
    synthesis = recipe.synthesis.to_map()
    parts = parts_of(artifact.sizes(), purposes(artifact))
    text: str = (
        _templates()
        .get_template("card.md")
        .render(
            front=_front(artifact, options),
            artifact=artifact,
            options=options,
            title=_title(options),
            place=_place(options),
            pictures=len(artifact.classes) * recipe.ipc,
            recipe=recipe,
            labels=list(describe_labels(artifact.table)),
            parts=[one for one in parts if one.colour is not None],
            classes=named[:_LISTED],
            more=max(0, len(named) - _LISTED),
            renamed=any(name != readable for name, readable in named),
            info=_info(artifact.info),
            prior=head.prior,
            lossless=_codecs(artifact, "patches") == {"mosaic-png"},
            is_float=synthesis.get("profile") == profiles.FLOAT,
            profile=synthesis.get("profile"),
        )
    )
    return text


def _front(artifact: Artifact, options: CardOptions) -> str:
    """The YAML at the head, written by the hub's own library."""
    with needed_for("a card"):
        from huggingface_hub import DatasetCardData

    pictures = len(artifact.classes) * artifact.recipe.ipc
    more: dict[str, Any] = {}
    if options.preview:
        files = [{"split": "train", "path": PREVIEW}]
        more["configs"] = [{"config_name": "preview", "data_files": files}]
    data = DatasetCardData(
        license=options.licence or None,
        pretty_name=_title(options),
        task_categories=["image-classification"],
        size_categories=[_SIZES[min(len(_SIZES) - 1, max(0, len(str(pictures)) - 3))]],
        tags=["ddcodec", "dataset-distillation", "image"],
        **more,
    )
    return data.to_yaml(line_break="\n")


def _title(options: CardOptions) -> str:
    return (options.repository.partition("/")[2] or options.file_name).removesuffix(".ddz")


def _place(options: CardOptions) -> str:
    if options.repository:
        return f"hf://datasets/{options.repository}/{options.file_name}"
    return options.file_name


def _codecs(artifact: Artifact, kind: str) -> set[str]:
    """Names of the codecs of all sections of a kind."""
    parts = (one for one in artifact.sizes().children if one.name == kind)
    return {codec.name for part in parts for codec in part.children}


def _info(info: Mapping[str, Any]) -> dict[str, str]:
    """What the artifact says of its making, where that is text."""
    wanted = ("method", "teacher", "tool")
    return {key: str(info[key]) for key in wanted if isinstance(info.get(key), str)}


def markdown(text: object) -> str:
    """Text that means nothing to Markdown or HTML, on one line.

    >>> markdown("<b>*a*|b")
    '&lt;b&gt;\\\\*a\\\\*\\\\|b'
    """
    plain = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    entities = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;"}
    escaped = (
        c if c in _SAFE or c not in string.punctuation else entities.get(c, f"\\{c}") for c in plain
    )
    return "".join(escaped)


@cache
def _templates() -> Environment:
    environment = templates_of("ddcodec.publishing")
    environment.filters["markdown"] = markdown
    environment.filters["code"] = lambda text: re.sub(r"[^\w./:@+ -]", "_", str(text))
    return environment
