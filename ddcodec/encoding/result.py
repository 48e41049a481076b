"""The result of an encode: what it made, or would make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddcodec.classifiers.held_out import HeldOut

__all__ = ["EncodeResult"]


@dataclass(frozen=True, repr=False)
class EncodeResult:
    """What an encode made, or with ``dry_run`` would make.

    Attributes:
        path: the artifact; None for a dry run.
        digest: content digest in hex; empty for a dry run.
        options_used: the options as they were used, for people.
        expected: expected bytes by section kind, estimated from a look at a few images; short of
            what follows from a prior or teacher that is not on this machine.
        expected_seconds: stage -> about how many seconds it would take on this machine, measured by
            a dry run from a little of each; none where prior or teacher are not here.
        training_seconds: about how long a teacher's training would take at most, which a dry run
            found to be needed; None where none is.
        to_fetch: what a dry run found to be fetched from the hub -> bytes.
        file_len: bytes of the artifact; 0 for a dry run.
        warnings: one sentence each: what was converted, skipped or ignored.
        source: the folder of the classes, and what beside it was not used.
        classes: class -> pictures of the source.
        skipped: picture that could not be used -> why.
        teacher: how good the teacher is on pictures that it was not trained on; None where none was
            asked, where ddcodec did not train it, and for a dry run.
        divergence: mean KL divergence of the stored soft labels from the teacher's, in nats at the
            label temperature; None for hard labels and for a dry run.

    >>> options = dict(method="random", ipc=2, labels="hard")
    >>> would = ddcodec.encode("photos", "p.ddz", dry_run=True, **options)
    >>> would.path, would.options_used["size"], sorted(would.expected)
    (None, (16, 16), ['container', 'labels', 'patches', 'pixels', 'seeds'])
    """

    path: Path | None
    digest: str
    options_used: Mapping[str, Any]
    expected: Mapping[str, int]
    file_len: int
    warnings: tuple[str, ...]
    divergence: float | None = None
    teacher: HeldOut | None = None
    to_fetch: Mapping[str, int] = field(default_factory=dict)
    expected_seconds: Mapping[str, float] = field(default_factory=dict)
    training_seconds: float | None = None
    source: str = ""
    classes: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        if self.path is None:
            parts = [f"would take about {sum(self.expected.values()):,} bytes"]
        else:
            parts = [repr(str(self.path)), f"{self.file_len:,} bytes", f"digest {self.digest[:12]}"]
        if self.teacher is not None:
            parts.append(f"teacher {self.teacher.describe()}")
        parts += [f"warning: {warning}" for warning in self.warnings]
        return f"EncodeResult({', '.join(parts)})"
