"""Methods that other packages bring, by the entry points of the group ``ddcodec.methods``.

A package is imported when its method is used or listed, and not before. One that is broken breaks
nothing but itself, and is named.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ddcodec.errors import RequestError
from ddcodec.methods.base import Method
from ddcodec.methods.options import options_of

__all__ = ["GROUP", "found", "load", "package_of"]

GROUP = "ddcodec.methods"


def found() -> dict[str, list[EntryPoint]]:
    """The methods of other packages, by name; more than one where packages disagree."""
    methods: dict[str, list[EntryPoint]] = {}
    for entry in sorted(
        entry_points(group=GROUP), key=lambda entry: (entry.name, package_of(entry))
    ):
        methods.setdefault(entry.name, []).append(entry)
    return methods


def package_of(entry: EntryPoint) -> str:
    """Name and version of the package that brings a method."""
    if entry.dist is None:
        return entry.value.partition(":")[0]
    return f"{entry.dist.name} {entry.dist.version}"


def load(name: str, entries: list[EntryPoint]) -> type[Method]:
    """The method of this name.

    Raises:
        RequestError: it cannot be used: why, and which package is to blame.
    """
    if len(entries) > 1:
        packages = " and ".join(map(package_of, entries))
        raise RequestError(
            f"the method {name!r} is brought by {packages}: uninstall all of them but one"
        )
    (entry,) = entries
    try:
        method: type[Method] = entry.load()
        wrong = next(_defects(name, method), None)
    except Exception as error:  # whatever a package of others' does when it is imported
        wrong = f"loading {entry.value} raises {type(error).__name__}: {error}"
    if wrong is not None:
        raise RequestError(
            f"the method {name!r} of the package {package_of(entry)} cannot be used: {wrong}. Tell "
            "its authors, or uninstall it"
        )
    return method


def _defects(name: str, method: Any) -> Iterator[str]:
    if not (isinstance(method, type) and issubclass(method, Method)):
        yield "it is no subclass of ddcodec.methods.base.Method"
        return
    if inspect.isabstract(method):
        yield f"it lacks {', '.join(sorted(method.__abstractmethods__))}"
    for attribute in ("name", "summary"):
        if not isinstance(getattr(method, attribute, None), str):
            yield f"its class has no {attribute}"
    if method.name != name:
        yield f"its class is named {method.name!r}, its entry point {name!r}"
    options_of(method)  # its annotations can be read
