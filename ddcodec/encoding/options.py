"""The options of an encode: each typed once, and from here checked, documented and shown.

They are the arguments of :func:`ddcodec.encode`, the options of ``ddz encode`` and, but for those
that do not change what is made, the key by which an interrupted job is resumed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from ddcodec.arrays import Progress
from ddcodec.codecs.label_model import MAX_LABEL_CLASSES
from ddcodec.codecs.teacher_weights import MAX_BITS, MIN_BITS
from ddcodec.encoding.amounts import parse_bytes
from ddcodec.encoding.time_limit import parse_seconds
from ddcodec.errors import HeaderError, RequestError, shown
from ddcodec.labels.options import LabelOptions, LayerName
from ddcodec.methods import METHODS, get_method
from ddcodec.methods.base import Method
from ddcodec.methods.options import AUTO, RatioOption, check_options, option
from ddcodec.methods.patch_mosaics import PatchCodec, PatchCoding, Sharing
from ddcodec.progress import ProgressOption
from ddcodec.recipe import profiles
from ddcodec.recipe.fields import MAX_SIDE, Ratio
from ddcodec.recipe.head import MAX_IPC, MAX_ROWS, MAX_VIEWS
from ddcodec.recipe.view import View, parse_view
from ddcodec.sources.class_names import imagenet_names, names_from_file, unnamed_ids
from ddcodec.sources.source import Source
from ddcodec.workers import Workers

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher
    from ddcodec.classifiers.training import Statistics
    from ddcodec.encoding.given import GivenLabels
else:
    Teacher = Any  # what is shown on the command line needs no torch

__all__ = ["EncodeOptions", "LabelKind", "as_encode"]

DEFAULT_IPC = 10
# What students learned most of among files of one size (docs/benchmarks/budget.md).
_UNDER_A_BUDGET = "coreset"
# Coarser than without a budget: more pictures for the same bytes teach more (CIFAR-10, 30 kB).
BUDGET_QUALITY: dict[PatchCodec, int] = {"webp": 40, "avif": 28}

LabelKind = Literal["soft", "hard", "teacher"]
ProfileName = Literal["w8a8", "w8a15", "w15a15", "float"]
Size = int | tuple[int, int]

assert get_args(ProfileName) == profiles.NAMES


@dataclass(frozen=True, kw_only=True)
class EncodeOptions:
    """What an encode may be told; every value is checked when this is constructed.

    Raises:
        RequestError: naming the option, its value and what it may be.

    >>> EncodeOptions(method="random", ipc=5).views
    30
    """

    method: str = option(
        AUTO,
        f"Method that fills the artifact: {', '.join(sorted(METHODS))}; or auto: under a budget, "
        f"{_UNDER_A_BUDGET}, else one must be named.",
    )
    ipc: int | None = option(None, "Images per class; by default 10.", low=1, high=MAX_IPC)
    time_limit: str | None = option(
        None,
        "Time that generating all pictures may take on this machine, such as 10m: as many images "
        "per class as fit, in place of a number.",
    )
    budget: int | str | None = option(
        None,
        "Bytes that the whole file may take, such as 300KB: IPC, quality of patches and bytes of "
        "labels are chosen to fill it, as far as they are not given.",
    )
    views: int = option(
        30,
        "Labelled views of each image; 1 stores the plain images alone.",
        low=1,
        high=MAX_VIEWS,
    )
    variations: int | None = option(
        None,
        "Pictures of each slot, of which view v shows number v modulo this: fresh ones in every "
        "epoch, for methods that generate them. They take no bytes, but time on decoding. By "
        "default 1, but under a budget one for each view.",
        low=1,
        high=MAX_VIEWS,
    )
    view: str = option(
        "auto",
        "What a view varies: crop or resized-crop, flip, vflip, rotate, brightness, gamma, cutmix, "
        "joined by +; pda, post data augmentation, which is all but cutmix; none; or auto: crop, "
        "flip and cutmix. cutmix:5 mixes five consecutive classes with one another only, so that "
        "slices by them need no pictures of others.",
    )
    size: Size | None = option(
        None, "Side, or width and height, of images in pixels; by default that of the source."
    )
    seed: int = option(0, "Everything random follows from it.", low=0, high=(1 << 64) - 1)
    patch_codec: PatchCodec | None = option(
        None,
        "How stored patches are coded: webp, the default; avif, AV1 pictures, which take a third "
        "fewer bytes at the same error and seconds per hundred patches, and are the default under "
        "a budget; or png, without loss.",
    )
    quality: int | None = option(
        None,
        "Quality of stored patches where the codec is lossy; by default 50 for webp and 35 for "
        "avif, which come out alike, or as a budget allows.",
        low=1,
        high=100,
    )
    patch_size: int | None = option(
        None,
        "Shorter side of stored patches in pixels, where they are to be smaller than in the images "
        "that are made of them: more, coarser images for the same bytes.",
        low=1,
        high=MAX_SIDE,
    )
    mosaics: Sharing = option(
        "class",
        "What shares a mosaic of stored patches: those of a class; or those of all classes, which "
        "takes fewer bytes, but slices by class then keep the patches of the others.",
    )
    labels: LabelKind = option(
        "soft",
        "Soft labels of the teacher; hard ones; or the teacher itself, which computes soft labels "
        "on decoding and is smaller where there are very many.",
    )
    teacher: str | os.PathLike[str] | Teacher = option(
        "auto",
        "Who gives soft labels: a folder; a hub id; timm:NAME; or auto, which trains one on the "
        "source and keeps it for the next encode of the same images.",
    )
    teacher_bits: int = option(
        5, "Bits per weight of a stored teacher.", low=MIN_BITS, high=MAX_BITS
    )
    label_temperature: RatioOption = option(
        (4, 1),
        "Temperature at which students are to train, such as 4 or 5/2.",
        low=1 / 64,
        high=1024,
    )
    label_layers: LayerName = option(
        "innovation",
        "How much of each soft label is kept, with what stands before it: the mean of its class; "
        "that of its image; what crop and flip change; what is left of each view; or every logit, "
        "to 1/64 nat.",
        role="coding",
    )
    label_quality: float | None = option(
        None,
        "Mean divergence from the teacher, in nats at the temperature, that coding may cost; by "
        "default 1 % of that between labels and their mean.",
        low=1e-6,
        high=1.0,
        role="coding",
    )
    label_bytes: int | None = option(
        None, "Bytes that all soft labels may take, in place of a quality.", low=1, role="coding"
    )
    class_names: str | os.PathLike[str] | None = option(
        None,
        "File of readable names, CSV or JSON: class folder, name. Prompts speak them, and the "
        "artifact holds both. By default WordNet ids of ImageNet are named.",
        role="run",
    )
    prior: str = option(
        "tiny",
        "Diffusion prior of generating methods: tiny, which is in the package, a folder in "
        "diffusers' layout, or a hub id, which may name a revision after an @.",
    )
    profile: ProfileName = option(
        "w8a15",
        "How the prior is executed: bits of weights (w) and activations (a), with the same pixels "
        "on every machine; or float, without that promise.",
    )
    options: Mapping[str, Any] = field(default_factory=dict)
    """The method's own options, by name."""
    device: str = option(
        "auto",
        "Torch device of the teacher and the prior; auto is a GPU of CUDA where there is one, else "
        "the CPU.",
        role="machine",
    )
    workers: int = option(
        1,
        "Processes that score, invert, generate and label side by side; the artifact is the same "
        "as with one.",
        low=1,
        high=1024,
        role="run",
    )
    ray: str | None = option(
        None,
        "Ray cluster that does so in their place, by address: auto, HOST:PORT, or local, which "
        "starts one here.",
        role="run",
    )
    work: str | os.PathLike[str] | None = option(
        None,
        "Folder for finished parts, which stay there: labels can be coded again, at another "
        "quality, without asking the teacher. It may be a URL of fsspec's, such as "
        "s3://BUCKET/DIR. By default the artifact's name with .work after it, removed at the end.",
        role="run",
    )
    omit_provenance: bool = option(
        False,
        "Leave out how the artifact was made: method, options, source and teacher, 40 to 90 bytes "
        "that only people and reports read.",
        role="run",
    )
    dry_run: bool = option(
        False, "Only say what would be done, and the bytes expected.", role="run"
    )
    force: bool = option(False, "Replace an existing artifact.", role="run")
    progress: ProgressOption = field(default=None, compare=False)
    """Called with what is being done, how many are done, and of how many; or whether to show bars,
    by default on a terminal and in a notebook."""

    def __post_init__(self) -> None:
        for name in ("teacher", "prior"):
            if isinstance(getattr(self, name), os.PathLike):
                object.__setattr__(self, name, os.fspath(getattr(self, name)))
        check_options(self)
        self._choose_method()
        _check_teacher(self.teacher)
        _check_size(self.size)
        _ = self.filled_by, self.coding  # checked now, not after the work
        parse_view(self.view, (MAX_SIDE, MAX_SIDE))
        self._check_time_limit()
        self._check_budget()
        _ = Workers(self.workers, self.ray)
        if self.patch_codec == "png" and self.quality is not None:
            raise RequestError(
                f"quality={self.quality} says nothing to patch_codec='png', which loses nothing; "
                "leave it out, or choose webp or avif"
            )
        self._choose_variations()
        if self.pictures_each > 1 and not self.filled_by.generates:
            raise RequestError(
                f"variations={self.variations} is not possible with method {self.method}, whose "
                "slots have one stored picture each; use a method that generates pictures"
            )
        if self.pictures_each > self.views:
            raise RequestError(
                f"variations={self.variations} are more than views={self.views}, which show one "
                "each; ask for more views or fewer variations"
            )

    def _choose_method(self) -> None:
        """Under a budget there is a method that does well; without one, to choose is half of it."""
        if self.method != AUTO:
            return
        if self.budget is None:
            raise RequestError(
                f"no method is named: give method= one of {', '.join(sorted(METHODS))}, or a "
                "budget of bytes, under which one is chosen"
            )
        object.__setattr__(self, "method", _UNDER_A_BUDGET)

    def _choose_variations(self) -> None:
        """Pictures that take no bytes are worth having wherever a label is paid for."""
        if self.variations is None:
            fresh = self.budget is not None and self.filled_by.generates and self.labels == "soft"
            object.__setattr__(self, "variations", self.views if fresh else 1)

    @property
    def pictures_each(self) -> int:
        """Pictures of each slot: the variations, once they are chosen."""
        return self.variations or 1

    def _check_time_limit(self) -> None:
        if self.time_limit is None:
            if self.budget is None:
                object.__setattr__(self, "ipc", self.ipc or DEFAULT_IPC)
            return
        parse_seconds(self.time_limit)
        if self.ipc is not None:
            raise RequestError(
                f"time_limit={self.time_limit!r} says how many images fit, so ipc={self.ipc} is "
                "one too many; give one of them"
            )
        if not self.filled_by.generates:
            raise RequestError(
                f"time_limit={self.time_limit!r} is not possible with method {self.method}, which "
                "generates no pictures; give ipc in its place"
            )

    def _check_budget(self) -> None:
        if self.budget is None:
            return
        if self.budget_bytes < 1:
            raise RequestError(f"budget={self.budget!r} is not allowed: it must be above 0")
        if self.labels == "soft" and self.label_quality is not None:
            raise RequestError(
                f"budget={self.budget!r} says how many bytes labels take, so "
                f"label_quality={self.label_quality:g} is one too many; give one of them"
            )
        if self.labels == "soft" and self.label_layers in ("class", "lossless"):
            raise RequestError(
                f"labels of label_layers={self.label_layers!r} have the bytes they have, which no "
                f"budget={self.budget!r} can choose; leave out one of them"
            )
        taken = self.labels != "soft" or self.label_bytes is not None
        adjustable = self.quality is None and self.patch_codec != "png"
        method = self.filled_by
        patches = method.stores_pictures or not method.generates
        if taken and not (adjustable and patches):
            raise RequestError(
                f"budget={self.budget!r} leaves nothing to choose: with these labels, only the "
                "quality of stored patches could follow from it. Let soft labels take the rest, or "
                "leave the quality out, of a method that stores patches and a codec that is lossy"
            )

    @property
    def budget_bytes(self) -> int:
        """Bytes that the whole file may take; 0 where nobody said."""
        if self.budget is None:
            return 0
        return parse_bytes(self.budget) if isinstance(self.budget, str) else self.budget

    @cached_property
    def filled_by(self) -> Method:
        """The method, with its own options."""
        return get_method(self.method).from_options(self.options)

    @cached_property
    def coding(self) -> LabelOptions:
        """How soft labels are coded."""
        return LabelOptions(self.label_layers, self.label_quality, self.label_bytes)

    @property
    def patches(self) -> PatchCoding:
        """How stored patches are coded."""
        within = self.budget is not None
        codec = self.patch_codec or ("avif" if within else "webp")
        # What a search for the quality under a budget begins with.
        quality = self.quality or (BUDGET_QUALITY.get(codec) if within else None)
        return PatchCoding(codec, quality, self.mosaics, self.patch_size)

    @property
    def tell(self) -> Progress | None:
        """What to call with progress, if that was given."""
        return self.progress if callable(self.progress) else None

    @property
    def trains_teacher(self) -> bool:
        """Whether the teacher is to be trained on the source."""
        return isinstance(self.teacher, str) and self.teacher == "auto"

    @property
    def temperature(self) -> Ratio:
        """The labels' temperature as a fraction."""
        assert isinstance(self.label_temperature, tuple)
        return self.label_temperature

    @property
    def asks_teacher(self) -> bool:
        """Whether the teacher has a part in the artifact."""
        return self.filled_by.uses_teacher or self.labels != "hard"

    @property
    def given_labels(self) -> GivenLabels | None:
        """Soft labels that stand in for the teacher's: an import may have them."""
        return None

    @property
    def given_statistics(self) -> Statistics | None:
        """Input statistics that are known without looking: an import may have them."""
        return None

    def size_of(self, source: Source) -> tuple[int, int]:
        """(width, height) of training images: as asked for, or the source's own.

        Raises:
            SourceError: the source has no size of its own.
            RequestError: its size is larger than an artifact's may be.
        """
        size = source.native_size() if self.size is None else self.size
        size = (size, size) if isinstance(size, int) else size
        _check_size(size)
        return size

    def names_of(self, source: Source) -> tuple[str, ...]:
        """What to call each class of a source: as a file says, or as ImageNet does.

        Raises:
            RequestError: the file does not fit, or prompts would speak of WordNet ids.
        """
        if self.class_names is not None:
            return names_from_file(self.class_names, source.classes)
        names = imagenet_names(source.classes)
        unnamed = unnamed_ids(names)
        if unnamed and self.filled_by.uses_prior:
            raise RequestError(
                f"{len(unnamed)} classes, {unnamed[0]!r} first, are called by WordNet ids that "
                "are not of ImageNet-1k, which no prior knows: give readable names, as a CSV "
                "file class_names='FILE'"
            )
        return names

    def view_of(self, size: tuple[int, int]) -> View:
        """What views of images of this size vary.

        Raises:
            RequestError: they cannot, at this size.
        """
        view = parse_view(self.view, size)
        try:
            view.check_size(size[1], size[0])
        except HeaderError as error:
            raise RequestError(
                f"images of {size[0]}x{size[1]} pixels are too small to be cropped; choose "
                "another view or a larger size"
            ) from error
        return view

    def check_classes(self, count: int, ipc: int) -> None:
        """Refuse a number of classes, of so many images, that these options cannot be met for.

        Raises:
            RequestError: saying what to change.
        """
        if self.labels == "soft" and count > MAX_LABEL_CLASSES:
            raise RequestError(
                f"{count} classes are too many for stored soft labels, which take at most "
                f"{MAX_LABEL_CLASSES}; use labels='teacher' or labels='hard'"
            )
        if count * ipc * self.views > MAX_ROWS:
            raise RequestError(
                f"{count} classes x ipc={ipc} x views={self.views} are more than the "
                f"{MAX_ROWS} labels that an artifact may have; ask for fewer"
            )

    def options_used(self) -> dict[str, Any]:
        """The options that bear on this artifact, without paths."""
        hidden = {"prior", "profile", "teacher", "options", "size"}
        if self.labels != "teacher":
            hidden.add("teacher_bits")
        if not self.filled_by.generates:
            hidden.add("variations")
        if self.labels == "hard":
            hidden.add("label_temperature")
        if self.labels != "soft":
            hidden |= {"label_layers", "label_quality", "label_bytes"}
        elif self.label_bytes is not None:
            hidden.add("label_quality")
        values = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.metadata.get("role") in ("content", "coding") and f.name not in hidden
        }
        if "patch_codec" in values:
            values["patch_codec"] = self.patches.codec
            values["quality"] = self.patches.used_quality
        return {name: value for name, value in values.items() if value is not None}

    def job_key(self) -> dict[str, Any]:
        """The options that finished parts follow from, as plain JSON values.

        Sources, teachers and priors are not among them: their content is, not their place. Nor is
        how labels are coded, once the teacher has given them.
        """
        hidden = {"prior", "teacher", "size"}
        values = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.metadata.get("role") in ("content", "machine") and f.name not in hidden
        }
        return {**values, "options": self.filled_by.to_map()}


