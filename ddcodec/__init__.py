"""ddcodec: one small .ddz file for a distilled dataset, and the same pixels out of it again.

    artifact = ddcodec.open("c10.ddz")
    data = artifact.dataset()              # torch Dataset: image, soft label
    ddcodec.encode("cifar10/train", "c10.ddz", method="rded", ipc=10)

Names are loaded when first used, so that ``ddz inspect`` starts quickly and without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ddcodec.version import __version__

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact
    from ddcodec.artifact import open_artifact as open
    from ddcodec.container import Limits
    from ddcodec.encoding import EncodeResult, encode
    from ddcodec.errors import DdcodecError
    from ddcodec.slicing import merge, subset

__all__ = [
    "Artifact",
    "DdcodecError",
    "EncodeResult",
    "Limits",
    "__version__",
    "encode",
    "merge",
    "open",
    "subset",
]

_HOMES = {
    "Artifact": ("ddcodec.artifact", "Artifact"),
    "DdcodecError": ("ddcodec.errors", "DdcodecError"),
    "EncodeResult": ("ddcodec.encoding", "EncodeResult"),
    "Limits": ("ddcodec.container", "Limits"),
    "encode": ("ddcodec.encoding", "encode"),
    "merge": ("ddcodec.slicing", "merge"),
    "open": ("ddcodec.artifact", "open_artifact"),
    "subset": ("ddcodec.slicing", "subset"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ddcodec' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
