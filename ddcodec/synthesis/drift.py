"""Which pictures to render again, and what it means where one is no longer what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ddcodec.exact.profiles import FLOAT
from ddcodec.randomness import DOMAIN_ENCODER, uniform_below, words

__all__ = ["drift_message", "spread_sample"]

_NAMED = 5


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
    written: Mapping[str, Any] | None,
    here: Mapping[str, Any],
) -> str:
    """What to say of pictures that differ from their stored digests.

    Args:
        drifted: names of the pictures that differ.
        compared: how many were rendered.
        execution: (profile, back end) of generated pictures, None where pixels are stored.
        written, here: environments of the writer, where it is recorded, and of this process.
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
    made = f"made under {_listed(written)}" if written else "made in an environment not recorded"
    return (
        f"{what} The float profile promises equal pixels in an equal environment only: they were "
        f"{made}; this is {_listed(here)}"
    )


def _listed(environment: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in environment.items())
