"""An open artifact: what it says of itself, and how it notices damage."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.container import CopiedSection, write_container
from ddcodec.errors import (
    ChecksumMismatchError,
    DecodeError,
    HeaderError,
    LimitExceededError,
    PixelDriftError,
    RequestError,
)
from tests.artifacts import encode_small, generated, rewritten


@pytest.fixture(scope="module")
def artifact(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return encode_small(image_folder, tmp_path_factory.mktemp("artifact") / "small.ddz")


def test_it_names_its_classes_and_its_size(artifact: Artifact) -> None:
    assert artifact.classes == ("blob", "cross", "stripes")
    assert (artifact.recipe.ipc, artifact.recipe.views) == (4, 3)
    assert artifact.path is not None and artifact.file_len == artifact.path.stat().st_size
    assert artifact.info["method"] == "random"


def test_the_size_budget_adds_up(artifact: Artifact) -> None:
    budget = artifact.sizes()
    assert budget.stored == artifact.file_len
    assert sum(child.stored for child in budget.children) == budget.stored
    patches = next(child for child in budget.children if child.name == "patches")
    assert patches.plain == 3 * 4 * 16 * 16 * 3


@pytest.mark.parametrize("level", ["structure", "crc", "digest", "pixels"])
def test_every_level_accepts_a_sound_file(artifact: Artifact, level: str) -> None:
    compared = artifact.verify(level)  # type: ignore[arg-type]
    assert compared == (12 if level == "pixels" else 0)


def test_a_flipped_bit_is_found(artifact: Artifact, tmp_path: Path) -> None:
    assert artifact.path is not None
    data = bytearray(artifact.path.read_bytes())
    data[-1] ^= 1
    broken = tmp_path / "broken.ddz"
    broken.write_bytes(data)
    with pytest.raises(ChecksumMismatchError):
        ddcodec.open(broken).verify("crc")


def test_a_missing_section_is_found_by_structure(artifact: Artifact, tmp_path: Path) -> None:
    head = artifact.head.to_map()
    head["recipe"]["ipc"] = 5
    with pytest.raises(HeaderError, match=r"blob.*missing"):
        ddcodec.open(rewritten(artifact, tmp_path / "short.ddz", head)).verify("structure")


def test_drifted_pixels_are_named(artifact: Artifact, tmp_path: Path) -> None:
    # The same stored patches, shown at another size, are other pixels.
    head = artifact.head.to_map()
    head["recipe"]["size"] = [18, 16]
    with pytest.raises(PixelDriftError, match=r"12 of 12 .*blob/0"):
        ddcodec.open(rewritten(artifact, tmp_path / "drift.ddz", head)).verify("pixels")


def test_unknown_names_are_refused_with_the_known_ones(artifact: Artifact) -> None:
    with pytest.raises(RequestError, match=r"'blub'.*blob, cross, stripes"):
        artifact.dataset(classes=["blub"])


def test_it_travels_to_a_worker(artifact: Artifact) -> None:
    other = pickle.loads(pickle.dumps(artifact))
    assert other.digest == artifact.digest
    assert (other.dataset()[0][0] == artifact.dataset()[0][0]).all()


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="No such file"):
        ddcodec.open(tmp_path / "nothing.ddz")


def test_one_byte_cannot_stand_for_gigabytes(tmp_path: Path) -> None:
    # One hard label for all rows, and a derived seed list, in an artifact that claims many slots.
    # Its pictures are generated, so that no patches are missing.
    small = generated(tmp_path / "small.ddz")
    head = small.head.to_map()
    head["recipe"]["ipc"] = 1 << 24
    sections = [CopiedSection(small.reader, s, s.box) for s in small.sections if s.kind != "pixels"]
    write_container(tmp_path / "bomb.ddz", head=head, sections=sections)
    bomb = ddcodec.open(tmp_path / "bomb.ddz")
    assert bomb.verify("structure") == 0
    for kind in ("labels", "seeds"):
        section = next(s for s in bomb.sections if s.kind == kind)
        with pytest.raises(LimitExceededError, match="smaller sections"):
            bomb.table.decode(section)
