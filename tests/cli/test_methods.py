"""``ddz methods`` where other packages bring some of them."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from ddcodec.methods import METHODS, plugins
from tests.cli.conftest import Ddz

BRINGS = (
    EntryPoint("broken", "no_such_module:Broken", plugins.GROUP),
    EntryPoint("rded", "sunny:Bright", plugins.GROUP),
)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints(BRINGS))


def test_a_broken_package_is_a_warning_and_breaks_nothing(ddz: Ddz, installed: None) -> None:
    listed = ddz("methods", "--json")
    assert listed.code == 0
    found = json.loads(listed.out)["methods"]
    assert list(found) == list(METHODS)
    assert {method["package"] for method in found.values()} == {None}
    broken, hidden = listed.err.splitlines()
    assert broken.startswith("warning: the method 'broken' of the package no_such_module cannot be")
    assert hidden.startswith("warning: the package sunny brings a method 'rded', which is a name")


def test_it_is_an_error_where_it_is_asked_for(ddz: Ddz, installed: None) -> None:
    for words in (("methods", "broken"), ("encode", "--method", "broken", "--help")):
        asked = ddz(*words)
        assert asked.code == 2
        assert "the package no_such_module cannot be used" in asked.err
