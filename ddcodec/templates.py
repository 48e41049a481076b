"""Templates of pages, which escape what they are given."""

from __future__ import annotations

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

__all__ = ["templates_of"]


def templates_of(*packages: str) -> Environment:
    """The templates in the ``templates`` folders of packages; those of the first come first.

    >>> templates_of("ddcodec.artifact").get_template("notebook.html").name
    'notebook.html'
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
