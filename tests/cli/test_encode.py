"""``ddz encode``: plans, JSON, refusals, and the same digest twice."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click import BadParameter

from ddcodec.cli.encode import parse_size
from tests.cli.conftest import Ddz

HARD = ("--method", "random", "--labels", "hard", "--ipc", 2, "--views", 1)


def test_json_describes_the_artifact(ddz: Ddz, image_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.ddz"
    done = ddz("encode", image_folder, *HARD, "-o", out, "--json")
    values = json.loads(done.out)
    assert done.code == 0
    assert values["schema"] == "ddcodec.encode/1"
    assert values["stored"] == out.stat().st_size
    again = tmp_path / "y.ddz"
    twice = json.loads(ddz("encode", image_folder, *HARD, "-o", again, "--json").out)
    assert twice["digest"] == values["digest"]


def test_progress_goes_to_stderr(ddz: Ddz, image_folder: Path, tmp_path: Path) -> None:
    done = ddz("encode", image_folder, *HARD, "-o", tmp_path / "x.ddz")
    assert " of 3" in done.err
    assert done.out.splitlines()[-1] == f"next: ddz inspect {tmp_path / 'x.ddz'}"


def test_dry_run_writes_nothing_and_estimates_bytes(
    ddz: Ddz, image_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.ddz"
    done = ddz("encode", image_folder, *HARD, "-o", out, "--dry-run")
    assert done.code == 0
    assert "expected bytes" in done.out and "patches" in done.out
    assert list(tmp_path.iterdir()) == []
    soft = ddz("encode", image_folder, *HARD, "--labels", "soft", "-o", out, "--dry-run")
    assert "label_layers" in soft.out and "label_layers" not in done.out
    assert "None" not in soft.out


def test_existing_output_is_kept_without_force(
    ddz: Ddz, image_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.ddz"
    out.write_text("precious")
    done = ddz("encode", image_folder, *HARD, "-o", out)
    assert done.code == 1
    assert "--force" in done.err
    assert out.read_text() == "precious"
    assert ddz("encode", image_folder, *HARD, "-o", out, "--force").code == 0


def test_a_source_without_classes_says_what_to_do(ddz: Ddz, tmp_path: Path) -> None:
    done = ddz("encode", tmp_path, *HARD, "-o", tmp_path / "x.ddz")
    assert done.code == 1
    assert done.err.startswith("error[source]: ")
    assert "subfolder per class" in done.err


def test_ipc_beyond_the_images(ddz: Ddz, image_folder: Path, tmp_path: Path) -> None:
    done = ddz("encode", image_folder, *HARD, "--ipc", 13, "-o", tmp_path / "x.ddz")
    assert done.code == 1
    assert "has 12 images, fewer than --ipc 13" in done.err


@pytest.mark.parametrize("pair", ["factor", "=3"])
def test_malformed_options_are_usage_errors(
    ddz: Ddz, image_folder: Path, tmp_path: Path, pair: str
) -> None:
    done = ddz("encode", image_folder, *HARD, "-o", tmp_path / "x.ddz", "--option", pair)
    assert done.code == 2


def test_profiles_are_listed_and_others_refused(
    ddz: Ddz, image_folder: Path, tmp_path: Path
) -> None:
    shown = ddz("encode", "--help").out
    assert "[w8a8|w8a15|w15a15|float]" in shown and "[default: w8a15]" in shown
    words = ("encode", image_folder, *HARD, "-o", tmp_path / "x.ddz")
    assert ddz(*words, "--profile", "w4a4").code == 2
    # A method without a prior does the same whatever the profile is, and does not mention one.
    plan = ddz(*words, "--profile", "float", "--dry-run").out
    assert "profile" not in plan


def test_soft_labels_tell_what_coding_them_costs(
    ddz: Ddz, image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    words = ("encode", image_folder, "--method", "random", "--ipc", 2, "--views", 3)
    words = (*words, "--teacher", teacher_folder, "--label-temperature", "5/2")
    done = ddz(*words, "-o", tmp_path / "a.ddz", "--label-quality", 0.001)
    assert done.code == 0
    told = re.search(r"^labels (\S+) nats from the teacher's, at temperature 5/2$", done.out, re.M)
    assert told is not None and 0 < float(told[1]) <= 0.001
    coarse = ddz(*words, "-o", tmp_path / "b.ddz", "--label-layers", "class", "--json")
    values = json.loads(coarse.out)
    assert values["label_divergence"] > float(told[1])
    assert values["options"]["label_layers"] == "class"
    small = ddz(*words, "-o", tmp_path / "c.ddz", "--label-bytes", 200, "--json")
    assert "label_quality" not in json.loads(small.out)["options"]
    shown = json.loads(ddz("inspect", tmp_path / "c.ddz", "--json").out)
    assert 0 < shown["labels"]["stored"] <= 200


@pytest.mark.parametrize(
    "wrong", [("--label-bytes", 0), ("--label-layers", "logits"), ("--label-quality", "fine")]
)
def test_malformed_label_options_are_usage_errors(
    ddz: Ddz, image_folder: Path, tmp_path: Path, wrong: tuple[object, ...]
) -> None:
    assert ddz("encode", image_folder, *HARD, "-o", tmp_path / "x.ddz", *wrong).code == 2


def test_a_budget_that_no_labels_fit_says_what_to_do(
    ddz: Ddz, image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    words = ("encode", image_folder, "--method", "random", "--ipc", 2, "--views", 3)
    done = ddz(*words, "--teacher", teacher_folder, "-o", tmp_path / "x.ddz", "--label-bytes", 1)
    assert done.code == 1
    assert "larger budget" in done.err
    assert not (tmp_path / "x.ddz").exists()


def test_sizes() -> None:
    assert parse_size(None) is None
    assert parse_size("64") == 64
    assert parse_size("64x48") == (64, 48)
    with pytest.raises(BadParameter):
        parse_size("big")
    with pytest.raises(BadParameter):
        parse_size("64x48x3")
