from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from ddcodec import Teacher
from ddcodec.errors import RequestError
from ddcodec.reporting import Report, make_report

VOID = {"meta", "img", "line", "circle", "path", "polyline"}


class Balance(HTMLParser):
    """Fails on a tag that is closed out of order, and collects addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def made(
    artifact_path: Path, folders: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Report, Path]:
    out = tmp_path_factory.mktemp("report")
    report = make_report(
        [artifact_path],
        folders / "test",
        seeds=2,
        epochs=3,
        out=out / "report.html",
    )
    return report, out


def test_a_report_holds_the_artifact_and_both_baselines(made: tuple[Report, Path]) -> None:
    report, _ = made
    assert [e.role for e in report.evaluations] == ["artifact", "baseline", "baseline"]
    assert {e.protocol for e in report.evaluations} == {"ddz"}
    assert report.remarks == ()


def test_artifacts_of_one_geometry_share_the_baseline_of_the_same_ipc(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.ddz"
    other.write_bytes(artifact_path.read_bytes())
    report = make_report(
        [artifact_path, other], folders / "test", seeds=1, epochs=1, out=tmp_path / "report.html"
    )
    names = [e.name for e in report.evaluations if e.role == "baseline"]
    assert sum("same IPC" in name for name in names) == 1
    assert sum("same bytes" in name for name in names) == 2


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(made: tuple[Report, Path]) -> None:
    _, out = made
    text = (out / "report.html").read_text(encoding="utf-8")
    parser = Balance()
    parser.feed(text)
    assert parser.open == []
    assert len(parser.addresses) == 9 + 2  # and two views of one picture
    assert all(a.startswith("data:image/png;base64,") for a in parser.addresses)
    assert "url(" not in text
    assert "<script" not in text


def test_the_page_states_figures_protocol_and_digest(made: tuple[Report, Path]) -> None:
    report, out = made
    text = (out / "report.html").read_text(encoding="utf-8")
    first = report.evaluations[0]
    for part in (first.digest, f"{100 * first.mean:.1f}", f"{first.file_len:,}", "3 epochs"):
        assert part in text


def test_no_path_of_this_machine_is_written(made: tuple[Report, Path], folders: Path) -> None:
    _, out = made
    for name in ("report.html", "report.json"):
        text = (out / name).read_text(encoding="utf-8")
        assert str(folders.parent) not in text
        assert not re.search(r"(/tmp|/home|/root)/", text)


def test_json_has_the_same_figures_and_its_schema(made: tuple[Report, Path]) -> None:
    report, out = made
    value = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert value["schema"] == "ddcodec.report/1"
    assert value["evaluations"][0]["accuracies"] == list(report.evaluations[0].accuracies)
    sizes = value["artifacts"][0]["sizes"]
    assert sizes["stored"] == sum(c["stored"] for c in sizes["children"])
    assert sizes["stored"] == report.evaluations[0].file_len


def test_without_training_pictures_the_report_says_so(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone" / "test"
    for name in ("blue", "green", "red"):
        (alone / name).mkdir(parents=True)
        picture = next((folders / "test" / name).iterdir())
        (alone / name / picture.name).write_bytes(picture.read_bytes())
    report = make_report([artifact_path], alone, seeds=1, epochs=1, out=tmp_path / "r.html")
    assert len(report.evaluations) == 1
    assert "no training pictures were found" in report.remarks[0]
    assert "were left out" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_two_artifacts_share_a_page(artifact_path: Path, folders: Path, tmp_path: Path) -> None:
    report = make_report(
        [artifact_path, artifact_path],
        folders,
        seeds=1,
        epochs=1,
        protocol="d3m",
        baseline="none",
        out=tmp_path / "r.html",
    )
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert len(report.sheets) == 2
    assert text.count("<h3>three.ddz</h3>") == 2 * 3  # bytes, classes, provenance


def test_nothing_to_report_on_is_refused(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no artifact to report on"):
        make_report([], folders, out=tmp_path / "r.html")
    with pytest.raises(RequestError, match="seeds=0 is not allowed"):
        make_report(["x.ddz"], folders, seeds=0, out=tmp_path / "r.html")


def test_finished_students_are_kept_and_those_of_another_seed_are_trained(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    def students(seeds: int, epochs: int = 1) -> list[int]:
        totals = []
        make_report(
            [artifact_path],
            folders / "test",
            seeds=seeds,
            epochs=epochs,
            baseline="none",
            out=tmp_path / "report.html",
            work=tmp_path / "kept",
            progress=lambda what, done, total: totals.append(total),
        )
        return totals

    assert set(students(1)) == {9}  # pictures shown to students
    assert students(1) == []
    assert set(students(2)) == {9}
    assert set(students(2, epochs=2)) == {36}


def test_a_report_that_was_interrupted_goes_on(
    artifact_path: Path, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "report.html"
    trained = []

    def interrupted(artifact: object, **_: object) -> None:
        raise KeyboardInterrupt

    def report() -> None:
        make_report(
            [artifact_path],
            folders / "test",
            seeds=1,
            epochs=1,
            baseline="none",
            out=out,
            progress=lambda what, done, total: trained.append(what),
        )

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("ddcodec.reporting.make.sheet_of", interrupted)
        report()
    assert trained
    assert not out.exists()
    trained.clear()
    report()
    assert not trained
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_one_bar_counts_all_students(artifact_path: Path, folders: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    make_report(
        [artifact_path],
        folders / "test",
        seeds=2,
        epochs=2,
        out=tmp_path / "r.html",
        progress=lambda *step: seen.append(step),
    )
    bar = [(done, total) for what, done, total in seen if what == "pictures shown to students"]
    assert bar == sorted(bar)
    assert {total for _, total in bar} == {bar[-1][0]}


def test_a_soft_baseline_has_labels_of_the_teacher_and_says_whose(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    module = torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten())
    teacher = Teacher.from_module(module, ["red", "green", "blue"], [0.0] * 3, [1.0] * 3, size=8)
    report = make_report(
        [artifact_path],
        folders / "test",
        seeds=1,
        epochs=1,
        baseline="both",
        teacher=teacher,
        out=tmp_path / "r.html",
    )
    names = [e.name for e in report.evaluations if e.role == "baseline"]
    assert [name.split(" (")[0] for name in names] == [
        "random real pictures, hard labels, same IPC",
        "random real pictures, hard labels, same bytes",
        "random real pictures, soft labels, same IPC",
    ]
    soft = report.evaluations[-1]
    assert soft.labels == "soft"
    assert "not known to be the teacher of the artifact's own labels" in soft.notes[-1]


def test_the_whole_set_and_ablations_are_measured_beside_the_artifact(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int]] = []
    report = make_report(
        [artifact_path],
        folders / "test",
        seeds=1,
        epochs=4,
        baseline="none",
        whole_set="equal",
        ablation=True,
        out=tmp_path / "r.html",
        progress=lambda *step: seen.append(step),
    )
    own, whole = report.evaluations
    assert (own.pictures_shown, whole.pictures_shown) == (4 * 9, 1 * 36)
    assert whole.role == "whole"
    assert whole.file_len == sum(path.stat().st_size for path in folders.glob("train/*/*"))
    (ablation,) = report.ablations
    (part,) = ablation.parts
    assert (part.without, part.evaluation.pictures_shown) == ("views", 4 * 9)
    assert part.stored == own.file_len - part.evaluation.file_len
    bar = [(done, total) for what, done, total in seen if what == "pictures shown to students"]
    assert bar[-1] == (3 * 36, 3 * 36)
    value = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert [e["pareto_front"] for e in value["evaluations"]] == [True, False]
    assert value["ablations"][0]["parts"][0]["without"] == "views"
    assert value["published"] is None


def test_a_whole_set_without_training_pictures_is_refused(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(folders / "test", alone)
    with pytest.raises(RequestError, match="the whole set need the training pictures"):
        make_report([artifact_path], alone, baseline="none", whole_set=1, out=tmp_path / "r.html")
