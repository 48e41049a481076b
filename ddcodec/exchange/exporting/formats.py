"""The closed registry of formats of exports."""

from __future__ import annotations

from ddcodec.errors import RequestError
from ddcodec.exchange.exporting.contest import Contest
from ddcodec.exchange.exporting.croissant import Croissant
from ddcodec.exchange.exporting.datm import Datm
from ddcodec.exchange.exporting.dd_ranking import DDRanking
from ddcodec.exchange.exporting.fkd import Fkd
from ddcodec.exchange.exporting.folder import ImageFolder
from ddcodec.exchange.exporting.format import ExportFormat
from ddcodec.exchange.exporting.huggingface import HuggingFace
from ddcodec.exchange.exporting.mtt import Mtt
from ddcodec.exchange.exporting.numpy_arrays import NumpyArrays
from ddcodec.exchange.exporting.webdataset import WebDataset
from ddcodec.suggestions import did_you_mean

__all__ = ["EXPORT_FORMATS", "get_export_format"]

EXPORT_FORMATS: dict[str, type[ExportFormat]] = {
    format.name: format
    for format in (
        ImageFolder,
        WebDataset,
        HuggingFace,
        Croissant,
        NumpyArrays,
        Mtt,
        Datm,
        DDRanking,
        Contest,
        Fkd,
    )
}


def get_export_format(name: str) -> type[ExportFormat]:
    """The format of this name.

    Raises:
        RequestError: there is none.

    >>> get_export_format("mtt").name
    'mtt'
    """
    if name not in EXPORT_FORMATS:
        raise RequestError(
            f"there is no export to {name!r}{did_you_mean(name, EXPORT_FORMATS)}; known are "
            f"{', '.join(EXPORT_FORMATS)}"
        )
    return EXPORT_FORMATS[name]
