from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddcodec.errors import ModelMismatchError
from ddcodec.prior.defaults import Defaults, read_defaults


def defaults_of(folder: Path, **values: Any) -> Defaults:
    (folder / "ddcodec.json").write_text(json.dumps(values))
    return read_defaults(folder)


def test_a_folder_without_defaults_has_those_of_most_pipelines(tmp_path: Path) -> None:
    assert read_defaults(tmp_path) == Defaults(25, (15, 2), None, 1)


def test_a_folder_states_what_suits_its_prior(tmp_path: Path) -> None:
    assert defaults_of(tmp_path, steps=8, guidance=[5, 2]) == Defaults(8, (5, 2))
    collage = {"prompt": "A collage of {}", "patch": 32}
    assert defaults_of(tmp_path, collage=collage) == Defaults(
        collage_prompt="A collage of {}", patch=32
    )


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 0},
        {"steps": True},
        {"guidance": 2.5},
        {"guidance": [5, 0]},
        {"collage": []},
        {"collage": {"prompt": "A collage", "patch": 32}},
        {"collage": {"prompt": "A collage of {}"}},
        {"collage": {"prompt": "A collage of {}", "patch": 0}},
    ],
)
def test_unusable_defaults_are_refused(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(ModelMismatchError, match=r"ddcodec\.json"):
        defaults_of(tmp_path, **values)
