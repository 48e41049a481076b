"""The options of an encode: each typed once, and from here checked, documented and shown.

They are the arguments of :func:`ddcodec.encode`, the options of ``ddz encode`` and, but for those
that do not change what is made, the key by which an interrupted job is resumed. What follows from
them is in :mod:`ddcodec.encoding.options`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from ddcodec.codecs.teacher_weights import MAX_BITS, MIN_BITS
from ddcodec.labels.options import LayerName
from ddcodec.methods import METHODS
from ddcodec.methods.options import AUTO, RatioOption, option
from ddcodec.methods.patch_mosaics import PatchCodec, Sharing
from ddcodec.progress import ProgressOption
from ddcodec.recipe import profiles
from ddcodec.recipe.fields import MAX_SIDE
from ddcodec.recipe.head import MAX_IPC, MAX_VIEWS

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher
else:
    Teacher = Any  # what is shown on the command line needs no torch

__all__ = ["UNDER_A_BUDGET", "LabelKind", "OptionFields", "Size"]

UNDER_A_BUDGET = "coreset"
"""What students learned most of, among files of one size that store pictures: a budget without a
method is spent so (docs/benchmarks/budget.md)."""

LabelKind = Literal["soft", "hard", "teacher"]
ProfileName = Literal["w8a8", "w8a15", "w15a15", "float"]
Size = int | tuple[int, int]

assert get_args(ProfileName) == profiles.NAMES


@dataclass(frozen=True, kw_only=True)
class OptionFields:
    """What an encode may be told, unchecked; ``EncodeOptions`` checks it."""

    method: str = option(
        AUTO,
        f"Method that fills the artifact: {', '.join(sorted(METHODS))}; or auto: under a budget, "
        f"{UNDER_A_BUDGET}, else one must be named.",
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
        "flip and, unless every view has a picture of its own, cutmix. cutmix:5 mixes five "
        "consecutive classes with one another only, so that slices by them need no pictures of "
        "others.",
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
