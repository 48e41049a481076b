from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ddcodec.errors import EncodeError, RequestError
from ddcodec.reporting import Report, make_report
from ddcodec.reporting.html import page

VOID = {"meta", "img", "line", "circle", "path", "rect"}


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
        json_path=out / "report.json",
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
    assert len(parser.addresses) == 9
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
    assert "no training folder was given or found" in report.remarks[0]
    assert "were left out" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_two_artifacts_share_a_page(artifact_path: Path, folders: Path, tmp_path: Path) -> None:
    report = make_report(
        [artifact_path, artifact_path],
        folders,
        seeds=1,
        epochs=1,
        protocol="d3m",
        baselines=False,
        out=tmp_path / "r.html",
    )
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert len(report.sheets) == 2
    assert "<title>2 artifacts" in text


def test_the_page_of_many_artifacts_folds_its_tables(
    made: tuple[Report, Path],
) -> None:
    report, _ = made
    (sheet,) = report.sheets
    for count, folded in (3, 0), (4, 2 * 4):
        html = page(replace(report, sheets=(sheet,) * count))
        Balance().feed(html)
        galleries = count
        assert html.count("<details") == folded + galleries
    assert re.search(r'class="piece">.*?pictures \d', html)


def test_nothing_to_report_on_is_refused(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no artifact to report on"):
        make_report([], folders, out=tmp_path / "r.html")
    with pytest.raises(RequestError, match="seeds=0 is not allowed"):
        make_report(["x.ddz"], folders, seeds=0, out=tmp_path / "r.html")


def test_a_file_that_cannot_be_written_is_a_clear_error(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(EncodeError, match="cannot write"):
        make_report(
            [artifact_path], folders, seeds=1, epochs=1, baselines=False, out=tmp_path / "taken"
        )
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
