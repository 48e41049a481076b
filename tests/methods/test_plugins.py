"""Methods that other packages bring by entry points."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, EntryPoints
from pathlib import Path
from typing import Any, ClassVar

import pytest

import ddcodec
from ddcodec.errors import RequestError
from ddcodec.methods import (
    METHODS,
    get_method,
    hidden_methods,
    method_names,
    package_of,
    plugins,
)
from ddcodec.methods.base import Content, Job, Method
from ddcodec.methods.random_images import RandomImages
from ddcodec.sources.pictures import load_image

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "examples" / "method_package"


@dataclass(frozen=True)
class Bright(RandomImages):
    name: ClassVar[str] = "bright"
    summary: ClassVar[str] = "Bright pictures."


@dataclass(frozen=True)
class Half(Method):
    name: ClassVar[str] = "half"
    summary: ClassVar[str] = "It cannot estimate."

    def fill(self, job: Job) -> Content:
        raise NotImplementedError


@dataclass(frozen=True)
class Unreadable(RandomImages):
    name: ClassVar[str] = "unreadable"
    images: "Missing" = None  # type: ignore[name-defined]  # noqa: F821, UP037


class Package(Distribution):
    """An installed package, as far as its name and version go."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read_text(self, filename: str) -> str | None:
        return f"Name: {self._name}\nVersion: 1.0\n" if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        return path


Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Pretends that packages are installed: (package, name, object) of each method."""

    def installed(*methods: tuple[str, str, str]) -> None:
        entries = []
        for package, name, value in methods:
            entry = EntryPoint(name, value, plugins.GROUP)
            vars(entry)["dist"] = Package(package)
            entries.append(entry)
        monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints(entries))

    return installed


def here(name: str) -> str:
    return f"{__name__}:{name}"


def test_a_method_of_another_package_is_found(install: Install) -> None:
    install(("sunny", "bright", here("Bright")))
    assert get_method("bright").from_options({}).name == "bright"
    assert method_names() == [*METHODS, "bright"]
    assert package_of("bright") == "sunny 1.0"
    assert package_of("random") is None
    assert ddcodec.EncodeOptions(method="bright").filled_by.name == "bright"


def test_an_unknown_method_lists_those_of_packages_too(install: Install) -> None:
    install(("sunny", "bright", here("Bright")))
    with pytest.raises(RequestError, match="unknown method 'dark'; known: bright, coreset, d3m"):
        get_method("dark")


def test_built_in_names_stay_ddcodecs_own(install: Install) -> None:
    install(("greedy", "random", here("Bright")))
    assert get_method("random").__name__ == "RandomImages"
    assert method_names() == list(METHODS)
    assert package_of("random") is None
    assert hidden_methods() == [
        "the package greedy 1.0 brings a method 'random', which is a name of ddcodec's own and "
        "stays so; its authors must choose another"
    ]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lost", "no_such_module:Lost", "loading no_such_module:Lost raises ModuleNotFoundError"),
        ("lost", here("Lost"), "raises AttributeError"),
        ("path", "pathlib:Path", r"no subclass of ddcodec\.methods\.base\.Method"),
        ("here", here("here"), "no subclass of"),
        ("half", here("Half"), "it lacks estimate"),
        ("dark", here("Bright"), "its class is named 'bright', its entry point 'dark'"),
        ("unreadable", here("Unreadable"), "raises NameError"),
    ],
)
def test_what_is_broken_is_refused_and_its_package_named(
    install: Install, name: str, value: str, message: str
) -> None:
    install(("shaky", name, value))
    with pytest.raises(RequestError, match=message) as caught:
        get_method(name)
    assert f"the method {name!r} of the package shaky 1.0 cannot be used" in str(caught.value)
    assert get_method("random").name == "random"


def test_two_packages_of_one_method_are_both_named(install: Install) -> None:
    install(("sunny", "bright", here("Bright")), ("shiny", "bright", here("Bright")))
    with pytest.raises(RequestError, match=r"brought by shiny 1\.0 and sunny 1\.0: uninstall"):
        get_method("bright")


def test_the_example_is_a_package_and_its_artifacts_need_it_no_more(
    image_folder: Path, tmp_path: Path
) -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    install_as_pip_does(project, tmp_path / "site")
    code = "import sys; from ddcodec.cli import app; print(app.run(['methods', 'brightest']));"
    code += "sys.exit(app.run(sys.argv[1:]))"
    out = tmp_path / "a.ddz"
    words = ["encode", str(image_folder), "--method", "brightest", "--option", "images=12"]
    words += ["--quality", "100"]
    words += ["--labels", "hard", "--ipc", "2", "--views", "1", "--view", "none", "-o", str(out)]
    paths = os.pathsep.join([str(tmp_path / "site"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "[ddcodec-brightest1.0]" in "".join(done.stdout.split())
    assert "brightest" not in method_names()
    with ddcodec.open(out) as artifact:
        artifact.verify("pixels")
        assert artifact.info["method"] == "brightest"
        assert artifact.info["package"] == "ddcodec-brightest 1.0"
        found = [float(artifact.dataset(pixels="uint8")[i][0].float().mean()) for i in range(2)]
    folder = min((image_folder / "train").iterdir())
    means = sorted(load_image(path).mean() for path in folder.iterdir())
    assert found == pytest.approx(means[:-3:-1], abs=1)  # WebP loses a little even so


def install_as_pip_does(project: dict[str, Any], site: Path) -> None:
    """The module, and beside it what pip writes of a package."""
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (site / "brightest.py").write_text((PACKAGE / "brightest.py").read_text())
    metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(metadata)
    lines = [
        line
        for group, entries in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
