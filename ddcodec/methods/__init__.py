"""Methods fill artifacts: one file per method, none of them known to the decoder."""

from __future__ import annotations

from importlib import import_module

from ddcodec.errors import RequestError
from ddcodec.methods import plugins
from ddcodec.methods.base import Method
from ddcodec.suggestions import did_you_mean

__all__ = ["METHODS", "get_method", "hidden_methods", "method_names", "package_of"]

METHODS = {
    "coreset": "ddcodec.methods.coreset:Coreset",
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
    """The method of this name, built in or brought by another package.

    Raises:
        RequestError: there is none, listing those there are, or its package is broken.
    """
    if name in METHODS:
        module, _, attribute = METHODS[name].partition(":")
        method: type[Method] = getattr(import_module(module), attribute)
        return method
    brought = plugins.found()
    if name not in brought:
        known = sorted(method_names())
        raise RequestError(
            f"unknown method {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}"
        )
    return plugins.load(name, brought[name])


def method_names() -> list[str]:
    """The built-in methods, then those of other packages; nothing is imported."""
    return [*METHODS, *(name for name in plugins.found() if name not in METHODS)]


def package_of(name: str) -> str | None:
    """Name and version of the package that brings a method; None of a built-in one."""
    entries = plugins.found().get(name)
    return plugins.package_of(entries[0]) if entries and name not in METHODS else None


def hidden_methods() -> list[str]:
    """One sentence for each package that brings a method called like a built-in one."""
    return [
        f"the package {plugins.package_of(entry)} brings a method {name!r}, which is a name of "
        "ddcodec's own and stays so; its authors must choose another"
        for name, entries in plugins.found().items()
        if name in METHODS
        for entry in entries
    ]
