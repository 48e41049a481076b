"""Methods fill artifacts: one file per method, none of them known to the decoder."""

from __future__ import annotations

from importlib import import_module

from ddcodec.errors import RequestError
from ddcodec.methods.base import Method

__all__ = ["METHODS", "get_method"]

METHODS = {
    "d3m": "ddcodec.methods.d3m:D3M",
    "d4m": "ddcodec.methods.d4m:D4M",
    "expand": "ddcodec.methods.expand:Expand",
    "rded": "ddcodec.methods.rded:RDED",
    "select": "ddcodec.methods.diffusion_selection:DiffusionSelection",
    "sre2l": "ddcodec.methods.sre2l:SRe2L",
    "t2i": "ddcodec.methods.t2i:TextToImage",
    "random": "ddcodec.methods.random_images:RandomImages",
    "herding": "ddcodec.methods.herding:Herding",
    "k-center": "ddcodec.methods.k_center:KCenter",
    "el2n": "ddcodec.methods.el2n:EL2N",
}


def get_method(name: str) -> type[Method]:
    """The method of this name; raises RequestError listing the known ones."""
    if name not in METHODS:
        raise RequestError(f"unknown method {name!r}; known: {', '.join(sorted(METHODS))}")
    module, _, attribute = METHODS[name].partition(":")
    method: type[Method] = getattr(import_module(module), attribute)
    return method