def as_encode(name: str) -> Any:
    """A dataclass field that is an option as an encode has it, with its default, help and bounds.

    Args:
        name: of the option.
    """
    one = EncodeOptions.__dataclass_fields__[name]
    return field(default=one.default, metadata=one.metadata)


def _check_size(size: Any) -> None:
    sides = (size, size) if type(size) is int else size
    if sides is None:
        return
    ok = isinstance(sides, tuple) and len(sides) == 2
    if not ok or not all(type(side) is int and 1 <= side <= MAX_SIDE for side in sides):
        raise RequestError(
            f"size={shown(size)} is not allowed: it must be a number of pixels, or (width, "
            f"height), within 1..{MAX_SIDE}"
        )


def _check_teacher(teacher: Any) -> None:
    if isinstance(teacher, str) and teacher:
        return
    from torch import nn

    from ddcodec.classifiers.teacher import Teacher

    if isinstance(teacher, nn.Module):
        raise RequestError(
            "a torch module says neither which classes its outputs are nor how its pictures are "
            "normalised: give teacher=ddcodec.Teacher.from_module(module, classes=[...], "
            "mean=[...], std=[...], size=...)"
        )
    if not isinstance(teacher, Teacher):
        raise RequestError(
            f"a teacher cannot be a {type(teacher).__name__} or empty: it must be auto, a folder, "
            "a hub id, timm:NAME, or a ddcodec.Teacher, which ddcodec.Teacher.from_module(...) "
            "makes of any torch module"
        )
