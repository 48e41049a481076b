"""The options of an import: its own, and those of an encode that make sense of given pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from ddcodec.encoding.given import GivenLabels
from ddcodec.encoding.option_fields import Size
from ddcodec.encoding.options import EncodeOptions, as_encode
from ddcodec.errors import RequestError
from ddcodec.exchange.importing.base import LabelValues
from ddcodec.exchange.importing.formats import get_format
from ddcodec.exchange.importing.method import Imported
from ddcodec.exchange.importing.normalisation import parse_normalisation
from ddcodec.exchange.importing.orders import known_orders
from ddcodec.labels.options import LayerName
from ddcodec.methods.options import AUTO, RatioOption, check_options, option
from ddcodec.methods.patch_mosaics import PatchCodec, Sharing
from ddcodec.progress import ProgressOption
from ddcodec.recipe.head import MAX_IPC, MAX_VIEWS
from ddcodec.recipe.view import View

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher
    from ddcodec.classifiers.training import Statistics
else:
    Teacher = Statistics = Any  # what is shown on the command line needs no torch

__all__ = ["GivenOptions", "ImportLabels", "ImportOptions"]

ImportLabels = Literal["auto", "source", "soft", "hard", "teacher"]

_RELABELLED_VIEWS = 30
_ENCODE = EncodeOptions.__dataclass_fields__


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What an import may be told; every value is checked when this is constructed.

    Raises:
        RequestError: naming the option, its value and what it may be.

    >>> ImportOptions(classes="cifar10").patch_codec
    'png'
    """

    format: str = option(AUTO, "Format of the source; auto recognises it by what is there.")
    classes: str | None = option(
        None,
        "Order of the classes, whose names files of numbers leave out: one of "
        f"{', '.join(known_orders())}; numbers, for no names; or a file with a class on each line.",
    )
    normalisation: str | None = option(
        None,
        "Statistics that the source's pictures are normalised by, to be undone: cifar10, cifar100, "
        "imagenet, none, or three means and deviations as 0.5,0.5,0.5/0.2,0.2,0.2; by default "
        "those of its code, where it tells them.",
    )
    zca: str | None = option(
        None,
        "File with mean and inverse of a ZCA whitening that is to be undone, of kornia or NumPy.",
    )
    which: str | None = option(
        None,
        "Of several sets in the source, the one to take: an iteration or best, or the number of an "
        "experiment; by default the best or last.",
    )
    factor: int | None = option(
        None,
        "Tiles on a side of IDC's pictures; by default as the name of their folder says.",
        low=1,
        high=16,
    )
    labels: ImportLabels = option(
        AUTO,
        "Labels of the source; soft ones of a teacher, in views; hard ones; or a teacher itself. "
        "Auto keeps soft labels of the source, else asks the teacher that is named, if any.",
    )
    label_values: LabelValues = option(
        AUTO, "Whether rows of the source's labels are logits or probabilities."
    )
    label_tree: str | os.PathLike[str] | None = option(
        None,
        "Folder with the FKD labels of the source's pictures, of SRe2L, CDA, D4M, G-VBSM, LPLD or "
        "LPQLD: each epoch becomes a view, for training at temperature 20.",
    )
    teacher: str | os.PathLike[str] | Teacher | None = option(
        None,
        "Teacher that gives soft labels, and looks whether the order of classes is right: a "
        "folder; a hub id; or timm:NAME.",
    )
    trust_order: bool = option(
        False, "Take the order of the classes as it is, even where the teacher contradicts it."
    )
    ipc: int | None = option(
        None,
        "Take only the first so many images of each class; by default all.",
        low=1,
        high=MAX_IPC,
    )
    views: int | None = option(
        None,
        "Labelled views of each image; by default 30 where a teacher labels them, else the image "
        "alone.",
        low=1,
        high=MAX_VIEWS,
    )
    view: str = as_encode("view")
    size: Size | None = as_encode("size")
    seed: int = as_encode("seed")
    patch_codec: PatchCodec = option(
        "png",
        "How pictures are coded: png, which loses nothing of 8 bits; or webp or avif, which are "
        "smaller and lose something, as is said.",
    )
    quality: int | None = as_encode("quality")
    mosaics: Sharing = as_encode("mosaics")
    teacher_bits: int = as_encode("teacher_bits")
    label_temperature: RatioOption = as_encode("label_temperature")
    label_layers: LayerName = as_encode("label_layers")
    label_quality: float | None = as_encode("label_quality")
    label_bytes: int | None = as_encode("label_bytes")
    class_names: str | os.PathLike[str] | None = as_encode("class_names")
    device: str = as_encode("device")
    work: str | os.PathLike[str] | None = as_encode("work")
    omit_provenance: bool = as_encode("omit_provenance")
    dry_run: bool = as_encode("dry_run")
    force: bool = as_encode("force")
    progress: ProgressOption = field(default=None, compare=False)
    """Called with what is being done, how many are done, and of how many; or whether to show bars,
    by default on a terminal and in a notebook."""

    def __post_init__(self) -> None:
        if isinstance(self.teacher, os.PathLike):
            object.__setattr__(self, "teacher", os.fspath(self.teacher))
        check_options(self)
        if self.format != AUTO:
            get_format(self.format)
        if self.normalisation is not None:
            parse_normalisation(self.normalisation)
        if self.zca is not None and self.normalisation is not None:
            raise RequestError(
                f"normalisation={self.normalisation!r} and zca={self.zca!r} both say how to come "
                "back to pixels; give one of them"
            )
        self._check_label_tree()
        if self.teacher == AUTO:
            raise RequestError(
                "teacher='auto' trains one on the source, and distilled pictures teach no teacher: "
                "name one of the whole set, or train it with ddcodec.teacher"
            )
        if self.labels in ("soft", "teacher") and self.teacher is None:
            raise RequestError(
                f"labels={self.labels!r} need a teacher, and none is named: give teacher='DIR'"
            )
        if self.patch_codec == "png" and self.quality is not None:
            raise RequestError(
                f"quality={self.quality} says nothing to patch_codec='png', which loses nothing; "
                "choose webp or avif"
            )
        self.encode(ipc=1)  # whatever an encode refuses is refused now

    def _check_label_tree(self) -> None:
        if self.label_tree is None:
            return
        if self.labels in ("soft", "hard", "teacher"):
            raise RequestError(
                f"labels={self.labels!r} are none of a label_tree; leave one of the two out"
            )
        for name in ("ipc", "size"):
            if (value := getattr(self, name)) is not None:
                raise RequestError(
                    f"{name}={value!r} does not go with a label_tree, which labels all pictures as "
                    "they are; leave it out"
                )
        if self.dry_run:
            raise RequestError(
                "dry_run tells nothing of a label_tree, which has to be read for that; leave one "
                "of the two out"
            )

    def encode(self, *, ipc: int, **given: Any) -> GivenOptions:
        """The same as options of an encode of given pictures.

        Args:
            ipc: images per class.
            given: further fields of :class:`GivenOptions`.
        """
        shared = {f.name: getattr(self, f.name) for f in fields(self) if f.name in _ENCODE}
        labels = given.pop("labels", self.labels)
        relabelled = labels in ("soft", "teacher") and given.get("labels_given") is None
        shared |= {
            "labels": labels if labels in ("soft", "hard", "teacher") else "hard",
            "views": self.views or (_RELABELLED_VIEWS if relabelled else 1),
            "ipc": ipc,
            "teacher": self.teacher if self.teacher is not None else AUTO,
        }
        return GivenOptions(**{**shared, **given})


