"""``ddz import``: what it says, and how it asks for what nobody has said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.cli.conftest import Ddz
from tests.exchange.importing.neighbours import class_major, d4m, datm, mtt, normalised, pixels

IMAGES, LABELS = pixels(20), class_major(10, 2)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return mtt(tmp_path / "run", normalised(IMAGES), LABELS)


def test_what_was_recognised_is_said(ddz: Ddz, run: Path, tmp_path: Path) -> None:
    done = ddz("import", run, "--classes", "cifar10", "-o", tmp_path / "a.ddz")
    assert done.code == 0
    assert "format        mtt, for images_best.pt and labels_best.pt" in done.out
    assert (
        "classes       10 (cifar10): airplane, automobile, bird, cat, deer and 5 more" in done.out
    )
    assert "images        2 per class, 8x8 pixels" in done.out
    assert "normalised by cifar10" in done.out and "labels        hard" in done.out
    assert f"next: ddz inspect {tmp_path / 'a.ddz'}" in done.out
    assert ddz("verify", tmp_path / "a.ddz", "--level", "pixels").code == 0


def test_a_dry_run_writes_nothing(ddz: Ddz, run: Path, tmp_path: Path) -> None:
    done = ddz("import", run, "--classes", "cifar10", "--dry-run", "-o", tmp_path / "a.ddz")
    assert done.code == 0 and "expected patches" in done.out
    assert done.out.endswith("nothing was written (--dry-run)\n")
    assert not (tmp_path / "a.ddz").exists()


def test_json_has_the_figures(ddz: Ddz, tmp_path: Path) -> None:
    logits = 5.0 * torch.nn.functional.one_hot(LABELS, 10)
    source = datm(tmp_path / "run", normalised(IMAGES) * 1.5, logits, 0.01, "best")
    done = ddz("import", source, "--classes", "cifar10", "--json", "-o", tmp_path / "a.ddz")
    said = json.loads(done.out)
    assert (said["schema"], said["format"], said["labels"]) == (
        "ddcodec.import/1",
        "datm",
        "source",
    )
    assert said["recipe"] == {"lr": "0.01"} and said["clipped"] > 0 and said["psnr"] > 40
    assert said["stored"] == (tmp_path / "a.ddz").stat().st_size
    assert "warning: " in done.err and "outside of a pixel's range" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name it as --classes NAME, of cifar10"),
        (("--classes", "cifar-10"), "did you mean 'cifar10'"),
        (("--classes", "cifar10", "--from", "mtd"), "--from mtd is not known"),
        (("--classes", "cifar10", "--from", "idc"), "leave --from idc out"),
        (("--classes", "cifar10", "--labels", "soft"), "give --teacher DIR"),
        (("--classes", "cifar10", "--which", "7"), "--which 7 is not in"),
        (("--classes", "cifar10", "--normalisation", "cifar"), "did you mean 'cifar10'"),
    ],
)
def test_errors_speak_of_options(
    words: tuple[str, ...], said: str, ddz: Ddz, run: Path, tmp_path: Path
) -> None:
    done = ddz("import", run, *words, "-o", tmp_path / "a.ddz")
    assert done.code in (1, 2) and said in done.err, done.err
    assert done.err.count("\n") == 1


def test_names_of_a_file_cannot_hide_codes(ddz: Ddz, tmp_path: Path) -> None:
    source = d4m(tmp_path / "set", IMAGES[:4], 2)
    names = tmp_path / "names.txt"
    names.write_text("a\x1b[31m\nb", "utf-8")
    done = ddz("import", source, "--classes", names, "-o", tmp_path / "a.ddz")
    assert "\x1b" not in done.out + done.err and done.code == 0
