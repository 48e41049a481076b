"""ddcodec: one small .ddz file for a distilled data set, and the same pixels out of it again.

    ddcodec.encode("cifar10/train", "c10.ddz", method="rded", ipc=10)
    artifact = ddcodec.open("c10.ddz")
    data = artifact.dataset()              # torch Dataset: image, soft label

Names are loaded when first used, so that ``ddz inspect`` starts quickly and without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ddcodec.version import __version__

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact, merge, subset
    from ddcodec.artifact import open_artifact as open
    from ddcodec.classifiers.teacher import Teacher
    from ddcodec.container import Limits
    from ddcodec.encoding.encode import EncodeResult, encode
    from ddcodec.encoding.options import EncodeOptions
    from ddcodec.errors import DdcodecError

__all__ = [
    "Artifact",
    "DdcodecError",
    "EncodeOptions",
    "EncodeResult",
    "Limits",
    "Teacher",
    "__version__",
    "encode",
    "merge",
    "open",
    "subset",
]

_HOMES = {
    "Artifact": ("ddcodec.artifact", "Artifact"),
    "DdcodecError": ("ddcodec.errors", "DdcodecError"),
    "EncodeOptions": ("ddcodec.encoding.options", "EncodeOptions"),
    "EncodeResult": ("ddcodec.encoding.encode", "EncodeResult"),
    "Limits": ("ddcodec.container", "Limits"),
    "Teacher": ("ddcodec.classifiers.teacher", "Teacher"),
    "encode": ("ddcodec.encoding.encode", "encode"),
    "merge": ("ddcodec.artifact", "merge"),
    "open": ("ddcodec.artifact", "open_artifact"),
    "subset": ("ddcodec.artifact", "subset"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ddcodec' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
