"""The levels of checking an artifact, and messages about pictures that have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from ddcodec.arrays import Progress, Row
from ddcodec.codecs.hard_labels import HardLabels
from ddcodec.errors import PayloadError, PixelDriftError, RequestError
from ddcodec.labels.store import LabelStore
from ddcodec.randomness import DOMAIN_ENCODER, uniform_below, words
from ddcodec.recipe.profiles import FLOAT
from ddcodec.rendering.renderer import Renderer
from ddcodec.table.table import Table

__all__ = ["LEVELS", "Level", "drift_message", "spread_sample", "verify_table"]

Level = Literal["structure", "crc", "digest", "pixels"]
LEVELS: tuple[Level, ...] = get_args(Level)

_RENDERED = 64  # pictures rendered between two calls of progress
_NAMED = 5  # pictures that a message names
_LISTED = 20  # things of an environment that a message names


def verify_table(
    table: Table,
    level: Level,
    renderer: Renderer,
    *,
    sample: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Check an artifact; see :meth:`ddcodec.Artifact.verify` for levels, arguments and errors.

    Returns:
        The number of pictures compared (0 below ``pixels``).
    """
    if level not in LEVELS:
        raise RequestError(f"unknown level {level!r}; use one of {', '.join(LEVELS)}")
    if sample is not None and (level != "pixels" or sample < 1):
        raise RequestError("a sample is of 1 or more pictures, at level pixels")
    table.check()
    LabelStore(table).check()
    if level == "structure":
        return 0
    if level == "crc":
        table.reader.verify("crc")
        return 0
    table.check_content()
    _check_hard_labels(table)
    if level == "digest":
        return 0
    rows: Sequence[Row] = table.head.all_rows
    if sample is not None:
        rows = [rows[i] for i in spread_sample(len(rows), sample, table.reader.digest)]
    _compare(table, rows, renderer, progress)
    return len(rows)


def _check_hard_labels(table: Table) -> None:
    """Explicit hard labels name classes of their origins."""
    for section in table.sections("labels"):
        # A label of the row's own class, a byte for all of them, is never beyond.
        if section.codec.name == HardLabels.name and section.raw_len > 1:
            _, count = table.head.origin(section.box.class_start)
            largest = int(table.array(section).max())
            if largest >= count:
                raise PayloadError(f"label {largest} of {count} classes", section=section.label)


def _compare(
    table: Table, rows: Sequence[Row], renderer: Renderer, progress: Progress | None
) -> None:
    drifted: list[str] = []
    for start in range(0, len(rows), _RENDERED):
        chunk = rows[start : start + _RENDERED]
        drifted += [f"{table.head.classes[c]}/{s}" for c, s in renderer.drifted(chunk)]
        if progress is not None:
            progress("pictures", start + len(chunk), len(rows))
    if drifted:
        written, here = table.reader.info.get("environment"), renderer.environment()
        message = drift_message(drifted, len(rows), renderer.execution, written, here)
        raise PixelDriftError(message)


def spread_sample(total: int, count: int, digest: bytes) -> list[int]:
    """``count`` of 0..total-1, ascending: one at random from each of as many equal stretches.

    Args:
        digest: content digest of the artifact, which seeds the choice: the same on every machine,
            other pictures for other artifacts.
    """
    count = min(count, total)
    ends = [total * i // count for i in range(count + 1)]
    drawn = words(int.from_bytes(digest[:8], "little"), DOMAIN_ENCODER, 0, count)
    return [
        start + int(uniform_below(word, end - start))
        for word, start, end in zip(drawn, ends[:-1], ends[1:], strict=True)
    ]


def drift_message(
    drifted: Sequence[str],
    compared: int,
    execution: tuple[str, str] | None,
    written: object,
    here: Mapping[str, Any],
) -> str:
    """What to say of pictures that differ from their stored digests.

    Args:
        drifted: names of the pictures that differ.
        compared: how many were rendered.
        execution: (profile, back end) of generated pictures, None where pixels are stored.
        written, here: environments of the writer, which is a map where it is recorded, and of
            this process.
    """
    some = ", ".join(drifted[:_NAMED]) + (", ..." if len(drifted) > _NAMED else "")
    what = f"{len(drifted)} of {compared} pictures differ from the stored pixel digests: {some}."
    if execution is None:
        return (
            f"{what} Stored pictures decode alike on every machine, so the file was altered, or an "
            f"image library decodes otherwise: report it ({_listed(here)})"
        )
    profile, backend = execution
    if profile != FLOAT:
        return (
            f"{what} Profile {profile} promises these bytes on every machine, so this is a bug or "
            f"a damaged installation: report it, with back end {backend} ({_listed(here)}), and "
            "see whether DDCODEC_BACKEND=float64 or a fresh installation gives other pictures"
        )
    made = "made in an environment not recorded"
    if isinstance(written, Mapping) and written:  # nobody has checked what a file says there
        made = f"made under {_listed(written)}"
    return (
        f"{what} The float profile promises equal pixels in an equal environment only: they were "
        f"{made}; this is {_listed(here)}"
    )


def _listed(environment: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value!s:.80}" for name, value in [*environment.items()][:_LISTED])
