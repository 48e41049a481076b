"""No command asks an address or opens a path that only the artifact names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import ddcodec
from ddcodec.prior.packaged import tiny_folder
from tests.artifacts import rewritten
from tests.cli.conftest import Ddz
from tests.hub_server import COMMIT, FakeHub, fake_hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A hub, and a working folder and a home that have the prior under names in files."""
    with fake_hub(tmp_path / "cache", monkeypatch) as hub:
        for place in ("secret", "home"):
            (tmp_path / place).symlink_to(tiny_folder())
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        yield hub


def pinned(generating: Path, out: Path, source: str, revision: str | None = None) -> Path:
    """The generating artifact with a prior that is not the packaged one, and elsewhere."""
    with ddcodec.open(generating) as artifact:
        head = artifact.head.to_map()
        elsewhere = {"source": source, "revision": revision, "digest": bytes(32)}
        head["prior"] = head["prior"] | elsewhere
        return rewritten(artifact, out, head)


@pytest.mark.parametrize(
    ("source", "revision"), [("owner/name", COMMIT), ("secret", None), ("~", None)]
)
def test_a_name_from_a_file_is_neither_asked_for_nor_opened(
    ddz: Ddz,
    hub: FakeHub,
    generating: Path,
    tmp_path: Path,
    source: str,
    revision: str | None,
) -> None:
    path = pinned(generating, tmp_path / "in.ddz", source, revision)
    test = tmp_path / "test"
    for name in ddcodec.open(path).classes:
        (test / name).mkdir(parents=True)
        Image.new("RGB", (16, 16)).save(test / name / "1.png")
    report = ("report", path, "--test", test, "--epochs", 1, "--seeds", 1, "-o", "report.html")
    needs_pictures = [
        ("decode", path, "-o", "out"),
        ("verify", path, "--level", "pixels"),
        report,
        ("export", path, "--to", "numpy", "-o", "out"),
        ("show", path, "--html", "out"),
    ]
    for words in needs_pictures:
        done = ddz(*words)
        assert done.code != 0 and "on this machine" in done.err, (words, done)
        assert not (tmp_path / "out").exists() and not (tmp_path / "report.html").exists()
    for words in [
        ("inspect", path),
        ("verify", path),
        ("subset", path, "-o", "part.ddz", "--ipc", 1),
        ("merge", path, path, "-o", "both.ddz"),
        ("decode", path, "-o", "out", "--dry-run"),
        ("card", path),
        ("push", path, "me/data", "--license", "mit", "--dry-run"),
        ("show", path, "--site", "site"),
    ]:
        ddz(*words)
    assert hub.asked == []


@pytest.mark.parametrize("source", ["~/x", "/etc", "../secret", "a/b/c"])
def test_a_path_is_no_name_of_a_prior(
    ddz: Ddz, generating: Path, tmp_path: Path, source: str
) -> None:
    done = ddz("inspect", pinned(generating, tmp_path / "in.ddz", source))
    assert done.code == 3 and "error[header]: head.prior" in done.err
