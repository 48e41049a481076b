"""Public names are what they say, whichever parts of the package have been imported."""

from __future__ import annotations

import pkgutil

import pytest

import ddcodec


def test_no_module_has_the_name_of_a_public_function() -> None:
    """Importing such a module would put it in the function's place."""
    modules = {module.name for module in pkgutil.iter_modules(ddcodec.__path__)}
    assert modules & set(ddcodec.__all__) == set()


@pytest.mark.parametrize("name", ddcodec.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(ddcodec, name) is not None and name in dir(ddcodec)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'encodes'"):
        ddcodec.encodes  # type: ignore[attr-defined]  # noqa: B018
