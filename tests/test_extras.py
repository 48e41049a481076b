"""Packages of extras: which there are, and what is said where one is missing."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from ddcodec.errors import MissingDependencyError
from ddcodec.extras import EXTRAS, needed_for
from tests.without_extras import run_without_extras

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


def distributions(requirements: list[str]) -> set[str]:
    """Names in a list of requirements, without versions and extras."""
    return {re.split(r"[\[<>=; ]", one)[0] for one in requirements}


def test_extras_are_those_of_the_project() -> None:
    known = packages_distributions()
    for extra, packages in EXTRAS.items():
        listed = distributions(PROJECT["optional-dependencies"][extra])
        # aiohttp comes with an extra of fsspec; what is not installed here has its own name.
        found = {known.get(package, [package])[0].replace("_", "-") for package in packages}
        assert found - {"aiohttp"} == listed, extra


def test_what_reading_needs_is_in_no_extra_and_all_has_every_extra() -> None:
    base = distributions(PROJECT["dependencies"])
    extras = PROJECT["optional-dependencies"]
    assert not any(base & distributions(extras[extra]) for extra in EXTRAS)
    everything = re.fullmatch(r"ddcodec\[(.*)\]", extras["all"][0])
    assert everything is not None and set(everything[1].split(",")) == set(EXTRAS)


def test_a_package_that_is_in_no_extra_stays_an_error_of_python() -> None:
    with pytest.raises(ModuleNotFoundError), needed_for("this"):
        raise ModuleNotFoundError("No module named 'abacus'", name="abacus")


def test_a_broken_installation_is_not_called_a_missing_one() -> None:
    with pytest.raises(ImportError, match="libtorch") as caught, needed_for("this"):
        raise ImportError("libtorch.so: cannot open shared object file", name="torch._C")
    assert not isinstance(caught.value, MissingDependencyError)


def test_every_public_name_loads_or_says_what_to_install() -> None:
    code = (
        "import ddcodec\n"
        "for name in ddcodec.__all__:\n"
        "    try:\n"
        "        getattr(ddcodec, name)\n"
        "    except ddcodec.DdcodecError as error:\n"
        "        assert str(error).startswith(f'ddcodec.{name} needs '), error\n"
        "        assert str(error).endswith(\"pip install 'ddcodec[torch]'\"), error\n"
        "    else:\n"
        "        print(name)\n"
    )
    done = run_without_extras(code)
    assert done.returncode == 0, done.stderr
    reading = {"Artifact", "decode", "export", "merge", "open", "subset", "verify"}
    assert reading <= set(done.stdout.split())


def test_the_packages_are_hidden_indeed() -> None:
    done = run_without_extras("import torch")
    assert done.returncode == 1 and "No module named 'torch'" in done.stderr
