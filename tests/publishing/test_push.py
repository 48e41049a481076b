"""Pushes by the hub's own library to a server on this machine: sent, compared, refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ddcodec
from ddcodec.errors import EncodeError, FormatError, IntegrityError, RequestError
from tests.artifacts import encode_small
from tests.hub_server import FakeHub, fake_hub

# Of the HTTP library, about the way in which the hub's library uploads.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

WANTED: dict[str, Any] = {"license": "cc-by-4.0"}
PREVIEW = "preview/train-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def made(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "shapes.ddz"
    encode_small(image_folder, path).close()
    return path


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with fake_hub(tmp_path / "hub", monkeypatch) as running:
        running.exists = False
        monkeypatch.setenv("HF_TOKEN", running.token)
        yield running


def test_the_file_its_card_and_a_preview_are_one_commit(server: FakeHub, made: Path) -> None:
    pushed = ddcodec.push(made, "owner/name", **WANTED)
    assert set(server.files) == {"README.md", "shapes.ddz", PREVIEW} == set(pushed.files)
    assert server.files["shapes.ddz"] == made.read_bytes()
    assert pushed.commit == server.commit and not server.private
    assert sum(path.endswith("/commit/main") for _, path in server.asked) == 1
    card = server.files["README.md"].decode()
    assert card.startswith("---\nlicense: cc-by-4.0\n") and "path: preview/train-*.parquet" in card
    assert 'ddcodec.open("hf://datasets/owner/name/shapes.ddz")' in card
    assert pushed.address == "hf://datasets/owner/name/shapes.ddz"


def test_the_preview_is_a_source_of_the_artifacts_classes(
    server: FakeHub, made: Path, tmp_path: Path
) -> None:
    ddcodec.push(made, "owner/name", preview=3, **WANTED)
    (tmp_path / "p.parquet").write_bytes(server.files[PREVIEW])
    source = ddcodec.open_source(tmp_path / "p.parquet")
    with ddcodec.open(made) as artifact:
        assert (source.classes, source.counts) == (artifact.classes, (3, 3, 3))


def test_a_dry_run_asks_nobody(server: FakeHub, made: Path) -> None:
    pushed = ddcodec.push(made, "owner/name", dry_run=True, preview=0, **WANTED)
    assert (sorted(pushed.files), pushed.commit) == (["README.md", "shapes.ddz"], "")
    assert server.asked == []


def test_of_two_pushes_at_once_one_is_refused(server: FakeHub, made: Path) -> None:
    server.meanwhile = True
    with pytest.raises(RequestError, match="somebody has just pushed to owner/name, so nothing"):
        ddcodec.push(made, "owner/name", **WANTED)
    assert server.files == {}


def test_a_repository_that_holds_something_is_not_written_unless_allowed(
    server: FakeHub, made: Path
) -> None:
    server.exists, server.files = True, {".gitattributes": b"", "a.csv": b"1", "README.md": b"x"}
    with pytest.raises(RequestError, match=r"exists and holds README.md, a\.csv: choose another"):
        ddcodec.push(made, "owner/name", **WANTED)
    assert server.files["README.md"] == b"x" and "shapes.ddz" not in server.files
    ddcodec.push(made, "owner/name", update=True, **WANTED)
    assert server.files["a.csv"] == b"1" and server.files["README.md"] != b"x"
    server.files = {".gitattributes": b""}
    ddcodec.push(made, "owner/name", **WANTED)


def test_what_should_be_private_is_not_put_where_all_can_see_it(
    server: FakeHub, made: Path
) -> None:
    ddcodec.push(made, "owner/name", private=True, **WANTED)
    assert server.private
    server.files, server.private = {}, False
    with pytest.raises(RequestError, match="exists and is public"):
        ddcodec.push(made, "owner/name", private=True, **WANTED)
    assert server.files == {}


@pytest.mark.parametrize("spoiled", ["shapes.ddz", "README.md"])
def test_other_bytes_on_the_hub_are_found(server: FakeHub, made: Path, spoiled: str) -> None:
    server.spoils = {spoiled}
    with pytest.raises(EncodeError, match=rf"the hub has other bytes of {spoiled} in owner/name"):
        ddcodec.push(made, "owner/name", **WANTED)


def test_nobody_logged_in_is_told_how(
    server: FakeHub, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(RequestError, match="nobody is logged in to the hub: run `hf auth login`"):
        ddcodec.push(made, "owner/name", **WANTED)
    assert server.asked == []


def test_a_token_that_may_not_write_is_told(
    server: FakeHub, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    with pytest.raises(RequestError, match="refuses to let you write owner/name"):
        ddcodec.push(made, "owner/name", **WANTED)
    assert server.files == {}


def test_without_a_network_it_is_said(
    server: FakeHub, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EncodeError, match="cannot be written on the hub"):
        ddcodec.push(made, "owner/name", **WANTED)


def test_a_damaged_artifact_is_not_sent(server: FakeHub, made: Path, tmp_path: Path) -> None:
    data = bytearray(made.read_bytes())
    data[-9] ^= 1
    (tmp_path / "a.ddz").write_bytes(data)
    with pytest.raises((IntegrityError, FormatError)):
        ddcodec.push(tmp_path / "a.ddz", "owner/name", **WANTED)
    assert server.files == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"license": "cc-by-4"}, r"no licence that the hub knows \(did you mean 'cc-by-4\.0'\?\)"),
        ({"repository": "name"}, "is no name of a repository: write OWNER/NAME"),
        ({"repository": "a/b/c"}, "is no name of a repository"),
        ({"artifact": "my photos.ddz"}, "is no name for a file on the hub: rename it"),
        ({"artifact": "missing.ddz"}, "there is no file"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    server: FakeHub,
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(made, "my photos.ddz")
    given: dict[str, Any] = {"artifact": made, "repository": "owner/name", **WANTED, **change}
    with pytest.raises(RequestError, match=message):
        ddcodec.push(**given)
    assert server.files == {}