@dataclass(frozen=True, kw_only=True)
class GivenOptions(EncodeOptions):
    """Options of an encode whose pictures, and perhaps labels, are given.

    Attributes:
        filled: the method, with what it knows of the source.
        labels_given: soft labels of the source's own.
        statistics: by which its students' pictures are to be normalised.
    """

    method: str = Imported.name
    filled: Imported = field(default_factory=Imported, compare=False)
    labels_given: GivenLabels | None = field(default=None, compare=False)
    statistics: Statistics | None = field(default=None, compare=False)

    @property
    def filled_by(self) -> Imported:
        """The one method of imports."""
        return self.filled

    @property
    def given_labels(self) -> GivenLabels | None:
        return self.labels_given

    @property
    def given_statistics(self) -> Statistics | None:
        return self.statistics

    @property
    def asks_teacher(self) -> bool:
        """Whether the teacher has a part in the artifact; given labels need none."""
        return self.labels != "hard" and self.labels_given is None

    def view_of(self, size: tuple[int, int]) -> View:
        """What views vary: as given labels say, or as in an encode."""
        given = self.labels_given
        return super().view_of(size) if given is None else given.view

    def job_key(self) -> dict[str, Any]:
        """As of an encode, and what labels are given."""
        given = self.labels_given
        key = super().job_key()
        return key if given is None else {**key, "labels_given": given.digest}
