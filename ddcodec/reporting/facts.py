"""Provenance of an artifact, and what figures may depend on, line by line."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, NamedTuple

import torch

from ddcodec.artifact import Artifact
from ddcodec.artifact.summary import describe_labels
from ddcodec.recipe.view import VIEW_CHANGES
from ddcodec.version import __version__

__all__ = ["Fact", "environment", "facts_of"]


class Fact(NamedTuple):
    """A line of provenance; an ``exact`` value is a digest or a setting, shown letter by letter."""

    name: str
    value: str
    exact: bool = False


def environment() -> tuple[Fact, ...]:
    """Versions and processor features that figures may depend on; never names a machine."""
    return (
        Fact("ddcodec", __version__),
        Fact("Python", platform.python_version()),
        *(Fact(name, version(name)) for name in ("torch", "transformers", "numpy", "pillow")),
        Fact("system", f"{platform.system()} {platform.machine()}"),
        Fact("vector instructions", torch.backends.cpu.get_cpu_capability()),
        Fact("threads", str(torch.get_num_threads())),
    )


def facts_of(artifact: Artifact) -> Iterator[Fact]:
    """The provenance of an artifact."""
    recipe, info = artifact.recipe, artifact.info
    table = (
        f"{len(artifact.classes)} classes x {recipe.ipc} pictures x {recipe.views} views, "
        f"{recipe.width} x {recipe.height} px"
    )
    plain = recipe.views == 1 and not recipe.view.stored
    views = "the picture itself" if plain else _view_text(recipe.view.to_map())
    if recipe.variations > 1:
        views += f"; of {recipe.variations} pictures for each slot, one in each view"
    yield Fact("content digest", artifact.digest, exact=True)
    yield Fact("method", str(info.get("method", "not stated")))
    yield Fact("made by", str(info.get("tool", "not stated")))
    yield Fact("table", table)
    yield Fact("pictures", f"{recipe.synthesis.to_map()['kind']}, layout {recipe.layout.kind}")
    yield Fact("views", views)
    yield Fact("labels", "; ".join(describe_labels(artifact.table)))
    yield from _prior(artifact)
    told = {"labels", "method", "tool"}
    for key, value in sorted(info.items()):
        if key not in told:
            exact = isinstance(value, bytes | Mapping)
            yield Fact(key.replace("_", " "), _plain(value), exact)


def _prior(artifact: Artifact) -> Iterator[Fact]:
    pin = artifact.head.prior
    if pin is None:
        yield Fact("prior", "none: the pixels are stored")
        return
    revision = f" at {pin.revision}" if pin.revision else ""
    yield Fact("prior", f"{pin.source}{revision}, {len(pin.files)} files pinned by one SHA-256")
    yield Fact("prior's digest", pin.digest, exact=True)


def _plain(value: Any) -> str:
    """A value of ``info`` as text: bytes in hex, maps as ``key=value`` lists."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_plain(item)}" for key, item in sorted(value.items()))
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return str(value)


def _view_text(view: Mapping[str, Any]) -> str:
    parts = [str(view["kind"])]
    parts += [name for name in VIEW_CHANGES if view.get(name)]
    return " + ".join(parts)
