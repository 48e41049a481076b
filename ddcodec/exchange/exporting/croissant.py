"""Croissant metadata, with the Parquet file that it describes (format ``croissant``).

Source: the Croissant format specification 1.0 (MLCommons), as ``mlcroissant validate`` checks it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ddcodec.exchange.exporting.huggingface import HuggingFace
from ddcodec.exchange.exporting.selection import Selection
from ddcodec.files import json_text, write_whole

__all__ = ["Croissant"]

FILE = "croissant.json"
DIGEST = "ddz-digest"
_CHUNK = 1 << 20
_ONE_FILE = 1 << 62  # bytes of a shard that nothing fills
_TERMS = (
    "citeAs column conformsTo equivalentProperty extract field fileProperty fileObject fileSet "
    "format includes isLiveDataset jsonPath key md5 parentField path recordSet references regex "
    "repeated replace samplingRate separator source subField transform"
)
"""Words of the specification's standard context that mean ``cr:`` and the word, but for one."""


class Croissant(HuggingFace):
    """The files of ``huggingface``, as one Parquet file, and ``croissant.json``."""

    name = "croissant"
    summary = "Croissant metadata (JSON-LD), and the Parquet file it describes"
    takes = ("classes", "views")
    default_shard_bytes = _ONE_FILE

    def write(self, selection: Selection, folder: Path) -> dict[str, Any]:
        files = super().write(selection, folder)["files"]
        [name] = files["rows"]
        document = _metadata(selection, name, _sha256(folder / name))
        text = json_text(document, indent=2) + "\n"
        write_whole(folder / FILE, text.encode())
        return {"files": {**files, "metadata": FILE}}


def _sha256(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest()


def _metadata(selection: Selection, file: str, sha256: str) -> dict[str, Any]:
    digest = selection.artifact.digest
    temperature = selection.artifact.recipe.labels.at
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "name": "distilled",
        "description": (
            f"A distilled image data set of {selection.images} pictures, exported from the .ddz "
            f"artifact with content digest {digest}, which is the source of truth."
        ),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "identifier": f"{DIGEST}:{digest}",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "rows",
                "name": "rows",
                "description": "One row per picture.",
                "contentUrl": file,
                "encodingFormat": "application/x-parquet",
                "sha256": sha256,
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "classes",
                "name": "classes",
                "description": "Class indices, the columns of a soft label, and their names.",
                "dataType": "sc:Enumeration",
                "key": {"@id": "classes/index"},
                "field": [
                    _field("classes/index", "sc:Integer", "The class index."),
                    _field("classes/name", "sc:Text", "The class name."),
                ],
                "data": [
                    {"classes/index": index, "classes/name": name}
                    for index, name in enumerate(selection.data.classes)
                ],
            },
            {
                "@type": "cr:RecordSet",
                "@id": "pictures",
                "name": "pictures",
                "description": "Pictures and labels, class by class and slot by slot.",
                "field": [
                    {
                        **_column("image", "sc:ImageObject", "The picture, as PNG."),
                        "source": {**_source("image"), "transform": {"jsonPath": "bytes"}},
                    },
                    {
                        **_column("label", "sc:Integer", "The class index."),
                        "references": {"field": {"@id": "classes/index"}},
                    },
                    {
                        **_column(
                            "soft_label",
                            "sc:Float",
                            f"A probability per class, at temperature {temperature:g}.",
                        ),
                        "repeated": True,
                    },
                    _column("slot", "sc:Integer", "The place of the picture within its class."),
                    _column("view", "sc:Integer", "The view of the picture; 0 is the picture."),
                ],
            },
        ],
    }


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        **{term: f"cr:{term}" for term in _TERMS.split()},
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/",
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "rai": "http://mlcommons.org/croissant/RAI/",
        "sc": "https://schema.org/",
    }


def _field(name: str, of: str, text: str) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": name, "name": name, "description": text, "dataType": of}


def _column(name: str, of: str, text: str) -> dict[str, Any]:
    return {**_field(f"pictures/{name}", of, text), "source": _source(name)}


def _source(column: str) -> dict[str, Any]:
    return {"fileObject": {"@id": "rows"}, "extract": {"column": column}}
