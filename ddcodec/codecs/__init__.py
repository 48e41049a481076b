"""The closed codec registry: a file names a codec, never an import (spec/codecs.md)."""

from __future__ import annotations

from typing import Any, Final

from ddcodec.codecs.base import Codec
from ddcodec.codecs.hard_labels import HardLabels
from ddcodec.codecs.label_fields import LabelFields
from ddcodec.codecs.label_model import LabelModelCodec
from ddcodec.codecs.mosaic_avif import MosaicAvif
from ddcodec.codecs.mosaic_png import MosaicPng
from ddcodec.codecs.mosaic_webp import MosaicWebp
from ddcodec.codecs.pixel_digest import PixelDigests
from ddcodec.codecs.prompt_fp16 import PromptFp16
from ddcodec.codecs.prompt_int8 import PromptInt8
from ddcodec.codecs.prompt_text import PromptText
from ddcodec.codecs.quantised_latents import QuantisedLatents
from ddcodec.codecs.schedule_table import ScheduleTable
from ddcodec.codecs.seed_derived import SeedDerived
from ddcodec.codecs.seed_list import SeedList
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.codecs.teacher_weights import TeacherWeights
from ddcodec.codecs.top_k_labels import TopKLabels
from ddcodec.codecs.view_draws import ViewDraws
from ddcodec.container import CodecSpec
from ddcodec.errors import UnknownCodecError

__all__ = ["REGISTRY", "Codec", "get"]

REGISTRY: Final[tuple[type[Codec[Any, Any]], ...]] = (
    HardLabels,
    LabelFields,
    LabelModelCodec,
    MosaicAvif,
    MosaicPng,
    MosaicWebp,
    PixelDigests,
    PromptFp16,
    PromptInt8,
    PromptText,
    QuantisedLatents,
    ScheduleTable,
    SeedDerived,
    SeedList,
    SoftLabels,
    TeacherWeights,
    TopKLabels,
    ViewDraws,
)


def get(spec: CodecSpec) -> Codec[Any, Any]:
    """The codec a section was written with.

    Raises:
        UnknownCodecError: a codec or codec version that this reader lacks.
        HeaderError: the codec's parameters are malformed.
    """
    versions = {codec.version: codec for codec in REGISTRY if codec.name == spec.name}
    if not versions:
        known = ", ".join(sorted({codec.name for codec in REGISTRY}))
        raise UnknownCodecError(f"unknown codec {spec.name!r}; this ddcodec reads {known}")
    if spec.version < min(versions):
        raise UnknownCodecError(
            f"codec {spec.name} version {spec.version} is not read any more, but {min(versions)} "
            "is: encode the artifact again, or read it with the ddcodec that wrote it"
        )
    if spec.version not in versions:
        raise UnknownCodecError(
            f"codec {spec.name} version {spec.version} is newer than this ddcodec reads "
            f"(up to {max(versions)}); upgrade ddcodec"
        )
    return versions[spec.version].from_params(spec.params)
