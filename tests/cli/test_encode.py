"""``ddz encode``: plans, JSON, refusals, and the same digest twice."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from click import BadParameter

from ddcodec.cli.common import announce
from ddcodec.cli.encode import parse_size
from ddcodec.methods import stages
from ddcodec.sources.listed import ListedSource
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


def test_dry_run_says_how_long_it_would_take(
    ddz: Ddz, image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "_clocked", lambda run, count: 60.0 * count)
    words = ("encode", image_folder, *HARD, "-o", tmp_path / "x.ddz", "--dry-run")
    lines = ddz(*words).out.splitlines()
    about = lines[lines.index("expected time on this machine") + 1 :]
    assert [line.split() for line in about[:3]] == [
        ["statistics", "36", "min"],
        ["images", "6", "min"],
        ["in", "all", "42", "min"],
    ]
    assert "is within a factor of two" in " ".join(about[3:5])
    values = json.loads(ddz(*words, "--json").out)
    assert values["expected_seconds"] == {"statistics": 36 * 60, "images": 6 * 60}


def test_classes_and_counts_are_said_before_work_begins(
    ddz: Ddz, image_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.ddz"
    listed = [
        f"{image_folder / 'train'} (not used: test): 3 classes, 36 pictures",
        "  blob 12, cross 12, stripes 12",
    ]
    assert ddz("encode", image_folder, *HARD, "-o", out).err.splitlines()[:2] == listed
    dry = ddz("encode", image_folder, *HARD, "-o", tmp_path / "y.ddz", "--dry-run")
    assert dry.out.splitlines()[:2] == listed
    asked = ddz("encode", image_folder, *HARD, "-o", tmp_path / "y.ddz", "--dry-run", "--json")
    values = json.loads(asked.out)
    assert values["classes"] == {"blob": 12, "cross": 12, "stripes": 12}
    assert values["source"] == f"{image_folder / 'train'} (not used: test)"
    assert asked.err.splitlines()[:2] == listed


def test_a_thousand_classes_are_folded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = tuple(range(1, 1001))
    names = tuple(f"n{number:08}" for number in counts)
    files = tuple((Path("x.png"),) * count for count in counts)
    announce(ListedSource(classes=names, files=files, place=str(tmp_path)))
    head, *lines = capsys.readouterr().err.splitlines()
    assert head == f"{tmp_path}: 1,000 classes, 500,500 pictures"
    assert len(lines) == 3 and max(map(len, lines)) <= 80
    assert " ".join(map(str.strip, lines)).endswith("10, and 990 more with 11 to 1,000 each")


def test_a_name_of_a_class_reaches_the_terminal_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    announce(
        ListedSource(classes=("a\x1b]0;owned\x07\nb",), files=((Path("x"),),), place=str(tmp_path))
    )
    assert capsys.readouterr().err.endswith("  a\\x1b]0;owned\\x07\\nb 1\n")


def test_mistakes_in_the_folder_are_said_once_and_before_the_work(
    ddz: Ddz, image_folder: Path, tmp_path: Path
) -> None:
    source = shutil.copytree(image_folder / "train", tmp_path / "photos")
    shutil.copytree(source / "blob", source / "blot")
    done = ddz("encode", source, *HARD, "-o", tmp_path / "x.ddz")
    lines = done.err.splitlines()
    (said,) = [line for line in lines if "byte for byte" in line]
    assert said.startswith("warning: 12 pictures stand under several classes, byte for byte, 12 of")
    assert lines.index(said) < next(i for i, line in enumerate(lines) if line.startswith("images"))


def test_skipped_pictures_are_named_with_the_reason(
    ddz: Ddz, image_folder: Path, tmp_path: Path
) -> None:
    source = shutil.copytree(image_folder / "train", tmp_path / "photos")
    for number in range(11):
        (source / "blob" / f"{number:02}.png").write_bytes(b"<html>404</html>")
    words = ("encode", source, *HARD, "--ipc", 1, "-o", tmp_path / "x.ddz")
    done = ddz(*words)
    assert "11 corrupt or unreadable pictures skipped: " in done.err
    assert f"{source / 'blob' / '00.png'} (a web page (HTML)); " in done.err
    assert "; and 1 more\n" in done.err and "why: run with --json" in done.err
    assert "11 of 36 pictures could not be used: get the pictures again" in done.err
    values = json.loads(ddz(*words, "--json", "--force").out)
    assert len(values["skipped"]) == 11
    failed = ddz("encode", source, *HARD, "-o", tmp_path / "y.ddz")
    assert failed.code == 1
    assert "add images; 11 could not be used, such as" in failed.err


def test_a_file_of_another_kind_is_not_to_be_fetched_again(ddz: Ddz, tmp_path: Path) -> None:
    archive = tmp_path / "x.pt"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x/data.pkl", b"")
    page = tmp_path / "page.ddz"
    page.write_text("<!DOCTYPE html>")
    for words in (("inspect",), ("decode", "-o", tmp_path / "out"), ("verify",)):
        done = ddz(*words, archive)
        assert done.code == 3 and "again" not in done.err
        assert f"{archive} is weights or tensors saved by PyTorch, not a .ddz" in done.err
        assert (
            "is a web page (HTML), not a .ddz artifact; get the artifact again"
            in ddz(*words, page).err
        )


def test_existing_output_is_kept_without_force(
    ddz: Ddz, image_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.ddz"
    out.write_text("precious")
    done = ddz("encode", image_folder, *HARD, "-o", out)
    assert done.code == 2
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


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--teacher", "T"), "--teacher has no part in method random with --labels hard: nothing"),
        (("--label-quality", "0.1"), "--label-quality has no part"),
        (("--method", "t2i", "--patch-codec", "avif"), "--patch-codec has no part in method t2i"),
        (("--teacher-bits", "4"), "no teacher is stored"),
        (("--prior", "tiny"), "nothing asks a prior"),
        (("--profile", "float"), "nothing is generated"),
    ],
)
def test_what_has_no_part_in_an_encode_is_refused(
    ddz: Ddz, image_folder: Path, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    given = ("--method", "random", "--labels", "hard", "--ipc", 1, "-o", tmp_path / "a.ddz")
    done = ddz("encode", image_folder, *given, *words)
    assert (done.code, why in done.err) == (2, True)
    assert not list(tmp_path.iterdir())
