"""Templates of pages, which escape what they are given, and the colours that all pages share."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

__all__ = ["base_style", "templates_of"]


def base_style() -> str:
    """Style sheet of colours, light and dark, and of type: ``base.css``, as templates include it.

    >>> "prefers-color-scheme: dark" in base_style()
    True
    """
    return files("ddcodec.templates").joinpath("base.css").read_text(encoding="utf-8")


def templates_of(*packages: str) -> Environment:
    """The templates in the ``templates`` folders of packages; those of the first come first.

    What all pages share is found too: ``base.css``.

    >>> templates_of("ddcodec.artifact").get_template("notebook.html").name
    'notebook.html'
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in (*packages, "ddcodec")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
