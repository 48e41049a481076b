"""A format of export: one layout of another project, and the options it takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from ddcodec.errors import RequestError
from ddcodec.exchange.exporting.options import ExportOptions, ViewCount
from ddcodec.exchange.exporting.selection import Selection

__all__ = ["OPTIONS", "ExportFormat"]

OPTIONS = ("classes", "views", "statistics", "shard_bytes", "label_batch")
"""Options that only some formats take."""


class ExportFormat(ABC):
    """One layout; subclasses are stateless but for the options they were given.

    Attributes:
        name: by which it is asked for.
        summary: one line of what it writes.
        takes: those of :data:`OPTIONS` that it takes.
        order: in which order the pictures are.
        labels: in one sentence, which label each picture has.

    Args:
        options: validated.

    Raises:
        RequestError: an option has no part in this format.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    takes: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[str] = "class-major: by class index, then slot, then view"
    labels: ClassVar[str]

    def __init__(self, options: ExportOptions) -> None:
        self.options = options
        for name in options.given:
            self.refuse_unless_taken(name)

    @classmethod
    def refuse_unless_taken(cls, option: str) -> None:
        """Refuse an option that has no part in this format, by its name."""
        if option not in cls.takes:
            takes = ", ".join(f"{name}=" for name in ("ipc", *cls.takes))
            raise RequestError(
                f"{option}= has no part in an export to {cls.name}: leave it out; what it takes is "
                f"{takes}"
            )

    def count(self, selection: Selection) -> int:
        """Pictures that are written."""
        return selection.images

    @property
    def views(self) -> ViewCount:
        """Views of each image that are written."""
        return self.options.views or 1

    def check(self, selection: Selection) -> None:  # noqa: B027 (most formats take anything)
        """Refuse what the layout cannot hold, before any picture is made.

        Raises:
            RequestError: the artifact, or the part that was chosen, does not fit the layout.
            MissingDependencyError: a package that writes it is not installed.
        """

    @abstractmethod
    def write(self, selection: Selection, folder: Path) -> dict[str, Any]:
        """Write the files into a new folder.

        Returns:
            What the sidecar says besides: plain JSON values.

        Raises:
            OSError: a file cannot be written.
        """
