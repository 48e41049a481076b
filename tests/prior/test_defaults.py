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


@pytest.mark.parametrize(
    ("scheduler", "spacing", "turbo"),
    [
        ("EulerAncestralDiscreteScheduler", "trailing", True),  # SDXL-Turbo
        ("EulerDiscreteScheduler", "trailing", True),  # SD-Turbo
        ("EulerDiscreteScheduler", "leading", False),  # SDXL
        ("PNDMScheduler", None, False),  # Stable Diffusion 1.5
        ("DDIMScheduler", "trailing", False),  # schedules that end in pure noise
    ],
)
def test_a_turbo_model_draws_in_one_step_without_guidance(
    tmp_path: Path, scheduler: str, spacing: str | None, turbo: bool
) -> None:
    config = {"_class_name": scheduler, "timestep_spacing": spacing}
    (tmp_path / "scheduler").mkdir()
    (tmp_path / "scheduler/scheduler_config.json").write_text(json.dumps(config))
    assert read_defaults(tmp_path) == (Defaults(1, (0, 1)) if turbo else Defaults(25, (15, 2)))
    assert defaults_of(tmp_path, steps=4) == Defaults(4, (15, 2))


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
