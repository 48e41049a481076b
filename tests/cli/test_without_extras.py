"""Commands in an installation that has only what reading needs."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ddcodec.artifact import open_artifact
from tests.artifacts import soft_copy
from tests.cli.conftest import Ddz
from tests.without_extras import run_without_extras

RUN = """
import os, sys
from ddcodec.cli.app import run
lines, out = sys.argv[1].splitlines(), sys.argv[2]
os.chdir(out)
for line in lines:
    assert run(line.split()) == 0, line
heavy = {"torch", "scipy"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture
def files(artifact: Path, tmp_path: Path) -> Path:
    """``hard.ddz`` and ``soft.ddz`` in a folder."""
    (tmp_path / "hard.ddz").write_bytes(artifact.read_bytes())
    with open_artifact(artifact) as opened:
        soft_copy(opened, tmp_path / "soft.ddz").close()
    return tmp_path


def sums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


READING = """--help
inspect soft.ddz
verify soft.ddz --level digest
verify hard.ddz --level pixels
subset soft.ddz -o blob.ddz --classes blob
subset soft.ddz -o others.ddz --classes cross,stripes
merge blob.ddz others.ddz -o whole.ddz
methods
encode --help"""

WRITING = """decode soft.ddz --views all -o decoded
decode hard.ddz --views all -o hard
export soft.ddz --to numpy --views all -o numpy
export soft.ddz --to webdataset -o webdataset
export soft.ddz --to folder -o folder
show soft.ddz --html page.html
show soft.ddz --site site"""


def test_reading_and_writing_need_no_extra(files: Path) -> None:
    done = run_without_extras(RUN, f"{READING}\n{WRITING}", files)
    assert done.returncode == 0, done.stderr


def test_what_is_written_without_torch_is_what_is_written_with_it(files: Path, ddz: Ddz) -> None:
    done = run_without_extras(RUN, WRITING, files)
    assert done.returncode == 0, done.stderr
    for line in WRITING.splitlines():
        words = [str(files / word) if word.endswith(".ddz") else word for word in line.split()]
        words[-1] = os.fspath(files / "again" / words[-1])
        assert ddz(*words).code == 0
    for name in ("decoded", "hard", "numpy", "webdataset", "folder"):
        assert sums(files / name) == sums(files / "again" / name), name


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("encode photos -o x.ddz", "ddz encode needs scipy"),
        ("report soft.ddz --test photos", "ddz report needs torch"),
        ("export soft.ddz --to mtt -o x", "an export to mtt needs torch"),
        ("decode drawn.ddz -o x", "computed by networks needs torch"),
        ("verify drawn.ddz --level pixels", "drawing pictures with a prior needs"),
    ],
)
def test_what_needs_torch_says_how_to_install_it(
    files: Path, image_folder: Path, generating: Path, line: str, said: str
) -> None:
    (files / "photos").symlink_to(image_folder)
    (files / "drawn.ddz").write_bytes(generating.read_bytes())
    before = sorted(files.iterdir())
    code = "import os, sys\nfrom ddcodec.cli.app import run\nos.chdir(sys.argv[2])\n"
    done = run_without_extras(f"{code}sys.exit(run(sys.argv[1].split()))", line, files)
    assert done.returncode == 1 and done.stderr.startswith("error[missing-dependency]: ")
    assert said in done.stderr and done.stderr.endswith("pip install 'ddcodec[torch]'\n")
    assert sorted(files.iterdir()) == before


def test_what_needs_another_extra_names_it(files: Path) -> None:
    code = "import sys\nfrom ddcodec.cli.app import run\nsys.exit(run(sys.argv[1:]))"
    out = ["-o", files / "x"]
    done = run_without_extras(code, "export", files / "soft.ddz", "--to", "huggingface", *out)
    assert done.stderr.endswith("pip install 'ddcodec[parquet]'\n"), done.stderr
    done = run_without_extras(code, "inspect", "https://127.0.0.1:1/x.ddz")
    assert done.stderr.endswith("pip install 'ddcodec[remote]'\n"), done.stderr
